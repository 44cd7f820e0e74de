/** Stops syncing by itself, for a while or until `resume`. Kept over restarts; a sync at work is broken off. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { systemClock } from '../../../shared/adapters/node/system-clock.ts';
import { defineAction, parseParams } from './action.ts';

export interface PauseParams {
  /** Milliseconds; null: until it is taken back. */
  readonly forMs: number | null;
}

export interface PauseResult {
  readonly folder: string;
  /** Milliseconds since 1970; null: until it is taken back. */
  readonly untilMs: number | null;
  /** Whether a running agent was told; else it is for the next one. */
  readonly watched: boolean;
}

/** Ten years: longer is for ever. */
const forMsMax = 10 * 365 * 86_400_000;

export const pauseAction = defineAction<PauseParams, PauseResult>({
  name: 'pause',
  exclusive: false,
  parse: (value) => {
    const { forMs } = parseParams(value, ['forMs']);
    if (forMs === null) return { forMs };
    if (typeof forMs === 'number' && forMs > 0 && forMs <= forMsMax) return { forMs };
    throw new TidemarkError('malformed', 'a pause is of some milliseconds, ten years at most');
  },
  run: async ({ folder, journal, live }, { forMs }) => {
    const untilMs = forMs === null ? null : systemClock.now() + forMs;
    journal.meta.pause = { untilMs };
    live?.pauseChanged();
    return { folder, untilMs, watched: live !== undefined };
  },
});
