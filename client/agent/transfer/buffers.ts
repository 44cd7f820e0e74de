/**
 * Memory for content on its way, lent and given back. What a transfer holds is then what is lent at once, a few buffers that are
 * written again and again, and not what the garbage collectors of several threads have left standing: buffers of megabytes that each
 * pack and each window made anew were two thirds of the memory of a first sync.
 *
 * A buffer holds what it held before. Whoever reads it reads what was written since it was lent, or checks a hash.
 */
import { limits } from '../../../shared/core/limits.ts';

type Memory = ArrayBuffer | SharedArrayBuffer;

/** A buffer while it is lent. A worker that takes it over gives another view of the same memory back: `memory` is replaced then. */
export interface Lent<M extends Memory> {
  memory: M;
}

const MiB = 1024 * 1024;
const sizeBytesMin = 64 * 1024;

/** Powers of two, and above 1 MiB whole MiB: what fitted once fits most of what comes later. */
function roundUp(bytes: number): number {
  if (bytes > MiB) return Math.ceil(bytes / MiB) * MiB;
  let size = sizeBytesMin;
  while (size < bytes) size *= 2;
  return size;
}

export class BufferPool<M extends Memory> {
  readonly #make: (bytes: number) => M;
  readonly #lentMax: number;
  readonly #bytesMax: number;
  readonly #free: M[] = [];
  readonly #waiting: (() => void)[] = [];
  #lent = 0;

  /** @param lentMax buffers out at once. @param bytesMax of one; no request is larger. */
  constructor(make: (bytes: number) => M, lentMax: number, bytesMax: number) {
    this.#make = make;
    this.#lentMax = lentMax;
    this.#bytesMax = bytesMax;
  }

  /** A buffer of at least so many bytes, as soon as there is one, in the order of the calls. To be given back in any case. */
  async take(bytes: number): Promise<Lent<M>> {
    if (bytes > this.#bytesMax) throw new RangeError(`no buffer has ${bytes} bytes`);
    // Whoever waited gets the place of the one who gave back: nobody comes in between.
    if (this.#lent >= this.#lentMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#lent++;
    const fitting = this.#free.findIndex((memory) => memory.byteLength >= bytes);
    if (fitting >= 0) return { memory: this.#free.splice(fitting, 1)[0]! };
    // All buffers together stay as many as may be lent: one that is too small makes way.
    if (this.#lent + this.#free.length > this.#lentMax) this.#free.shift();
    return { memory: this.#make(Math.min(roundUp(bytes), this.#bytesMax)) };
  }

  /** What was lost with a worker has no bytes any more, and is made anew when it is needed. */
  give({ memory }: Lent<M>): void {
    if (memory.byteLength > 0) this.#free.push(memory);
    const next = this.#waiting.shift();
    if (next === undefined) this.#lent--;
    else next();
  }

  /** Lends a buffer for some work. */
  async use<T>(bytes: number, work: (lent: Lent<M>) => Promise<T>): Promise<T> {
    const lent = await this.take(bytes);
    try {
      return await work(lent);
    } finally {
      this.give(lent);
    }
  }

  /** Lets go what is not lent. */
  drop(): void {
    this.#free.length = 0;
  }
}

/** All that the transfers of one folder hold of content. An upload and a download do not come at once: each drops the other's. */
export interface TransferBuffers {
  /** Packs being built and sent: while one is sent, the next is built. */
  readonly packs: BufferPool<ArrayBuffer>;
  /** Ranges of packs as they come in. */
  readonly ranges: BufferPool<ArrayBuffer>;
  /** Chunks that were fetched and are to be written, by window: one is fetched while one is written. All workers share them. */
  readonly arenas: BufferPool<SharedArrayBuffer>;
}

const packsMax = 2;
/** Enough for a line of 100 ms and 1 Gbit/s at 4 MiB each. */
const rangesMax = 4;
const arenasMax = 2;

/** One GET: large enough to be worth while, small enough to be shared among workers and tried again. */
export const rangeBytesMax = limits.chunkBytesMax;
/** Fetched chunks of one window. */
export const arenaBytesMax = 8 * MiB;
/** A pack of chunks that no compression makes smaller, with its footer. Only a server that plans larger ones than ours does takes all of it. */
const packBytesMax = limits.packPlainBytesMax + limits.packFooterBytesMax;

export function createTransferBuffers(): TransferBuffers {
  return {
    packs: new BufferPool((bytes) => new ArrayBuffer(bytes), packsMax, packBytesMax),
    ranges: new BufferPool((bytes) => new ArrayBuffer(bytes), rangesMax, rangeBytesMax),
    arenas: new BufferPool((bytes) => new SharedArrayBuffer(bytes), arenasMax, arenaBytesMax),
  };
}
