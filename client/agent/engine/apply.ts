/**
 * Carrying remote changes out on this disk, in batches: the intents are journalled, the folder does the work and makes it
 * durable, and only then the merge base follows, in one transaction with the intents' end.
 */
import type { NodeId } from '../../../shared/core/ids.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';
import type { Journal } from '../journal/journal.ts';
import type { Intent } from '../journal/intents-table.ts';
import { type SyncedNode, noStat, syncedToLocal } from '../journal/rows.ts';
import type { TreesView } from '../journal/trees.ts';
import type { LocalNode, StatMark } from '../model.ts';
import type { Application } from '../plan/applications.ts';
import { holdsEntry } from '../plan/decide.ts';
import type { ApplyAction, ApplyResult } from '../ports.ts';
import { Selection } from '../select/selection.ts';
import type { SyncRun } from './sync-run.ts';

/** Actions between two flushes of the disk: their intents are one transaction, and a crash undoes no more than these. */
const batchActions = 2_048;

/** Returns how many were done. Those that were not are noted as problems, and looked at again by the next scan. */
export async function applyPlan(run: SyncRun, applications: readonly Application[]): Promise<number> {
  const { journal, folder } = run.needs;
  let done = 0;
  let bytes = 0;
  for (let from = 0; from < applications.length; from += batchActions) {
    run.enter({ name: 'replaying' });
    const batch = applications
      .slice(from, from + batchActions)
      .filter(({ action }) => !run.isFull || action.kind !== 'write-file');
    if (batch.length === 0) continue;
    const actions = batch.map(({ action }) => action);
    journal.intents.add(actions.map(actionToIntent));
    run.progress({ done: from, total: applications.length, bytes });
    const results = await folder.apply(actions, journal.knowledge, run.signal);
    const byNode = new Map(results.map((result) => [result.nodeId, result]));
    const ids = actions.map(({ nodeId }) => nodeId);
    done += journal.transaction(() => journal.trees.batch(ids, () => settleBatch(run, batch, byNode)));
    for (const action of actions) if (action.kind === 'write-file') bytes += action.size;
    run.progress({ done: from + batch.length, total: applications.length, bytes });
  }
  run.tally.applied += done;
  return done;
}

function actionToIntent(action: ApplyAction): Intent {
  const { nodeId, path } = action;
  if (action.kind !== 'write-file') return { nodeId, path, content: null, size: 0, mtimeMs: 0 };
  return { nodeId, path, content: action.content, size: action.size, mtimeMs: action.mtimeMs };
}

function settleBatch(run: SyncRun, batch: readonly Application[], results: ReadonlyMap<NodeId, ApplyResult>): number {
  const { journal } = run.needs;
  const selection = new Selection(journal);
  let done = 0;
  for (const application of batch) {
    const { action } = application;
    const result = results.get(action.nodeId);
    // An action without a result was not tried: its intent stays, and the next scan explains what is there.
    if (result === undefined) continue;
    journal.intents.remove(action.nodeId);
    if (!result.done) {
      noteFailure(run, result);
    } else if (isFolderLeftBehind(journal, action)) {
      run.rescan = true;
    } else {
      if (result.chunks) journal.contents.add(result.chunks);
      if (application.place === null && selection.isUnwanted(action.nodeId)) journal.trees.unselect(action.nodeId);
      else settleNode(journal.trees, application, result.stat ?? noStat);
      done++;
    }
  }
  return done;
}

/**
 * A folder is gone in which something was known to be: the user took it away or elsewhere meanwhile. Then the folder is the
 * only way to it, so it stays known until the next scan has told what became of everything in it.
 */
function isFolderLeftBehind({ listings }: Journal, { kind, nodeId }: ApplyAction): boolean {
  return kind === 'remove-folder' && listings.localChildren(nodeId).length > 0;
}

function noteFailure(run: SyncRun, { nodeId, problem }: Extract<ApplyResult, { done: false }>): void {
  // Only what is unexpected on the disk looks different after the next scan.
  const isUnexpected = problem.code === 'blocked' || problem.code === 'busy';
  if (isUnexpected) run.rescan = true;
  if (problem.code === 'full') run.isFull = true;
  run.failToApply(nodeId, problem, isUnexpected ? 2 : 1);
}

/** What was applied to this disk is the merge base from now on. `stat`: of what is there now. */
export function settleNode(trees: TreesView, { action, place }: Application, stat: StatMark): void {
  const { nodeId } = action;
  if (place === null) {
    trees.settle(nodeId, undefined);
    return;
  }
  const remote = trees.getRemote(nodeId);
  if (action.kind !== 'move') {
    if (remote === undefined) return;
    const next = { ...remote, stat };
    trees.settle(nodeId, next);
    // What the disk could not take as asked (executable bits on some file systems) is a difference, and says so.
    trees.setLocal(nodeId, syncedToLocal(next));
    return;
  }
  const local = trees.getLocal(nodeId);
  if (local === undefined) return;
  const next = movedBase(trees, local, place, stat);
  if (next !== undefined) trees.settle(nodeId, next);
  trees.setLocal(nodeId, { ...local, ...place, stat });
}

/** The remote state if the disk now holds all of it; else what was agreed on so far, at its new place. */
function movedBase(trees: TreesView, local: LocalNode, place: Place, stat: StatMark): SyncedNode | undefined {
  const remote = trees.getRemote(local.nodeId);
  if (remote !== undefined && samePlace(remote, place) && holdsEntry(local, remote.entry)) return { ...remote, stat };
  const synced = trees.getSynced(local.nodeId);
  return synced === undefined ? undefined : { ...synced, ...place, stat };
}
