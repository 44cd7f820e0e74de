/** A bound on how much is under way: in number, and in bytes held in memory. */
export class Slots {
  readonly #countMax: number;
  readonly #bytesMax: number;
  #count = 0;
  #bytes = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  /** Runs when there is room, in the order of the calls. Something larger than the whole bound runs alone. */
  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    while (this.#isFull(bytes)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#count++;
    this.#bytes += bytes;
    try {
      return await work();
    } finally {
      this.#count--;
      this.#bytes -= bytes;
      for (const resume of this.#waiting.splice(0)) resume();
    }
  }

  #isFull(bytes: number): boolean {
    return this.#count >= this.#countMax || (this.#count > 0 && this.#bytes + bytes > this.#bytesMax);
  }
}

/**
 * Waits for all, and throws the first failure only when the rest has ended too: nothing goes on behind the caller's back.
 */
export async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
