import { TidemarkError } from '../../../core/errors.ts';
import type { Timers } from '../../../ports/clock.ts';

/** Runs a call that may take so long. Throws `unavailable` when it took longer, aborted, and listens to it no more. */
export function withinTime<Value>(
  timers: Timers,
  milliseconds: number,
  call: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const aborted = new AbortController();
  return new Promise((resolve, reject) => {
    const cancel = timers.after(milliseconds, () => {
      const late = new TidemarkError('unavailable', 'the realtime service did not answer in time');
      reject(late);
      aborted.abort(late);
    });
    call(aborted.signal).then(resolve, reject).finally(cancel);
  });
}

/** Resolves when `settled` does, which never rejects, or after `milliseconds`. */
export function waitFor(timers: Timers, milliseconds: number, settled: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = timers.after(milliseconds, resolve);
    void settled.then(() => {
      cancel();
      resolve();
    });
  });
}
