/** Waiting for something that other processes do. The test's own limit ends it when it never comes. */
import { setTimeout as sleepFor } from 'node:timers/promises';

/** Between two looks, in milliseconds. */
const lookMs = 25;

/** What `look` gives, as soon as that is neither undefined nor false. An error of it counts as not yet; `what` is for the message at the end. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  limitMs = 60_000,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + limitMs;
  let last: unknown = 'nothing';
  while (performance.now() < end) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
      last = found;
    } catch (error) {
      last = error;
    }
    await sleepFor(lookMs);
  }
  throw new Error(`waited in vain until ${what}; at last: ${String(last)}`);
}
