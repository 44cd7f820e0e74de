/** From the remote differences to the actions for the disk, in an order in which they can be carried out one by one. */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import type { Entry } from '../../../shared/core/tree/entry.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';
import { joinPath, pathOf } from '../journal/paths.ts';
import type { LocalNode, StatMark } from '../model.ts';
import type { ApplyAction } from '../ports.ts';
import { Arrangement, type Step } from './arrange.ts';
import { holdsBytes, holdsEntry, placeOf } from './decide.ts';
import type { Decider } from './decider.ts';

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
      childrenOf: (id) => trees.localChildren(id).map((child) => child.nodeId),
      at: (place) => trees.localAt(place)?.nodeId,
      isFolder: (id) => (trees.local(id)?.kind ?? trees.remote(id)?.entry.kind) === 'folder',
      wants: (id) => wantedPlace(decider, id),
      needed: (id) => (decider.decide(id).kind === 'pull' ? optionalPlace(trees.remote(id)) : undefined),
    },
    {
      takeNames: false,
      manySteps: false,
      stepsMax: actionsMax,
      emit: (step) => {
        const action = stepToAction(decider, paths, step);
        if (action !== undefined) applications.push({ action, place: step.to });
        acted.add(step.nodeId);
        if (step.kind !== 'create') paths.forget();
      },
    },
  );
  const pulled = changed.filter((id) => decider.decide(id).kind === 'pull');
  for (const id of pulled) if (trees.remote(id) !== undefined) arrangement.settle(id);
  for (const id of pulled) if (trees.remote(id) === undefined) arrangement.settle(id);
  for (const id of pulled) {
    if (applications.length >= actionsMax) break;
    const action = acted.has(id) ? undefined : contentAction(decider, arrangement, paths, id);
    if (action !== undefined) applications.push({ action, place: arrangement.placeOf(id) ?? null });
  }
  return { applications, isFull: arrangement.isFull || applications.length >= actionsMax };
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
  const remote = decider.trees.remote(id);
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
    case 'file':
      return { kind: 'write-file', nodeId, path, content: entry.content, size: entry.size, mode, mtimeMs, expected };
  }
}

/** New content or bits for a node that is where it shall be. A folder has neither, and nothing turns into or out of one. */
function contentAction(
  { trees }: Decider,
  arrangement: Arrangement,
  paths: FolderPaths,
  nodeId: NodeId,
): ApplyAction | undefined {
  const local = trees.local(nodeId);
  const remote = trees.remote(nodeId);
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
