/** This device is not to have some paths of the workspace: written down, and then carried out by a sync. */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type Exclusion, exclude, mustFindNode } from '../../agent/select/choose.ts';
import type { Agent } from '../agent.ts';
import { defineAction, parseFlag, parseParams, parseTexts } from './action.ts';
import { type SyncResult, syncAction } from './sync.ts';

export interface ExcludeParams {
  /** In the workspace, `/`-separated. */
  readonly paths: readonly string[];
  /** False: what is on the disk is left to the next sync. */
  readonly carryOut: boolean;
}

export interface ExcludeResult {
  readonly folder: string;
  readonly paths: readonly { readonly path: string; readonly state: Exclusion }[];
  /** Null when nothing was synced: nobody asked for it, or the server cannot be reached. The next sync does it. */
  readonly sync: SyncResult | null;
}

/** What the workspace and the disk hold, as far as it can be told now. */
async function look({ engine }: Agent, signal: AbortSignal): Promise<'online' | 'offline'> {
  try {
    await engine.dryRun(signal, { massDeletionAllowed: true });
    return 'online';
  } catch (error) {
    if (!isTidemarkError(error, 'unavailable')) throw error;
    await engine.look(signal);
    return 'offline';
  }
}

export const excludeAction = defineAction<ExcludeParams, ExcludeResult>({
  name: 'exclude',
  parse: (value) => {
    const { paths, carryOut } = parseParams(value, ['paths', 'carryOut']);
    return { paths: parseTexts(paths, 'paths'), carryOut: parseFlag(carryOut, 'carryOut') };
  },
  run: async (agent, { paths, carryOut }, control) => {
    const { journal, folder } = agent;
    const state = await look(agent, control.signal);
    const done = journal.transaction(() =>
      paths.map((path) => ({ path, state: exclude(journal, mustFindNode(journal, path), path) })),
    );
    const isCarriedOut = carryOut && state === 'online';
    const sync = isCarriedOut ? await syncAction.run(agent, { massDeletionAllowed: false }, control) : null;
    return { folder, paths: done, sync };
  },
});
