/**
 * The oracle's memory of contents: every content that a user ever wrote, and which of them a user took away from a file that
 * held it (and so had seen it). What was never taken away must be in some file at the end; what nobody wrote must never show.
 */
import { emptyBytes } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { Digest } from '../../shared/core/ids.ts';

const noContent = blake3Digest(emptyBytes);

export interface KnownContent {
  /** How it came to be, for people. */
  readonly label: string;
  /** A state in the middle of a slow write: it may show, and nobody misses it. */
  readonly isPassing: boolean;
}

export class Contents {
  readonly #known = new Map<Digest, KnownContent>();
  readonly #removed = new Map<Digest, string>();
  readonly #digests = new WeakMap<Uint8Array, Digest>();

  /** BLAKE3 of whole contents. Bytes must not change after this. */
  digest(bytes: Uint8Array): Digest {
    let digest = this.#digests.get(bytes);
    if (digest === undefined) this.#digests.set(bytes, (digest = blake3Digest(bytes)));
    return digest;
  }

  /** A user's file holds this now. */
  noteWritten(bytes: Uint8Array, label: string, isPassing = false): void {
    const digest = this.digest(bytes);
    const before = this.#known.get(digest);
    if (before === undefined || (before.isPassing && !isPassing)) this.#known.set(digest, { label, isPassing });
  }

  /** A user overwrote or deleted a file that held this. */
  noteRemoved(bytes: Uint8Array, label: string): void {
    this.#removed.set(this.digest(bytes), label);
  }

  /** Whether nobody misses it: a user took it away, or it was the middle of a slow write. */
  mayLeave(bytes: Uint8Array): boolean {
    const digest = this.digest(bytes);
    return digest === noContent || this.#removed.has(digest) || this.#known.get(digest)?.isPassing === true;
  }

  isKnown(bytes: Uint8Array): boolean {
    return this.#known.has(this.digest(bytes));
  }

  labelOf(bytes: Uint8Array): string {
    return this.#known.get(this.digest(bytes))?.label ?? `unknown bytes (${bytes.length})`;
  }

  /** What nobody took away, and is in none of the contents given. An empty file holds nothing that could be lost. */
  missingFrom(contents: Iterable<Uint8Array>): readonly string[] {
    const found = new Set<Digest>();
    for (const bytes of contents) found.add(this.digest(bytes));
    return [...this.#known]
      .filter(
        ([digest, { isPassing }]) =>
          !isPassing && digest !== noContent && !this.#removed.has(digest) && !found.has(digest),
      )
      .map(([, { label }]) => label);
  }
}
