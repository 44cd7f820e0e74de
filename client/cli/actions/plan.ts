/** What a sync would do now, without doing it. */
import type { Engine } from '../../agent/engine/engine.ts';
import type { Problem } from '../../agent/ports.ts';
import type { Halt } from '../../agent/plan/brake.ts';
import { defineAction, parseFlag, parseParams } from './action.ts';
import { type PlannedChange, planToChanges } from '../planned-changes.ts';

export interface PlanParams {
  /** A person said that the mass deletion is meant. */
  readonly massDeletionAllowed: boolean;
}

export interface PlannedSync {
  readonly folder: string;
  readonly changes: readonly PlannedChange[];
  /** Of files to send: chunks that the workspace has already are not sent, so it may be less. */
  readonly bytesToSend: number;
  /** Of files to fetch: chunks that are on this disk already are not fetched, so it may be less. */
  readonly bytesToFetch: number;
  /** Nodes found equal on both sides: nothing is moved for them. */
  readonly recognised: number;
  /** Deletions that look like an accident: a sync would stop before it does anything. The changes are those that it would then not make. */
  readonly halts: readonly Halt[];
  /** There is more than is listed. */
  readonly isPartial: boolean;
  readonly problems: readonly Problem[];
}

async function planAll(engine: Engine, signal: AbortSignal, massDeletionAllowed: boolean) {
  const plan = await engine.dryRun(signal, { massDeletionAllowed });
  if (plan.halts.length === 0) return plan;
  return { ...(await engine.dryRun(signal, { massDeletionAllowed: true })), halts: plan.halts };
}

function sumBytes(changes: readonly PlannedChange[], side: PlannedChange['side']): number {
  return changes.reduce((sum, change) => sum + (change.side === side ? change.bytes : 0), 0);
}

export const planAction = defineAction<PlanParams, PlannedSync>({
  name: 'plan',
  parse: (value) => {
    const { massDeletionAllowed } = parseParams(value, ['massDeletionAllowed']);
    return { massDeletionAllowed: parseFlag(massDeletionAllowed, 'massDeletionAllowed') };
  },
  run: async ({ engine, folder, journal }, { massDeletionAllowed }, { signal }) => {
    const plan = await planAll(engine, signal, massDeletionAllowed);
    const changes = planToChanges(journal.trees, plan);
    const { problems } = await engine.status();
    return {
      folder,
      changes,
      bytesToSend: sumBytes(changes, 'workspace'),
      bytesToFetch: sumBytes(changes, 'folder'),
      recognised: plan.matches.length + plan.adoptions.length,
      halts: plan.halts,
      isPartial: plan.isPartial,
      problems,
    };
  },
});
