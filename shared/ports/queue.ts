/**
 * Queues of small messages. At least once, in no order that may be relied on. A received message is hidden from other receivers
 * for a time and comes back with a higher count unless it is removed; after `dequeuesMax` the receiver's host puts it into the
 * queue `<name>-poison`, as Azure Functions does with storage queues.
 */
export const queueNames = ['quarantine', 'quarantine-poison', 'unsettled', 'unsettled-poison'] as const;
export type QueueName = (typeof queueNames)[number];

/**
 * Receipts of a message before it counts as poison (host.json: queues.maxDequeueCount). They are 90 s apart (visibilityTimeout),
 * so that the last one is later than any lease of five minutes that a worker held when it died.
 */
export const dequeuesMax = 5;

/** Of one message, in UTF-8: with base64 around it, it fits the 64 KiB of a storage queue's message. */
export const queueBodyBytesMax = 48 * 1024;

/** Messages of one receipt or peek, as storage queues have it. */
export const receivedMax = 32;

export interface QueueMessage {
  readonly id: string;
  /** Names this receipt of the message; empty when it was only peeked at. */
  readonly receipt: string;
  readonly body: string;
  /** How often it was received, this time included. */
  readonly dequeueCount: number;
  readonly insertedMs: number;
}

export interface Queue {
  /** When it resolves the message survives a crash. Throws `too-large` above `queueBodyBytesMax`. */
  send(queue: QueueName, body: string): Promise<void>;
  /** At most `max` (1 to `receivedMax`) visible messages, each hidden for `hiddenSeconds` from now on. */
  receive(queue: QueueName, max: number, hiddenSeconds: number): Promise<readonly QueueMessage[]>;
  /** Removes a received message; 'lost' when it was received again since, or is gone. */
  remove(queue: QueueName, message: QueueMessage): Promise<'removed' | 'lost'>;
  /** At most `max` (1 to `receivedMax`) visible messages, without receiving them. */
  peek(queue: QueueName, max: number): Promise<readonly QueueMessage[]>;
}
