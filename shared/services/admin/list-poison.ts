import { type QueueName, queueNames } from '../../ports/queue.ts';
import type { Needs } from '../dependencies.ts';

export interface PoisonMessage {
  readonly queue: QueueName;
  readonly id: string;
  readonly insertedMs: number;
  readonly body: string;
}

/** What one look at a queue gives at most. */
const peekedMax = 32;

/** The messages that their functions could not handle: the oldest of each poison queue, left where they are. */
export async function listPoison(deps: Needs<'queue'>): Promise<readonly PoisonMessage[]> {
  const found: PoisonMessage[] = [];
  for (const queue of queueNames.filter((name) => name.endsWith('-poison'))) {
    for (const { id, insertedMs, body } of await deps.queue.peek(queue, peekedMax)) {
      found.push({ queue, id, insertedMs, body });
    }
  }
  return found;
}
