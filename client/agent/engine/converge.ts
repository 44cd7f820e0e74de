/**
 * One round: over all nodes that differ, page by page, plan and carry out until nothing of the page can be done. Each page is
 * planned anew after every step that could have changed what is best: after matches, after a commit (and the pull that
 * follows it), after applying.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { NodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { Journal } from '../journal/journal.ts';
import { noStat } from '../journal/rows.ts';
import { haltToError } from '../plan/brake.ts';
import { type Plan, plan } from '../plan/plan.ts';
import type { PlanTrees } from '../plan/plan-trees.ts';
import { applyPlan } from './apply.ts';
import { commitOperations } from './commit.ts';
import { pullChanges } from './pull.ts';
import type { SyncRun } from './sync-run.ts';

/** Nodes of each side in one plan. Bounds its memory, some hundred bytes a node. */
const pageNodes = 10_000;
/** Plans of one page. Each does something; more than this many mean that two steps undo each other. */
const plansMax = 64;

export function journalToPlanTrees({ trees, listings }: Journal): PlanTrees {
  return {
    synced: (id) => trees.getSynced(id),
    local: (id) => trees.getLocal(id),
    remote: (id) => trees.getRemote(id),
    localChildren: (id) => listings.localChildren(id),
    remoteChildren: (id) => listings.remoteChildren(id),
    localAt: (place) => listings.localAt(place),
    remoteAt: (place) => listings.remoteAt(place),
  };
}

/** The plan over a part of what differs, as the journal has it now. */
export function planPage(run: SyncRun, localChanged: readonly NodeId[], remoteChanged: readonly NodeId[]): Plan {
  const { journal, clock } = run.needs;
  const { listings, trees } = journal;
  const planned = (): Plan =>
    plan({
      trees: journalToPlanTrees(journal),
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
    const result = await commitOperations(run, planned.operations);
    if (result.state !== 'nothing') await pullChanges(run);
    if (result.state === 'stale') return run.allowStale() + based;
    if (result.state === 'committed' && result.moved > 0) return result.moved + based;
  }
  const applied = planned.applications.length === 0 ? 0 : await applyPlan(run, applicable(run, planned));
  return based + applied;
}

/** After a commit that moved nothing, the journal may have moved on: only what is still planned so is applied. */
function applicable(run: SyncRun, planned: Plan): Plan['applications'] {
  if (planned.operations.length === 0) return planned.applications;
  const ids = planned.applications.map(({ action }) => action.nodeId);
  return planPage(run, [], ids).applications;
}

/** What needs neither server nor disk. */
function rebasePlanned(journal: Journal, { matches, adoptions, forgotten }: Plan): number {
  const { trees } = journal;
  if (matches.length + adoptions.length + forgotten.length === 0) return 0;
  const adopt = (nodeId: NodeId): void => {
    const remote = trees.getRemote(nodeId);
    const stat = trees.getLocal(nodeId)?.stat ?? noStat;
    trees.rebase(nodeId, remote === undefined ? undefined : { ...remote, stat });
  };
  const rebase = (): void => {
    for (const { from, to } of matches) {
      trees.renameLocal(from, to);
      adopt(to);
    }
    for (const nodeId of adoptions) adopt(nodeId);
    for (const nodeId of forgotten) trees.rebase(nodeId, undefined);
  };
  const ids = [...matches.flatMap(({ from, to }) => [from, to]), ...adoptions, ...forgotten];
  journal.transaction(() => trees.batch(ids, rebase));
  return matches.length + adoptions.length + forgotten.length;
}
