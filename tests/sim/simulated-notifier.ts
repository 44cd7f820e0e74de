/**
 * The realtime service as one life of the server meets it: it refuses, takes a message and does not say so, and takes its time while others
 * go on. What becomes of a message that it took: notifications.ts.
 */
import { TidemarkError } from '../../shared/core/errors.ts';
import type { Timers } from '../../shared/ports/clock.ts';
import type { Notifier } from '../../shared/ports/notifier.ts';
import type { Random } from './random.ts';
import type { Owner, Scheduler } from './scheduler.ts';
import type { Tally } from './tally.ts';

export interface NotifierSetting {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly tally: Tally;
  /** Share of messages that the service fails at, now. */
  readonly faultRate: () => number;
  /** Share of messages during which others go on. */
  readonly pauseRate: number;
  /** Takes what was sent to a group. */
  readonly take: (group: string, message: Uint8Array) => void;
}

export function createSimulatedNotifier(setting: NotifierSetting, life: Owner): Notifier {
  const { scheduler, random, tally } = setting;
  return {
    send: async (group, message) => {
      if (random.chance(setting.pauseRate)) await scheduler.park(life, 'server sends a notification');
      const fails = random.chance(setting.faultRate());
      if (fails) tally.fault('notification refused');
      // Whoever gave up waiting meanwhile did not take it back.
      if (!fails || random.chance(0.5)) setting.take(group, message);
      if (fails) throw new TidemarkError('unavailable', 'the realtime service did not answer');
    },
    clientUrl: async () => {
      throw new TidemarkError('unsupported', 'nobody negotiates here');
    },
    closeUser: async () => undefined,
    closeGroup: async () => undefined,
    closeConnection: async () => undefined,
  };
}

/** Timers that run out when the scheduler says so: a wait may be over before what it waits for, however short that is. */
export function createSimulatedTimers(scheduler: Scheduler, life: Owner): Timers {
  return { after: (_delayMs, run) => scheduler.after(life, 'server has waited', run) };
}
