/**
 * The events of one connection, one after the other: an event is sent when the one before it was answered. Lines of different
 * connections know nothing of each other, so a slow handler holds up nobody else.
 */
export interface EventLineBounds {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export class EventLine {
  readonly #bounds: EventLineBounds;
  #last: Promise<void> = Promise.resolve();
  #events = 0;
  #bytes = 0;

  constructor(bounds: EventLineBounds) {
    this.#bounds = bounds;
  }

  /** Whether an event of a client has room. Always when none waits. */
  hasRoom(bytes: number): boolean {
    if (this.#events === 0) return true;
    return this.#events < this.#bounds.eventsMax && this.#bytes + bytes <= this.#bounds.bytesMax;
  }

  /** Runs after all that were added before. `send` must not reject. @returns when it has run. */
  add(bytes: number, send: () => Promise<void>): Promise<void> {
    this.#events += 1;
    this.#bytes += bytes;
    this.#last = this.#last.then(send).finally(() => {
      this.#events -= 1;
      this.#bytes -= bytes;
    });
    return this.#last;
  }
}
