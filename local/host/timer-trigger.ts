/**
 * Timer triggers. Invariant: one timer never runs twice at once, because the next run is armed only when one has ended.
 * Occurrences that fall into a run, or into a time when the machine slept or the host was down, are made up for by one
 * run with `isPastDue`, at once, however many they were.
 */
import type { HostContext, TriggeredFunction, TriggerKind, TriggerListener } from './trigger.ts';
import { expandSettings } from './trigger.ts';
import { parseTimerSchedule, type TimerSchedule } from './timer-schedule.ts';
import type { TimerStatus, TimerStatusStore } from './timer-status.ts';

/** Node's timers overflow past 2^31 - 1 ms; longer waits are made of these. */
const waitMsMax = 86_400_000;

/** A run this late is past due: it was missed, not merely delayed by a busy event loop. */
const pastDueMs = 1_000;

/** Azure keeps the status of a timer only if its interval is at least this. */
const monitorIntervalMsMin = 60_000;

/** @param statuses where timers of at least a minute's interval remember their last run, unless `useMonitor` is false. */
export function createTimerTrigger(statuses: TimerStatusStore): TriggerKind {
  return (functions, host) => {
    const timers = functions.map((fn) => createTimer(fn, host, statuses));
    return {
      async start() {
        for (const timer of timers) await timer.start();
      },
      stop: () => timers.forEach((timer) => timer.stop()),
    };
  };
}

function createTimer(
  fn: TriggeredFunction,
  host: HostContext,
  statuses: TimerStatusStore,
): Required<Pick<TriggerListener, 'start' | 'stop'>> {
  const { schedule: scheduleText, runOnStartup, useMonitor } = fn.binding;
  const schedule = parseTimerSchedule(expandSettings(String(scheduleText), host.settings));
  const monitored = useMonitor !== false && intervalMs(schedule, host.clock.now()) >= monitorIntervalMsMin;
  let last: number | undefined;
  let stopped = false;
  let cancel = (): void => undefined;

  const arm = (due: number | undefined): void => {
    if (stopped || due === undefined) return;
    const waitMs = Math.min(Math.max(due - host.clock.now(), 0), waitMsMax);
    cancel = host.clock.after(waitMs, () => {
      if (host.clock.now() < due) arm(due);
      else void run(due, host.clock.now() - due >= pastDueMs);
    });
  };

  const run = async (due: number, isPastDue: boolean): Promise<void> => {
    const nextDue = schedule.next(Math.max(due, isPastDue ? host.clock.now() : due));
    await host.invoke(fn, {
      data: { json: timerJson({ last, next: nextDue ?? due, lastUpdated: host.clock.now() }, isPastDue) },
    });
    last = due;
    await remember(nextDue);
    arm(nextDue);
  };

  const remember = async (next: number | undefined): Promise<void> => {
    if (!monitored || next === undefined) return;
    try {
      await statuses.save(fn.name, { last, next, lastUpdated: host.clock.now() });
    } catch (error) {
      host.logger.warn({ function: fn.name, error: String(error) }, 'the timer could not remember its last run');
    }
  };

  const start = async (): Promise<void> => {
    const now = host.clock.now();
    const status = monitored ? await statuses.load(fn.name) : undefined;
    last = status?.last;
    if (status !== undefined && status.next <= now) arm(status.next);
    else if (runOnStartup === true) void run(now, false);
    else {
      const next = schedule.next(now);
      await remember(next);
      arm(next);
    }
  };

  const stop = (): void => {
    stopped = true;
    cancel();
  };
  return { start, stop };
}

/** The time between the next two runs: what tells a timer of seconds from one of minutes. */
function intervalMs(schedule: TimerSchedule, now: number): number {
  const first = schedule.next(now);
  const second = first === undefined ? undefined : schedule.next(first);
  return first === undefined || second === undefined ? Number.POSITIVE_INFINITY : second - first;
}

/** The timer's information as the real host sends it: the library lowers the first letter of each name. */
export function timerJson(status: TimerStatus, isPastDue: boolean): string {
  const iso = (ms: number | undefined): string =>
    ms === undefined ? '0001-01-01T00:00:00.000Z' : new Date(ms).toISOString();
  return JSON.stringify({
    Schedule: { AdjustForDST: false },
    ScheduleStatus: { Last: iso(status.last), Next: iso(status.next), LastUpdated: iso(status.lastUpdated) },
    IsPastDue: isPastDue,
  });
}
