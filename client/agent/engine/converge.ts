/**
 * One round: over all nodes that differ, page by page, plan and carry out until nothing of the page can be done. Each page is
 * planned anew after every step that could have changed what is best: after matches, after a commit (and the pull that
 * follows it), after applying.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { NodeId } from '../../../shared/core/ids.ts';
import type { PutOperation } from '../../../shared/core/wire/operation.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { Journal } from '../journal/journal.ts';
import { noStat } from '../journal/rows.ts';
import type { TreesView } from '../journal/trees.ts';
import { haltToError } from '../plan/brake.ts';
import { type Plan, plan } from '../plan/plan.ts';
import type { PlanTrees } from '../plan/plan-trees.ts';
import { followSelection, mustLeaveUnselected } from '../select/follow-selection.ts';
import { Selection } from '../select/selection.ts';
import { applyPlan } from './apply.ts';
import { type CommitResult, commitOperations, isRoleRefusal, keepUnsent } from './commit.ts';
import { mergeEdits } from './merge-edits.ts';
import { pullChanges } from './pull.ts';
import { changeRoles } from './change-roles.ts';
import { settleStale } from './settle-stale.ts';
import type { SyncRun } from './sync-run.ts';

/** Nodes of each side in one plan, and so about as many operations in a commit: some ten kilobytes each, until it is worked in. */
const pageNodes = 2_500;
/** Plans of one page. Each does something; more than this many mean that two steps undo each other. */
const plansMax = 64;

export function journalToPlanTrees(journal: Journal, foldsNames: boolean): PlanTrees {
  const { trees, listings } = journal;
  return {
    synced: (id) => trees.getSynced(id),
    local: (id) => trees.getLocal(id),
    remote: (id) => trees.getRemote(id),
    localChildren: (id) => listings.localChildren(id),
    remoteChildren: (id) => listings.remoteChildren(id),
    unsettledByContent: (content) => listings.unsettledByContent(content),
    localAt: (place) => listings.localAt(place),
    remoteAt: (place) => listings.remoteAt(place),
    foldsNames,
    selection: new Selection(journal),
  };
}

/** The plan over a part of what differs, as the journal has it now. */
export function planPage(run: SyncRun, localChanged: readonly NodeId[], remoteChanged: readonly NodeId[]): Plan {
  const { journal, clock } = run.needs;
  const { listings, trees } = journal;
  const planned = (): Plan =>
    plan({
      trees: journalToPlanTrees(journal, run.foldsNames),
      localChanged,
      remoteChanged,
      held: run.held,
      unapplied: run.unapplied,
      deletions: {
        local: listings.countLocalDeletions(),
        remote: listings.countRemoteDeletions(),
        files: listings.countSyncedFiles(),
      },
      massDeletionAllowed: run.massDeletionAllowed,
      sha256Of: (content) => (journal.meta.wantsSha256 ? (journal.sha256.get(content) ?? null) : null),
      clockMs: Math.trunc(clock.now()),
      operationsMax: limits.commitOperationsMax,
      actionsMax: pageNodes,
    });
  return trees.batch([...new Set([...localChanged, ...remoteChanged])], planned);
}

/** Returns how much was done: zero when nothing can be. Throws `halted` before anything is done if the brake says so. */
export async function runRound(run: SyncRun): Promise<number> {
  const { listings } = run.needs.journal;
  let done = 0;
  let after = { local: '', remote: '' };
  for (;;) {
    const local = listings.localChanges(after.local, pageNodes).at(-1);
    const remote = listings.remoteChanges(after.remote, pageNodes).at(-1);
    if (local === undefined && remote === undefined) return done;
    const upTo = { local: local ?? after.local, remote: remote ?? after.remote };
    done += await runPage(run, { after, upTo });
    after = upTo;
  }
}

/** A range of node ids on each side. */
interface Page {
  readonly after: { readonly local: string; readonly remote: string };
  readonly upTo: { readonly local: string; readonly remote: string };
}

async function runPage(run: SyncRun, { after, upTo }: Page): Promise<number> {
  const { listings } = run.needs.journal;
  let done = 0;
  for (let plans = 0; plans < plansMax; plans++) {
    const local = listings.localChanges(after.local, pageNodes, upTo.local);
    const remote = listings.remoteChanges(after.remote, pageNodes, upTo.remote);
    if (local.length + remote.length === 0) return done;
    run.enter({ name: 'negotiating' });
    const planned = planPage(run, local, remote);
    const [halt] = planned.halts;
    if (halt !== undefined) throw haltToError(halt);
    const step = await runPlan(run, planned);
    done += step;
    if (step === 0) return done;
  }
  throw new TidemarkError('internal', 'the folder and the workspace do not come together; please report this', {
    data: { plansMax },
  });
}

async function runPlan(run: SyncRun, planned: Plan): Promise<number> {
  const { journal } = run.needs;
  const based = rebasePlanned(journal, planned);
  if (planned.operations.length > 0) {
    mustLeaveUnselected(journal, planned.operations);
    const result = await commitOrKeep(run, planned.operations);
    if (result.state !== 'nothing') await pullChanges(run);
    followSelection(run.needs);
    if (result.state === 'stale') {
      await settleStale(run, planned.operations);
      return 1 + based;
    }
    const moved = result.state === 'committed' ? result.moved + (await mergeOrCopy(run, result.unmerged)) : 0;
    if (moved > 0) return moved + based;
  }
  const applied = planned.applications.length === 0 ? 0 : await applyPlan(run, applicable(run, planned));
  return based + applied;
}

async function commitOrKeep(run: SyncRun, operations: Plan['operations']): Promise<CommitResult> {
  try {
    return await commitOperations(run, operations);
  } catch (error) {
    if (!isRoleRefusal(error)) throw error;
    keepUnsent(run, operations, error);
    return { state: 'nothing' };
  }
}

/** Edits that were to be merged: those that cannot be become copies. Returns how many are to be planned anew. */
async function mergeOrCopy(run: SyncRun, unmerged: readonly PutOperation[]): Promise<number> {
  if (unmerged.length === 0) return 0;
  const { done, apart } = await mergeEdits(
    run,
    unmerged.map(({ nodeId }) => nodeId),
  );
  const copies = unmerged.filter(({ nodeId }) => apart.includes(nodeId)).map((put) => ({ ...put, fallback: true }));
  if (copies.length === 0) return done;
  run.enter({ name: 'negotiating' });
  const result = await commitOperations(run, copies);
  if (result.state !== 'nothing') await pullChanges(run);
  return done + (result.state === 'committed' ? result.moved : 0);
}

/** After a commit that moved nothing, the journal may have moved on: only what is still planned so is applied. */
function applicable(run: SyncRun, planned: Plan): Plan['applications'] {
  if (planned.operations.length === 0) return planned.applications;
  const ids = planned.applications.map(({ action }) => action.nodeId);
  return planPage(run, [], ids).applications;
}

/** What needs neither server nor disk. Returns how many nodes it settled. */
export function rebasePlanned(journal: Journal, planned: Plan): number {
  const { matches, adoptions, forgotten } = planned;
  const rebased = matches.length + adoptions.length + forgotten.length;
  if (rebased === 0) return 0;
  const ids = [...matches.flatMap(({ from, to }) => [from, to]), ...adoptions, ...forgotten];
  journal.transaction(() => journal.trees.batch(ids, () => rebaseTrees(journal.trees, planned)));
  return rebased;
}

/** Moves the merge base under what is the same on both sides already, and under what counts as never materialised. */
export function rebaseTrees(trees: TreesView, { matches, adoptions, forgotten }: Plan): void {
  const adopt = (nodeId: NodeId): void => {
    const remote = trees.getRemote(nodeId);
    const stat = trees.getLocal(nodeId)?.stat ?? noStat;
    trees.rebase(nodeId, remote === undefined ? undefined : { ...remote, stat });
  };
  for (const { from, to } of matches) {
    if (trees.getLocal(to) === undefined) trees.renameLocal(from, to);
    else changeRoles(trees, from, to);
    adopt(to);
  }
  for (const nodeId of adoptions) adopt(nodeId);
  for (const nodeId of forgotten) trees.rebase(nodeId, undefined);
}
