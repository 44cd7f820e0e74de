/**
 * What a reliable connection was sent and has not acknowledged. Sequence ids begin at 1 and have no gaps; the queue always holds the ids
 * after the last acknowledged one, in order, so that a recovered socket is sent exactly what its client may not have. Bounded in
 * messages and bytes: a queue that is full takes nothing more, and its connection must end, because a gap cannot be told to the client.
 */
export interface ReliableQueueBounds {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

export class ReliableQueue<Message extends { readonly bytes: number }> {
  readonly #bounds: ReliableQueueBounds;
  /** The message at index i has the sequence id `#acknowledged + 1 + i`. */
  #messages: Message[] = [];
  #acknowledged = 0;
  #bytes = 0;

  constructor(bounds: ReliableQueueBounds) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The sequence id of the message, which is kept until it is acknowledged. Undefined, and nothing is kept, when there is no room. */
  push(message: Message): number | undefined {
    if (this.#messages.length >= this.#bounds.messagesMax) return undefined;
    if (this.#bytes + message.bytes > this.#bounds.bytesMax) return undefined;
    this.#messages.push(message);
    this.#bytes += message.bytes;
    return this.#acknowledged + this.#messages.length;
  }

  /** Forgets everything up to this sequence id. What was acknowledged before, or never sent, changes nothing. */
  acknowledge(sequenceId: number): void {
    const done = Math.min(sequenceId - this.#acknowledged, this.#messages.length);
    if (done <= 0) return;
    for (const message of this.#messages.splice(0, done)) this.#bytes -= message.bytes;
    this.#acknowledged += done;
  }

  /** What to send again, in order, with its sequence ids. */
  *unacknowledged(): Generator<readonly [sequenceId: number, message: Message]> {
    for (const [index, message] of this.#messages.entries()) yield [this.#acknowledged + 1 + index, message];
  }

  /** Frees what it holds. */
  clear(): void {
    this.acknowledge(this.#acknowledged + this.#messages.length);
  }
}
