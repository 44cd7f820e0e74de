/** How far a transfer is: in bytes over all of its files, and for large files in each. */

/** A file from this size on, in bytes, is told of by itself: at a few MB/s it takes a while. */
export const largeFileBytes = 64 * 1024 * 1024;

export interface TransferProgress {
  /** Bytes of files that are where they are to be, whether they had to be moved or were there already. */
  readonly bytes: number;
  readonly bytesTotal: number;
  /** The large file that this is about; null for small ones. */
  readonly file: { readonly path: string; readonly done: number; readonly total: number } | null;
}

export class MovedBytes {
  readonly #files: readonly { readonly path: string; readonly size: number }[];
  readonly #tell: ((progress: TransferProgress) => void) | undefined;
  readonly #total: number;
  /** Of large files, by their place. */
  readonly #doneOf = new Map<number, number>();
  #done = 0;

  constructor(
    files: readonly { readonly path: string; readonly size: number }[],
    tell: ((progress: TransferProgress) => void) | undefined,
  ) {
    this.#files = files;
    this.#tell = tell;
    this.#total = files.reduce((sum, { size }) => sum + size, 0);
  }

  /** So many more bytes of the file at this place. What is moved twice, after a failure, never counts for more than the whole. */
  add(place: number, bytes: number): void {
    if (this.#tell === undefined) return;
    const { path, size } = this.#files[place]!;
    this.#done = Math.min(this.#total, this.#done + bytes);
    const progress = { bytes: this.#done, bytesTotal: this.#total };
    if (size < largeFileBytes) return this.#tell({ ...progress, file: null });
    const done = Math.min(size, (this.#doneOf.get(place) ?? 0) + bytes);
    this.#doneOf.set(place, done);
    this.#tell({ ...progress, file: { path, done, total: size } });
  }
}
