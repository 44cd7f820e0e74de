import { utf8 } from '../core/bytes.ts';
import { TidemarkError } from '../core/errors.ts';
import { queueBodyBytesMax, receivedMax } from '../ports/queue.ts';

/** What every queue checks before it sends. Throws `too-large`. */
export function checkQueueBody(body: string): void {
  if (utf8(body).length > queueBodyBytesMax) {
    throw new TidemarkError('too-large', `a queue message has at most ${queueBodyBytesMax} bytes`);
  }
}

/** What every queue checks before it receives or peeks. Throws `internal`: anything else is a fault of the caller. */
export function checkQueueMax(max: number): void {
  if (!Number.isInteger(max) || max < 1 || max > receivedMax) {
    throw new TidemarkError('internal', `a queue gives 1 to ${receivedMax} messages at once`);
  }
}
