/**
 * The plan as far ahead as this device can see it. What is equal on both sides is recognised in steps, and while there is such a step the
 * plan holds nothing else (plan.ts). So these steps are taken in a transaction that is undone, and the plan is what comes after them.
 */
import type { Plan } from '../plan/plan.ts';
import { planPage, rebasePlanned } from './converge.ts';
import type { SyncRun } from './sync-run.ts';

/** Nodes of each side in the plan. Bounds its memory, some hundred bytes a node. */
const nodesMax = 20_000;
/** Steps of recognising: each takes thousands of nodes. */
const stepsMax = 64;

/** Ends the transaction without its effects, and brings out what was found in it. */
class Undone extends Error {
  readonly plan: Plan;

  constructor(plan: Plan) {
    super('undone');
    this.plan = plan;
  }
}

function planThrough(run: SyncRun): Plan {
  const { listings } = run.needs.journal;
  let recognised: Pick<Plan, 'matches' | 'adoptions' | 'forgotten'> = { matches: [], adoptions: [], forgotten: [] };
  for (let step = 1; ; step++) {
    const planned = planPage(run, listings.localChanges('', nodesMax), listings.remoteChanges('', nodesMax));
    recognised = {
      matches: [...recognised.matches, ...planned.matches],
      adoptions: [...recognised.adoptions, ...planned.adoptions],
      forgotten: [...recognised.forgotten, ...planned.forgotten],
    };
    const isEnd = planned.operations.length + planned.applications.length + planned.halts.length > 0;
    if (isEnd || step === stepsMax || rebasePlanned(run.needs.journal, planned) === 0) {
      const isAll = listings.countLocalChanges() <= nodesMax && listings.countRemoteChanges() <= nodesMax;
      return { ...planned, ...recognised, isPartial: planned.isPartial || !isAll };
    }
  }
}

/** At most 20,000 nodes a side; `isPartial` tells of more. The journal is as before when it returns. */
export function planAhead(run: SyncRun): Plan {
  try {
    return run.needs.journal.transaction((): Plan => {
      throw new Undone(planThrough(run));
    });
  } catch (error) {
    if (error instanceof Undone) return error.plan;
    throw error;
  }
}
