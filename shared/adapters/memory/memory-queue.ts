import type { Clock } from '../../ports/clock.ts';
import type { Queue, QueueMessage, QueueName } from '../../ports/queue.ts';
import { checkQueueBody, checkQueueMax } from '../queue-bounds.ts';

interface Held {
  readonly id: string;
  readonly body: string;
  readonly insertedMs: number;
  dequeueCount: number;
  /** Seen by nobody before this time. */
  visibleMs: number;
}

/** Queues in memory, for tests and the simulation: deterministic, oldest message first. */
export function createMemoryQueue(deps: { readonly clock: Clock }): Queue {
  const queues = new Map<QueueName, Map<string, Held>>();
  let sent = 0;

  function queueOf(name: QueueName): Map<string, Held> {
    const known = queues.get(name) ?? new Map<string, Held>();
    queues.set(name, known);
    return known;
  }

  function visible(name: QueueName, max: number): Held[] {
    checkQueueMax(max);
    const nowMs = deps.clock.now();
    return [...queueOf(name).values()].filter(({ visibleMs }) => visibleMs <= nowMs).slice(0, max);
  }

  function toMessage({ id, body, insertedMs, dequeueCount }: Held, receipt: string): QueueMessage {
    return { id, receipt, body, dequeueCount, insertedMs };
  }

  return {
    send: async (queue, body) => {
      checkQueueBody(body);
      const insertedMs = deps.clock.now();
      const id = String((sent += 1));
      queueOf(queue).set(id, { id, body, insertedMs, dequeueCount: 0, visibleMs: insertedMs });
    },
    receive: async (queue, max, hiddenSeconds) =>
      visible(queue, max).map((held) => {
        held.dequeueCount += 1;
        held.visibleMs = deps.clock.now() + hiddenSeconds * 1_000;
        return toMessage(held, String(held.dequeueCount));
      }),
    remove: async (queue, { id, receipt }) => {
      if (receipt !== String(queueOf(queue).get(id)?.dequeueCount)) return 'lost';
      queueOf(queue).delete(id);
      return 'removed';
    },
    peek: async (queue, max) => visible(queue, max).map((held) => toMessage(held, '')),
  };
}
