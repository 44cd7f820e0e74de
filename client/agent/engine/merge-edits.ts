/**
 * Edits that met edits where the workspace merges: the base's content and the server's are fetched, and merged with the file that is
 * here (merge/merge-contents.ts). For each that can be merged, in this order:
 *
 *     1. the edit as it was made is committed beside the file under a name of its own: the server's history has it from then on
 *     2. the merged content takes the file's place here, if the file is still as it was
 *     3. what the server has becomes the merge base, so that the merged content is an edit of it like any other
 *
 * What the first step made counts as deleted here: the next plan tells the server so, with the merged content; where it is much of what
 * the folder has, the server is told before, or it would look like a mass deletion. So each of the four versions (base, theirs, ours,
 * merged) can be restored. A crash after any step leaves an edit that meets an edit again, or a merged file that holds what the server
 * has, which merging again finds as it is.
 */
import { type NodeId, bytesToNodeId, idBytes } from '../../../shared/core/ids.ts';
import { conflictName } from '../../../shared/core/paths/conflict-name.ts';
import type { FileEntry } from '../../../shared/core/tree/entry.ts';
import { emptyVersion } from '../../../shared/core/version-vector.ts';
import type { Operation, PutOperation } from '../../../shared/core/wire/operation.ts';
import { noStat } from '../journal/rows.ts';
import { mergeBytesMax, mergeContents } from '../merge/merge-contents.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';
import { placeOf } from '../plan/decide.ts';
import type { DescribedBytes } from '../ports.ts';
import { commitOperations } from './commit.ts';
import { pullChanges } from './pull.ts';
import type { SyncRun } from './sync-run.ts';

/** Merges that share a commit and a flush of the disk. What a crash leaves of them must not look like a mass deletion. */
const groupMax = 32;
const groupFilesShare = 8;
/** Deletions that may wait for the next plan: far below what the brake takes for an accident. */
const waitingMax = 250;
const waitingFilesShare = 4;
/** Times that a file may turn out to be changing before it is left for the next sync. */
const triesMax = 3;

type FileAt<T extends PlacedEntry> = T & { readonly entry: FileEntry };

/** An edit of this device's that met another one: the three versions. */
interface MetEdit {
  readonly local: LocalNode & { readonly content: NonNullable<LocalNode['content']> };
  readonly synced: FileAt<PlacedEntry>;
  readonly remote: FileAt<PlacedEntry>;
  readonly path: string;
}

interface Merge extends MetEdit {
  readonly bytes: Uint8Array;
  readonly described: DescribedBytes;
}

/** A merge whose edit is committed beside the file, as a node of its own. */
interface Kept {
  readonly merge: Merge;
  readonly besideId: NodeId;
}

export interface MergedEdits {
  /** Nodes that are to be planned anew: merged, or not in need of it any more. */
  readonly done: number;
  /** Nodes whose edits do not fit together, or are not of a kind that can be merged. */
  readonly apart: readonly NodeId[];
}

/** Merges what can be merged of these nodes, as the trees have them now. Throws what server and network throw. */
export async function mergeEdits(run: SyncRun, nodeIds: readonly NodeId[]): Promise<MergedEdits> {
  const apart: NodeId[] = [];
  const size = Math.max(
    1,
    Math.min(groupMax, Math.floor(run.needs.journal.listings.countSyncedFiles() / groupFilesShare)),
  );
  let group: Merge[] = [];
  let beside: NodeId[] = [];
  for (const nodeId of nodeIds) {
    const edit = findEdit(run, nodeId);
    if (edit === 'settled') continue;
    const merge = edit === 'apart' ? edit : await tryMerge(run, edit);
    if (merge === 'apart') apart.push(nodeId);
    else if (merge !== 'settled') group.push(merge);
    if (group.length < size) continue;
    beside = await tellGone(run, [...beside, ...(await settleGroup(run, group))]);
    group = [];
  }
  if (group.length > 0) await tellGone(run, [...beside, ...(await settleGroup(run, group))]);
  return { done: nodeIds.length - apart.length, apart };
}

function isFileAt<T extends PlacedEntry>(node: T | undefined): node is FileAt<T> {
  return node?.entry.kind === 'file';
}

/** `settled`: the two do not differ any more in a way that needs a merge. */
function findEdit({ needs: { journal } }: SyncRun, nodeId: NodeId): MetEdit | 'apart' | 'settled' {
  const { trees } = journal;
  const local = trees.getLocal(nodeId);
  const remote = trees.getRemote(nodeId);
  if (local === undefined || remote === undefined || local.kind !== 'file' || local.content === null) return 'settled';
  const synced = trees.getSynced(nodeId);
  if (!isFileAt(remote) || !isFileAt(synced)) return 'apart';
  const contents = new Set([local.content, remote.entry.content, synced.entry.content]);
  if (contents.size < 3) return 'settled';
  const isLarge = [local.stat.size, remote.entry.size, synced.entry.size].some((size) => size > mergeBytesMax);
  const path = journal.localPath(local);
  // An empty file at the place of a write that broke off counts as torn.
  if (isLarge || local.stat.size === 0 || path === undefined) return 'apart';
  return { local: { ...local, content: local.content }, remote, synced, path };
}

async function tryMerge(run: SyncRun, edit: MetEdit): Promise<Merge | 'apart' | 'settled'> {
  const { journal, folder } = run.needs;
  const { local, synced, remote, path } = edit;
  const { nodeId } = local;
  const ours = await folder.read(path, local.stat);
  const profileId = journal.contents.get(local.content)?.profileId ?? 0;
  if (ours === null || (await folder.describe(ours, profileId)).content !== local.content) {
    noteChanging(run, nodeId, path);
    return 'settled';
  }
  const theirs = await folder.fetch(remote.entry, run.signal);
  const base = theirs === null ? null : await folder.fetch(synced.entry, run.signal);
  if (theirs === null || base === null) return 'apart';
  const merged = mergeContents(remote.name, base, ours, theirs);
  if (merged.state === 'apart') return 'apart';
  const described = await folder.describe(merged.bytes, profileId);
  if (described.content !== local.content) return { ...edit, bytes: merged.bytes, described };
  // What they did is in our file already.
  journal.transaction(() => rebaseToRemote(run, edit));
  return 'settled';
}

function noteChanging(run: SyncRun, nodeId: NodeId, path: string): void {
  run.rescan = true;
  run.fail(nodeId, { path, code: 'busy', detail: 'it changes while it is to be merged' }, triesMax);
}

/** The content that the server has is the merge base; where the file was last agreed to be stays as it is. */
function rebaseToRemote({ needs: { journal } }: SyncRun, { local, synced, remote }: MetEdit): void {
  journal.trees.rebase(local.nodeId, { ...placeOf(synced), entry: remote.entry, stat: noStat });
}

/** Returns the nodes of what was committed beside files that are merged now. */
async function settleGroup(run: SyncRun, group: readonly Merge[]): Promise<readonly NodeId[]> {
  run.enter({ name: 'negotiating' });
  const kept = await keepOurs(run, group);
  if (kept.length === 0) return [];
  const { journal, folder, clock } = run.needs;
  const nowMs = Math.trunc(clock.now());
  const actions = kept.map(
    ({
      merge: {
        local,
        remote,
        path,
        bytes,
        described: { content },
      },
    }) => {
      const mode = (local.stat.mode | remote.entry.mode) & 0o111;
      // Not the file's own: by it, after a crash, the user's file would be taken for a write that broke off.
      const mtimeMs = Math.trunc(local.stat.mtimeMs) === nowMs ? nowMs + 1 : nowMs;
      const { nodeId, stat: expected } = local;
      return { kind: 'write-file' as const, nodeId, path, content, size: bytes.length, mode, mtimeMs, expected, bytes };
    },
  );
  run.enter({ name: 'replaying' });
  journal.intents.add(
    actions.map(({ nodeId, path, content, size, mtimeMs }) => ({ nodeId, path, content, size, mtimeMs })),
  );
  const results = await folder.apply(actions, journal.knowledge, run.signal);
  journal.transaction(() => {
    for (const [i, result] of results.entries()) {
      const { merge } = kept[i]!;
      journal.intents.remove(result.nodeId);
      if (result.done) settleMerge(run, merge, result.stat ?? noStat);
      else noteChanging(run, result.nodeId, merge.path);
    }
  });
  return kept.filter((_, i) => results[i]?.done === true).map(({ besideId }) => besideId);
}

/** Tells the server at once that what was beside merged files is gone, if much waits to be deleted. Returns what is left to the next plan. */
async function tellGone(run: SyncRun, besideIds: readonly NodeId[]): Promise<NodeId[]> {
  const { journal, clock } = run.needs;
  const { listings, trees } = journal;
  const max = Math.min(waitingMax, Math.floor(listings.countSyncedFiles() / waitingFilesShare));
  if (listings.countLocalDeletions() <= max) return [...besideIds];
  const clockMs = Math.trunc(clock.now());
  const operations = besideIds.flatMap((nodeId): Operation[] => {
    const synced = trees.getLocal(nodeId) === undefined ? trees.getSynced(nodeId) : undefined;
    return synced === undefined ? [] : [{ kind: 'delete', nodeId, base: synced.entry.version, clockMs }];
  });
  if (operations.length === 0) return [];
  run.enter({ name: 'negotiating' });
  const result = await commitOperations(run, operations);
  if (result.state !== 'nothing') await pullChanges(run);
  return [];
}

function settleMerge(run: SyncRun, merge: Merge, stat: LocalNode['stat']): void {
  const { journal } = run.needs;
  const { content, chunks, sha256 } = merge.described;
  if (chunks !== null) journal.contents.add(chunks);
  if (sha256 !== null) journal.sha256.add(content, sha256);
  rebaseToRemote(run, merge);
  journal.trees.setLocal(merge.local.nodeId, { ...merge.local, content, stat });
  run.tally.merged++;
}

/** Commits our edits beside what they are edits of. Those that the server has in its history afterwards. */
async function keepOurs(run: SyncRun, group: readonly Merge[]): Promise<readonly Kept[]> {
  const { deviceName } = await run.conflictRules();
  const puts = group.map((merge) => toKeptPut(run, merge, deviceName));
  const read = puts.map((put, i) => ({ ...put, nodeId: group[i]!.local.nodeId }));
  const result = await commitOperations(run, puts, read);
  if (result.state !== 'nothing') await pullChanges(run);
  const { trees } = run.needs.journal;
  const kept: Kept[] = [];
  for (const [i, merge] of group.entries()) {
    const besideId = puts[i]!.nodeId;
    if (trees.getSynced(besideId) !== undefined) kept.push({ merge, besideId });
    else noteChanging(run, merge.local.nodeId, merge.path);
  }
  return kept;
}

function toKeptPut({ needs }: SyncRun, { local, remote }: Merge, deviceName: string): PutOperation {
  const { journal, clock, randomness } = needs;
  const nodeId = bytesToNodeId(randomness.bytes(idBytes));
  const clockMs = Math.trunc(clock.now());
  const { size, mode, mtimeMs } = local.stat;
  return {
    kind: 'put',
    nodeId,
    parentId: remote.parentId,
    // A number that nobody else takes: it is there for a moment, and in the history.
    name: conflictName(remote.name, deviceName, clockMs, 100 + Number.parseInt(nodeId.slice(0, 6), 16)),
    base: emptyVersion,
    baseContent: null,
    content: local.content,
    size,
    mode: mode & 0o111,
    mtimeMs: Math.trunc(mtimeMs),
    clockMs,
    sha256: journal.meta.wantsSha256 ? (journal.sha256.get(local.content) ?? null) : null,
    fallback: null,
  };
}
