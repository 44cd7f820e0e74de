/** Looking at the disk: what is found becomes local differences, in batches, each one transaction. */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import type { Journal } from '../journal/journal.ts';
import type { Intent } from '../journal/intents-table.ts';
import type { LocalNode } from '../model.ts';
import { holdsBytes } from '../plan/decide.ts';
import type { Finding } from '../ports.ts';
import type { SyncRun } from './sync-run.ts';

/** Findings of one transaction: enough to make its flush of the disk cheap, few enough to hold. */
const batchFindings = 1_024;

/** Scans and takes over what was found. Absence counts only if every folder could be listed. */
export async function scanFolder(run: SyncRun): Promise<void> {
  const { journal, folder } = run.needs;
  run.enter({ name: 'scanning' });
  takeOver(journal);
  let batch: Finding[] = [];
  let found = 0;
  const store = (): void => {
    storeFindings(journal, batch);
    batch = [];
  };
  const report = await folder.scan(
    journal.knowledge,
    (findings) => {
      for (const finding of findings) batch.push(finding);
      found += findings.length;
      if (batch.length >= batchFindings) store();
      run.progress({ done: found, total: 0, bytes: 0 });
    },
    run.signal,
  );
  store();
  takeOver(journal);
  if (report.complete) markMissing(journal, report.missing);
  resolveIntents(journal);
  run.rescan = !report.isSettled;
  run.foldsNames = report.foldsNames;
  run.scanProblems = report.problems;
  run.tally.files = report.files;
  run.tally.bytesScanned = report.bytes;
  run.tally.bytesRead += report.bytesRead;
  run.progress({ done: report.files, total: report.files, bytes: report.bytes });
}

function storeFindings(journal: Journal, findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  journal.transaction(() => {
    for (const { node, chunks, sha256 } of findings) {
      journal.found.add(node);
      if (node.content !== null && sha256 != null) journal.sha256.add(node.content, sha256);
      if (chunks !== null) journal.contents.add(chunks);
    }
  });
}

/** Findings that wait, of this scan or of one that broke off, become local differences. */
function takeOver(journal: Journal): void {
  while (!journal.found.isEmpty()) {
    journal.transaction(() => {
      const nodes = journal.found.take(batchFindings);
      const ids = nodes.map(({ nodeId }) => nodeId);
      journal.trees.batch(ids, () => {
        for (const node of nodes) journal.trees.setLocal(node.nodeId, node);
      });
    });
  }
}

function markMissing(journal: Journal, missing: readonly NodeId[]): void {
  for (let from = 0; from < missing.length; from += batchFindings) {
    const part = missing.slice(from, from + batchFindings);
    journal.transaction(() => {
      journal.trees.batch(part, () => {
        for (const nodeId of part) journal.trees.setLocal(nodeId, undefined);
      });
    });
  }
}

/**
 * What a broken-off application left behind is told apart from what the user did:
 *
 *     nothing there, the node known    its absence proves nothing: it counts as never materialised, and is fetched
 *     at its temporary or new place    a move that was done and not journalled: the merge base follows
 *     a file with other bytes that is  a write that was done and did not survive: void, fetched again, never uploaded
 *       empty, or no longer and has our mtime
 *     any other file                   the user's: an edit like any other
 *
 * A user's file at an intended path that has, to the millisecond, the mtime of the remote one is taken for ours: nothing else
 * tells the two apart, and a torn file that is uploaded does more harm. A time of whole seconds is no such proof: where the disk has no
 * finer ones, two people who save within one tick leave the same. Then only an empty file is ours.
 */
export function resolveIntents(journal: Journal): void {
  if (journal.intents.isEmpty()) return;
  journal.transaction(() => {
    for (const intent of journal.intents.list()) {
      if (resolveIntent(journal, intent) === 'done') journal.intents.remove(intent.nodeId);
    }
  });
}

function resolveIntent(journal: Journal, intent: Intent): 'done' | 'void' {
  const { trees } = journal;
  const { nodeId } = intent;
  const local = trees.getLocal(nodeId);
  const there = nodeAtPath(journal, intent.path);
  if (local === undefined) {
    if (there !== undefined && isTorn(there, intent) && trees.getSynced(there.nodeId) === undefined) {
      trees.rebase(nodeId, undefined);
      trees.renameLocal(there.nodeId, nodeId);
      trees.setLocal(nodeId, { ...there, nodeId, content: null });
      return 'void';
    }
    if (trees.getRemote(nodeId) !== undefined) trees.rebase(nodeId, undefined);
    return 'done';
  }
  if (there?.nodeId !== nodeId) return 'done';
  const synced = trees.getSynced(nodeId);
  if ((synced === undefined || !holdsBytes(local, synced.entry)) && isTorn(local, intent)) {
    trees.setLocal(nodeId, { ...local, content: null });
    return 'void';
  }
  if (synced !== undefined) trees.rebase(nodeId, { ...synced, parentId: local.parentId, name: local.name });
  return 'done';
}

function isTorn(node: LocalNode, { content, size, mtimeMs }: Intent): boolean {
  if (content === null || node.kind !== 'file' || node.content === content) return false;
  if (node.stat.size > size) return false;
  if (node.stat.size === 0) return true;
  const time = Math.trunc(mtimeMs);
  return time % 1_000 !== 0 && Math.trunc(node.stat.mtimeMs) === time;
}

function nodeAtPath({ listings }: Journal, path: string): LocalNode | undefined {
  let parentId: NodeId = rootNodeId;
  let node: LocalNode | undefined;
  for (const name of path.split('/')) {
    node = listings.localAt({ parentId, name });
    if (node === undefined) return undefined;
    parentId = node.nodeId;
  }
  return node;
}
