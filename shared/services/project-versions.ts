/**
 * Brings the versions of nodes (ports/version-store.ts) up to date from the journal. What a commit left of a node follows from
 * its edits: a key with a value has the node of that value now, a node that had a key before and has none now is gone. A node that
 * moved is one version, and so is a folder that moved with all in it.
 *
 * A version is named by node and seq, and the position moves only from where it was read: runs that cross, repeat or crash in
 * between leave the same.
 */
import type { NodeId, WorkspaceId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { mapGetMany } from '../core/merkle/map-read.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { decodeEntry } from '../core/tree/entry.ts';
import { entryKeyToPlace } from '../core/tree/keys.ts';
import type { JournalEntry } from '../core/wire/journal-entry.ts';
import type { VersionRecord } from '../ports/version-store.ts';
import type { Needs } from './dependencies.ts';
import { recordToEntry } from './signed-heads.ts';
import { workspaceNodes } from './workspace-nodes.ts';

export type ProjectionNeeds = Needs<'metadata' | 'blobs'>;

/** Commits read at once, and versions stored at once, but for those of a single larger commit. */
const commitsAtOnce = 200;
const versionsAtOnce = 2_000;
/** Versions that one run stores, but for the last batch of it: a commit can leave ten thousand, and somebody may be waiting for the run. */
const versionsOfRun = 50_000;

export interface Projected {
  /** Up to which seq versions are known. */
  readonly seq: number;
  /** Commits that this run projected. */
  readonly commits: number;
}

/** Projects commits after the position up to `toSeq`, at most about `commitsMax`, and about as many as leave `versionsMax` versions. */
export async function projectVersions(
  deps: ProjectionNeeds,
  workspaceId: WorkspaceId,
  toSeq: number,
  commitsMax: number,
  versionsMax = versionsOfRun,
): Promise<Projected> {
  const { journal, versions } = deps.metadata;
  const nodes = workspaceNodes(deps, workspaceId);
  let seq = await versions.projectedSeq(workspaceId);
  let [commits, stored] = [0, 0];
  while (seq < toSeq && commits < commitsMax && stored < versionsMax) {
    const limit = Math.min(commitsAtOnce, toSeq - seq, commitsMax - commits);
    const records = await journal.list(workspaceId, seq, limit, limits.changesPageBytes);
    if (records.length === 0) break;
    const batch: VersionRecord[] = [];
    let last = seq;
    for (const record of records) {
      batch.push(...(await versionsOf(await recordToEntry(deps, workspaceId, record), nodes)));
      last = record.seq;
      if (batch.length >= versionsAtOnce) break;
    }
    const result = await versions.project(workspaceId, seq, last, batch);
    // Counted also when another run was faster, so that the work of this one has an end.
    commits += last - seq;
    stored += batch.length;
    seq = result === 'projected' ? last : await versions.projectedSeq(workspaceId);
  }
  return { seq, commits };
}

/** What one commit left of the nodes that it touched. */
async function versionsOf(entry: JournalEntry, nodes: NodeSource): Promise<VersionRecord[]> {
  const { seq, timeMs, userId, deviceId, edits } = entry;
  const common = { seq, timeMs, userId, deviceId };
  const touched = new Map<NodeId, VersionRecord>();
  const keys = edits.map(({ key }) => key);
  for (const value of await mapGetMany(nodes, entry.previousRoot, keys)) {
    if (value === undefined) continue;
    const { nodeId } = decodeEntry(value);
    touched.set(nodeId, { nodeId, ...common, place: null, entry: null });
  }
  for (const { key, value } of edits) {
    if (value === null) continue;
    const { nodeId } = decodeEntry(value);
    touched.set(nodeId, { nodeId, ...common, place: entryKeyToPlace(key), entry: value });
  }
  return [...touched.values()];
}
