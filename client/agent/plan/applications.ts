/** From the remote differences to the actions for the disk, in an order in which they can be carried out one by one. */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import type { Entry } from '../../../shared/core/tree/entry.ts';
import { aliasKey } from '../../../shared/core/paths/alias-key.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';
import { rulesName } from '../ignore/rules.ts';
import { joinPath, pathOf } from '../journal/paths.ts';
import type { LocalNode, StatMark } from '../model.ts';
import type { ApplyAction } from '../ports.ts';
import { Arrangement } from './arrange.ts';
import type { Step } from './arrange-world.ts';
import { holdsBytes, holdsEntry, placeOf } from './decide.ts';
import type { Decider } from './decider.ts';
import type { PlanTrees } from './plan-trees.ts';

export interface Application {
  readonly action: ApplyAction;
  /** Where the node is afterwards; null for nowhere. */
  readonly place: Place | null;
}

export interface ApplicationsPlan {
  /** At most one for each node: what a second one would have to expect of the file is known only after the first. */
  readonly applications: readonly Application[];
  readonly isFull: boolean;
}

export function planApplications(decider: Decider, changed: readonly NodeId[], actionsMax: number): ApplicationsPlan {
  const { trees } = decider;
  const applications: Application[] = [];
  const acted = new Set<NodeId>();
  const paths = new FolderPaths((id) => arrangement.placeOf(id));
  const arrangement: Arrangement = new Arrangement(
    {
      placeOf: (id) => optionalPlace(trees.local(id)),
      childrenOf: (id) => rulesLast(trees.localChildren(id)).map((child) => child.nodeId),
      at: trees.foldsNames === true ? findAliases(trees) : (place) => trees.localAt(place)?.nodeId,
      isFolder: (id) => (trees.local(id)?.kind ?? trees.remote(id)?.entry.kind) === 'folder',
      wants: (id) => wantedPlace(decider, id),
      needed: (id) => (decider.decide(id).kind === 'pull' ? optionalPlace(decider.wantedHere(id)) : undefined),
    },
    {
      takeNames: false,
      manySteps: false,
      stepsMax: actionsMax,
      nameKey: trees.foldsNames === true ? aliasKey : undefined,
      emit: (step) => {
        const action = stepToAction(decider, paths, step);
        if (action !== undefined) applications.push({ action, place: step.to });
        acted.add(step.nodeId);
        if (step.kind !== 'create') paths.forget();
      },
    },
  );
  const pulled = changed.filter((id) => decider.decide(id).kind === 'pull');
  for (const id of pulled) if (decider.wantedHere(id) !== undefined) arrangement.settle(id);
  const gone = pulled.filter((id) => decider.wantedHere(id) === undefined).flatMap((id) => trees.local(id) ?? []);
  for (const { nodeId } of rulesLast(gone)) arrangement.settle(nodeId);
  for (const id of pulled) {
    if (applications.length >= actionsMax) break;
    const action = acted.has(id) ? undefined : contentAction(decider, arrangement, paths, id);
    if (action !== undefined) applications.push({ action, place: arrangement.placeOf(id) ?? null });
  }
  return { applications, isFull: arrangement.isFull || applications.length >= actionsMax };
}

/** Who has a name on this disk, or else one that this disk takes for the same. Lists a folder once, when one of its names is free. */
function findAliases(trees: PlanTrees): (place: Place) => NodeId | undefined {
  const folders = new Map<NodeId, ReadonlyMap<string, NodeId>>();
  return (place) => {
    const { parentId, name } = place;
    const there = trees.localAt(place);
    if (there !== undefined) return there.nodeId;
    const children =
      folders.get(parentId) ??
      new Map(trees.localChildren(parentId).map((child) => [aliasKey(child.name), child.nodeId]));
    folders.set(parentId, children);
    return children.get(aliasKey(name));
  };
}

/** A file of rules goes after what is beside it: until then its rules tell what may keep their folder here. */
function rulesLast(nodes: readonly LocalNode[]): readonly LocalNode[] {
  const isRules = ({ name }: LocalNode): boolean => name === rulesName;
  return nodes.some(isRules) ? [...nodes.filter((node) => !isRules(node)), ...nodes.filter(isRules)] : nodes;
}

/** Paths of folders in the tree as the steps so far have left it. */
class FolderPaths {
  readonly #placeOf: (id: NodeId) => Place | undefined;
  readonly #paths = new Map<NodeId, string | undefined>();

  constructor(placeOf: (id: NodeId) => Place | undefined) {
    this.#placeOf = placeOf;
  }

  at({ parentId, name }: Place): string | undefined {
    let folder = this.#paths.get(parentId);
    if (folder === undefined) {
      folder = pathOf(parentId, this.#placeOf);
      this.#paths.set(parentId, folder);
    }
    return folder === undefined ? undefined : joinPath(folder, name);
  }

  forget(): void {
    this.#paths.clear();
  }
}

function optionalPlace(node: Place | undefined): Place | undefined {
  return node === undefined ? undefined : placeOf(node);
}

function wantedPlace(decider: Decider, id: NodeId): Place | 'gone' | 'stay' {
  if (id === rootNodeId || decider.decide(id).kind !== 'pull') return 'stay';
  const remote = decider.wantedHere(id);
  return remote === undefined ? 'gone' : placeOf(remote);
}

function stepToAction({ trees }: Decider, paths: FolderPaths, step: Step): ApplyAction | undefined {
  const { nodeId } = step;
  const from = step.from === null ? undefined : paths.at(step.from);
  const path = step.to === null ? from : paths.at(step.to);
  if (path === undefined) return undefined;
  if (step.kind === 'create') {
    const entry = trees.remote(nodeId)?.entry;
    return entry === undefined ? undefined : createAction(entry, path, null);
  }
  const local = trees.local(nodeId);
  if (local === undefined || from === undefined) return undefined;
  if (step.kind === 'move') return { kind: 'move', nodeId, what: local.kind, from, path, expected: local.stat };
  return local.kind === 'folder'
    ? { kind: 'remove-folder', nodeId, path }
    : { kind: 'remove-file', nodeId, path, expected: local.stat };
}

function createAction(entry: Entry, path: string, expected: StatMark | null): ApplyAction {
  const { nodeId, mode, mtimeMs } = entry;
  switch (entry.kind) {
    case 'folder':
      return { kind: 'make-folder', nodeId, path };
    case 'symlink':
      return { kind: 'make-symlink', nodeId, path, target: entry.target, expected };
    case 'file': {
      const { content, size, sha256 = null } = entry;
      return { kind: 'write-file', nodeId, path, content, sha256, size, mode, mtimeMs, expected };
    }
  }
}

/** New content or bits for a node that is where it shall be. A folder has neither, and nothing turns into or out of one. */
function contentAction(
  decider: Decider,
  arrangement: Arrangement,
  paths: FolderPaths,
  nodeId: NodeId,
): ApplyAction | undefined {
  const local = decider.trees.local(nodeId);
  const remote = decider.wantedHere(nodeId);
  const place = arrangement.placeOf(nodeId);
  if (local === undefined || remote === undefined || place === undefined || !samePlace(place, remote)) return undefined;
  if (local.kind === 'folder' || remote.entry.kind === 'folder' || holdsEntry(local, remote.entry)) return undefined;
  const path = paths.at(place);
  return path === undefined ? undefined : changeAction(local, remote.entry, path);
}

function changeAction(local: LocalNode, entry: Entry, path: string): ApplyAction {
  const { stat } = local;
  if (!holdsBytes(local, entry)) return createAction(entry, path, stat);
  return { kind: 'set-mode', nodeId: entry.nodeId, path, mode: entry.mode, expected: stat };
}
