/**
 * The oracle's memory of contents: every content that a user ever wrote, and which of them a user took away from a file that
 * held it (and so had seen it). What was never taken away must be in some file at the end; what nobody wrote must never show.
 */
import { emptyBytes } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { Digest } from '../../shared/core/ids.ts';
import { MergedLines } from './merged-lines.ts';

const noContent = blake3Digest(emptyBytes);

export interface KnownContent {
  /** How it came to be, for people. */
  readonly label: string;
  /** A state in the middle of a slow write: it may show, and nobody misses it. */
  readonly isPassing: boolean;
}

export class Contents {
  /** What edits may be merged of; null where nothing is merged. */
  readonly #merges: MergedLines | null;
  readonly #known = new Map<Digest, KnownContent>();
  readonly #removed = new Map<Digest, string>();
  readonly #digests = new WeakMap<Uint8Array, Digest>();

  constructor({ merges }: { readonly merges: boolean }) {
    this.#merges = merges ? new MergedLines() : null;
  }

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
    if (before === undefined) this.#merges?.note(digest, bytes);
    if (before === undefined || (before.isPassing && !isPassing)) this.#known.set(digest, { label, isPassing });
  }

  /** Whether the newest thing that was written into this is in one of the contents given, which are merges of it and others. */
  isMergedInto(bytes: Uint8Array, contents: Iterable<Uint8Array>): boolean {
    return this.#merges?.isIn(this.digest(bytes), contents) ?? false;
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

  /** Whether a user wrote it, or where edits are merged, it is made of what users wrote. */
  isKnown(bytes: Uint8Array): boolean {
    if (this.#known.has(this.digest(bytes))) return true;
    if (this.#merges?.isMadeOfKnown(bytes) !== true) return false;
    this.noteWritten(bytes, 'a merge');
    return true;
  }

  labelOf(bytes: Uint8Array): string {
    return this.#known.get(this.digest(bytes))?.label ?? `unknown bytes (${bytes.length})`;
  }

  /** What nobody took away, and is in none of the contents given. An empty file holds nothing that could be lost. */
  missingFrom(contents: Iterable<Uint8Array>): readonly string[] {
    const there = [...contents];
    const found = new Set(there.map((bytes) => this.digest(bytes)));
    return [...this.#known]
      .filter(
        ([digest, { isPassing }]) =>
          !isPassing &&
          digest !== noContent &&
          !this.#removed.has(digest) &&
          !found.has(digest) &&
          this.#merges?.isIn(digest, there) !== true,
      )
      .map(([, { label }]) => label);
  }
}
