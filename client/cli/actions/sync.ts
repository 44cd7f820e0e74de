/** One sync of the folder, to its end. */
import type { SyncReport } from '../../agent/engine/report.ts';
import { heldPause } from '../../agent/watch/pause.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { trafficSince } from '../connection.ts';
import { pauseToText } from '../pause-text.ts';
import { defineAction, parseFlag, parseParams } from './action.ts';

export interface SyncParams {
  /** A person said that the mass deletion is meant. */
  readonly massDeletionAllowed: boolean;
  /** False: not while the folder is paused. Other actions that end with a sync do not ask. */
  readonly force?: boolean;
}

/** Bytes and requests are of all that crossed the wire, retries included. */
export type SyncResult = SyncReport & { readonly seconds: number };

export const syncAction = defineAction<SyncParams, SyncResult>({
  name: 'sync',
  parse: (value) => {
    const { massDeletionAllowed, force } = parseParams(value, ['massDeletionAllowed', 'force']);
    return {
      massDeletionAllowed: parseFlag(massDeletionAllowed, 'massDeletionAllowed'),
      force: parseFlag(force, 'force'),
    };
  },
  run: async ({ folder, journal, engine, connection }, params, { signal }) => {
    const pause = heldPause(journal.meta.pause, systemClock.now());
    if (pause !== undefined && params.force === false) {
      throw new TidemarkError(
        'halted',
        `${folder} is paused ${pauseToText(pause)}; use \`tide resume\`, or \`--force\` for one sync`,
      );
    }
    const began = performance.now();
    const before = { ...connection.traffic };
    const report = await engine.sync(signal, params);
    const seconds = Number(((performance.now() - began) / 1_000).toFixed(3));
    return { ...report, ...trafficSince(connection.traffic, before), seconds };
  },
});
