/**
 * Queue triggers over a Queue of the stack's. Each function has one loop that looks for messages and at most `batchSize` of
 * them under way; what happens to a message is as in Azure:
 *
 *   the function succeeds               the message is removed
 *   it fails                            the message comes back when its time of being hidden is over, with a higher count
 *   it failed `maxDequeueCount` times   the message goes to `<queue>-poison`, then it is removed: a crash in between leaves it in
 *                                       both, never in neither
 *
 * At least once: a message that is handled longer than it is hidden is received again while the first call runs.
 *
 * An empty queue is looked at again after 0.1 s, then after twice as long each time, up to `maxPollingInterval`; a message
 * makes the waits short again.
 */
import { type Queue, type QueueMessage, type QueueName, queueNames } from '../../shared/ports/queue.ts';
import type { RpcTypedData } from './core-types.ts';
import { errorToLogText } from './host-logger.ts';
import { createInFlight } from './in-flight.ts';
import { type HostContext, type TriggeredFunction, type TriggerKind, expandSettings } from './trigger.ts';

const firstPollMs = 100;
/** What a queue gives out in one call. */
const receiveMax = 32;
/** Azure keeps messages for a week; the ports do not say, and functions do not look. */
const keptMs = 7 * 86_400_000;

interface QueueListener {
  start(): void;
  stop(): void;
  settled(): Promise<void>;
}

export function createQueueTrigger(queue: Queue): TriggerKind {
  return (functions, host) => {
    const listeners = functions.flatMap((fn) => {
      const name = expandSettings(String(fn.binding['queueName']), host.settings);
      const queueName = toQueueName(name);
      const poisonName = toQueueName(`${name}-poison`);
      if (queueName !== undefined && poisonName !== undefined)
        return [listenTo(queue, queueName, poisonName, fn, host)];
      host.logger.warn({ function: fn.name, queue: name }, 'there is no such queue here: the function never fires');
      return [];
    });
    return {
      async start() {
        for (const listener of listeners) listener.start();
      },
      stop: () => listeners.forEach((listener) => listener.stop()),
      settled: async () => void (await Promise.all(listeners.map((listener) => listener.settled()))),
    };
  };
}

function toQueueName(name: string): QueueName | undefined {
  return queueNames.find((known) => known === name);
}

function listenTo(
  queue: Queue,
  queueName: QueueName,
  poisonName: QueueName,
  fn: TriggeredFunction,
  host: HostContext,
): QueueListener {
  const { batchSize, maxDequeueCount, visibilityTimeoutMs, maxPollingIntervalMs } = host.queues;
  const inFlight = createInFlight();
  const log = { function: fn.name, queue: queueName };
  let stopped = false;
  let cancelWait = (): void => undefined;
  /** True from the moment when all places were taken until one is free: the next message that ends looks for more. */
  let isFull = false;

  const poll = async (delayMs: number): Promise<void> => {
    if (stopped) return;
    const free = Math.min(batchSize - inFlight.count, receiveMax);
    if (free <= 0) {
      isFull = true;
      return;
    }
    const messages = await receive(free);
    // What was received while the host stopped comes back to the next one.
    if (stopped) return;
    for (const message of messages) void inFlight.track(handle(message)).finally(afterOne);
    const nextDelayMs =
      messages.length > 0 ? firstPollMs : Math.min(delayMs * 2, Math.max(maxPollingIntervalMs, firstPollMs));
    // A full batch means that there may be more, which need not wait.
    const waitMs = messages.length === free ? 0 : messages.length > 0 ? firstPollMs : delayMs;
    cancelWait = host.clock.after(waitMs, () => void poll(nextDelayMs));
  };

  const afterOne = (): void => {
    if (!isFull) return;
    isFull = false;
    void poll(firstPollMs);
  };

  const receive = async (max: number): Promise<readonly QueueMessage[]> => {
    try {
      return await queue.receive(queueName, max, Math.max(1, Math.ceil(visibilityTimeoutMs / 1_000)));
    } catch (error) {
      host.logger.warn({ ...log, error: errorToLogText(error) }, 'the queue could not be read');
      return [];
    }
  };

  const handle = async (message: QueueMessage): Promise<void> => {
    try {
      // Over the count before it was handled: earlier calls did not live to see their end.
      const spent = message.dequeueCount > maxDequeueCount;
      const ok = !spent && (await host.invoke(fn, toInput(message))).ok;
      if (ok) await remove(message);
      else if (message.dequeueCount >= maxDequeueCount) await poison(message);
    } catch (error) {
      host.logger.warn({ ...log, message: message.id, error: errorToLogText(error) }, 'a message comes back later');
    }
  };

  const remove = async (message: QueueMessage): Promise<void> => {
    if ((await queue.remove(queueName, message)) === 'removed') return;
    host.logger.warn({ ...log, message: message.id }, 'a message was received again while it was handled');
  };

  const poison = async (message: QueueMessage): Promise<void> => {
    await queue.send(poisonName, message.body);
    await queue.remove(queueName, message);
    const { id, dequeueCount } = message;
    host.logger.error({ ...log, message: id, dequeueCount }, `a message failed too often and is in ${poisonName} now`);
  };

  return {
    start: () => void poll(firstPollMs),
    stop: () => {
      stopped = true;
      cancelWait();
    },
    settled: () => inFlight.settled(),
  };
}

/** The message as Azure's extension hands it over: the body, and what is known of the message beside it. */
function toInput(message: QueueMessage): {
  readonly data: RpcTypedData;
  readonly metadata: Readonly<Record<string, RpcTypedData>>;
} {
  const { id, receipt, body, dequeueCount, insertedMs } = message;
  const time = (ms: number): RpcTypedData => ({ json: JSON.stringify(new Date(ms).toISOString()) });
  return {
    data: { string: body },
    metadata: {
      QueueTrigger: { string: body },
      Id: { string: id },
      PopReceipt: { string: receipt },
      DequeueCount: { int: dequeueCount },
      InsertionTime: time(insertedMs),
      ExpirationTime: time(insertedMs + keptMs),
    },
  };
}
