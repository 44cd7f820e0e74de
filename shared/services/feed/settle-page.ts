/**
 * Does what a page of the change feed calls for. A pack that cannot be settled is put into the queue `unsettled`, and when that is
 * done the page counts as done: so one pack, whose blob cannot be read for a day or forever, keeps nobody else's waiting. The
 * queue is durable and tells it again (settle-unsettled.ts); the cursor, which passes the pack, is saved only after it.
 *
 *   crash before the send    the cursor is where it was: the page is done again
 *   crash behind the send    the page is done again, and the pack may be in the queue twice: the second look finds it settled
 *   the send fails           the page fails, and the cursor stays: nothing passes a pack that nothing else will tell of
 *
 * The queue is for packs, not for outages. Its messages come a handful of times and are poison then, which only a person takes
 * out; storage that is away for ten minutes would make poison of every pack that was told of meanwhile. So a page of which
 * nothing at all could be done, and which is not so small that this may be chance, fails instead: the cursor is the better
 * queue then, which goes on by itself. It waits for an hour after the page's last change and no longer: somebody may have made
 * a whole page of blobs that cannot be read, and could keep everybody else's waiting with them.
 */
import { TidemarkError } from '../../core/errors.ts';
import { concurrently } from '../concurrently.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';
import { type UnsettledPack, encodeUnsettledMessage } from './unsettled-message.ts';

/** Packs that are read at once, up to 16.5 MiB each. */
const settleWidth = 4;
/** A page of at least so many packs, none of which could be settled, tells of storage and not of packs. */
export const outagePacks = 8;
/** How long the cursor waits for storage, from the page's last change on. */
export const outageMsMax = 3_600_000;
/** No second try is begun later than this after the page; far less than a lease. */
const secondTriesMs = 60_000;

export interface PageTask {
  readonly pack: UnsettledPack;
  run(this: void): Promise<void>;
}

/** What else decides about packs that cannot be settled. */
export interface PagePosition {
  /** Whether the cursor passes the page behind it. Where it stays, as on the feed's newest changes, nothing is queued. */
  readonly isPassed: boolean;
  /** Time of the page's last change. */
  readonly lastMs: number;
}

interface Failure {
  readonly task: PageTask;
  readonly error: unknown;
}

/** Does all tasks; returns how many packs were queued. Throws `unavailable`, or what the queue throws, when the cursor must stay. */
export async function settlePage(
  deps: Needs<'queue' | 'clock' | 'log' | 'metrics'>,
  tasks: readonly PageTask[],
  { isPassed, lastMs }: PagePosition,
): Promise<number> {
  const begunMs = serverTimeMs(deps.clock);
  const first = await failuresOf(tasks, settleWidth);
  if (first.length === 0) return 0;
  const isOutage = first.length === tasks.length && tasks.length >= outagePacks && begunMs < lastMs + outageMsMax;
  if (isOutage) refusePage(first);
  // Packs of one workspace can be in each other's way when they are done at once, and are not when they are done in turn.
  const failures = await failuresAgain(deps, first, begunMs + secondTriesMs);
  if (failures.length > 0 && !isPassed) refusePage(failures);
  await concurrently(failures, settleWidth, ({ task, error }) => queuePack(deps, task.pack, error));
  return failures.length;
}

async function failuresOf(tasks: readonly PageTask[], width: number): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  await concurrently(tasks, width, async (task) => {
    try {
      await task.run();
    } catch (error) {
      failures.push({ task, error });
    }
  });
  return failures;
}

async function failuresAgain(
  deps: Needs<'clock'>,
  failed: readonly Failure[],
  deadlineMs: number,
): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (const failure of failed) {
    const again = serverTimeMs(deps.clock) < deadlineMs ? await failuresOf([failure.task], 1) : [failure];
    failures.push(...again);
  }
  return failures;
}

async function queuePack(
  deps: Needs<'queue' | 'log' | 'metrics'>,
  { workspaceId, packId, sessionId }: UnsettledPack,
  error: unknown,
): Promise<void> {
  const pack = { workspaceId, packId, ...(sessionId === undefined ? {} : { sessionId }) };
  await deps.queue.send('unsettled', encodeUnsettledMessage(pack));
  deps.metrics.count('tidemark.unsettled.count', 1);
  deps.log.error({ ...pack, error: String(error) }, 'a pack of the change feed could not be settled and is queued');
}

/** One line for the page, in its caller's log: what failed is told again, so a line for each would only be repeated. */
function refusePage(failures: readonly Failure[]): never {
  const [{ task, error }] = failures as readonly [Failure, ...Failure[]];
  const { workspaceId, packId } = task.pack;
  throw new TidemarkError('unavailable', `${failures.length} packs could not be settled, the first: ${String(error)}`, {
    data: { count: failures.length, workspaceId, packId },
    cause: error,
  });
}
