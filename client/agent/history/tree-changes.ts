/** What differs between two trees of a workspace, node by node: a move is one change, and so is a folder that moves with all in it. */
import type { Digest, NodeId } from '../../../shared/core/ids.ts';
import { mapDiff } from '../../../shared/core/merkle/map-diff.ts';
import { mapGetMany } from '../../../shared/core/merkle/map-read.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type Entry, decodeEntry, sameContent } from '../../../shared/core/tree/entry.ts';
import { type Place, entryKeyToPlace, isEntryKey, samePlace } from '../../../shared/core/tree/keys.ts';
import type { JournalEntry } from '../../../shared/core/wire/journal-entry.ts';
import { PathFinder } from './tree-paths.ts';

/** `touched`: nothing but its times or its version. */
export type ChangeKind = 'added' | 'removed' | 'edited' | 'moved' | 'moved-and-edited' | 'touched';

export interface PlacedNode {
  readonly place: Place;
  readonly entry: Entry;
}

export interface NodeChange {
  readonly kind: ChangeKind;
  readonly nodeId: NodeId;
  /** Undefined for one that was added. */
  readonly before: PlacedNode | undefined;
  /** Undefined for one that was removed. */
  readonly after: PlacedNode | undefined;
}

interface KeyChange {
  readonly key: Uint8Array;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

/** Changes that are held at once: some hundred megabytes. */
export const changesMax = 500_000;

/** What a commit did. @throws TidemarkError `corrupt` and the like on trees that are not what their roots say. */
export async function changesOfCommit(
  nodes: NodeSource,
  { previousRoot, edits }: Pick<JournalEntry, 'previousRoot' | 'edits'>,
): Promise<readonly NodeChange[]> {
  const keys = edits.map(({ key }) => key);
  const before = await mapGetMany(nodes, previousRoot, keys);
  return pairChanges(edits.map(({ key, value }, i) => ({ key, before: before[i], after: value ?? undefined })));
}

/** What differs between two trees. Throws `too-large` over 500,000 changes. */
export async function changesBetween(nodes: NodeSource, before: Digest, after: Digest): Promise<readonly NodeChange[]> {
  const changes: KeyChange[] = [];
  for await (const change of mapDiff(nodes, before, after)) {
    if (!isEntryKey(change.key)) break;
    if (changes.length >= 2 * changesMax) {
      throw new TidemarkError(
        'too-large',
        `the two differ in more than ${changesMax} files; compare points closer together`,
      );
    }
    changes.push(change);
  }
  return pairChanges(changes);
}

/** Entry keys that changed, as changes of nodes; in the order of the keys, a node's at the place that it has afterwards. */
export function pairChanges(changes: readonly KeyChange[]): readonly NodeChange[] {
  const gone = new Map<NodeId, PlacedNode>();
  for (const { key, before } of changes) {
    if (before === undefined) continue;
    const entry = decodeEntry(before);
    gone.set(entry.nodeId, { place: entryKeyToPlace(key), entry });
  }
  const result: NodeChange[] = [];
  const came = new Set<NodeId>();
  for (const { key, after: value } of changes) {
    if (value === undefined) continue;
    const after = { place: entryKeyToPlace(key), entry: decodeEntry(value) };
    const { nodeId } = after.entry;
    const before = gone.get(nodeId);
    came.add(nodeId);
    result.push({ kind: kindOf(before, after), nodeId, before, after });
  }
  for (const [nodeId, before] of gone) {
    if (!came.has(nodeId)) result.push({ kind: 'removed', nodeId, before, after: undefined });
  }
  return result;
}

function kindOf(before: PlacedNode | undefined, after: PlacedNode): ChangeKind {
  if (before === undefined) return 'added';
  const isMoved = !samePlace(before.place, after.place);
  const isEdited = !sameContent(before.entry, after.entry);
  return isMoved ? (isEdited ? 'moved-and-edited' : 'moved') : isEdited ? 'edited' : 'touched';
}

export interface NamedChange extends NodeChange {
  /** Where it was; undefined for one that was added. */
  readonly from: string | undefined;
  /** Where it is afterwards; undefined for one that was removed. */
  readonly to: string | undefined;
}

/** The changes with their paths, by path. `before` and `after` are the roots of the two trees. */
export async function nameChanges(
  nodes: NodeSource,
  changes: readonly NodeChange[],
  before: Digest,
  after: Digest,
): Promise<readonly NamedChange[]> {
  const [pathsBefore, pathsAfter] = [new PathFinder(nodes, before), new PathFinder(nodes, after)];
  const named: NamedChange[] = [];
  // So many descents at once go out in common requests.
  const atOnce = 256;
  for (let at = 0; at < changes.length; at += atOnce) {
    const part = changes.slice(at, at + atOnce).map(async (change): Promise<NamedChange> => {
      const from = change.before === undefined ? undefined : await pathsBefore.pathOf(change.before.place);
      const to = change.after === undefined ? undefined : await pathsAfter.pathOf(change.after.place);
      return { ...change, from, to };
    });
    named.push(...(await Promise.all(part)));
  }
  return named.sort((a, b) => compareText(a.to ?? a.from ?? '', b.to ?? b.from ?? ''));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a change touches what is at a path, or below it, in the tree before or in the one after. */
export function touches({ from, to }: Pick<NamedChange, 'from' | 'to'>, path: string): boolean {
  return path === '' || isWithinText(from, path) || isWithinText(to, path);
}

function isWithinText(path: string | undefined, folder: string): boolean {
  return path !== undefined && (path === folder || path.startsWith(`${folder}/`));
}
