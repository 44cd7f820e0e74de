/**
 * What may come of merging edits. A merge is bytes that no user wrote, so the oracle asks two things of it: each line of it is a line
 * that some user wrote; and of an edit that gave way to it, the newest thing that was written there is in it.
 *
 * Everything that a user writes has the mark of that moment in it, `<a0:12>`, once for each edit: the newest mark of a content is what
 * its author would miss first. Lines that another edit took away are not missed.
 */
import type { Digest } from '../../shared/core/ids.ts';

const mark = /<a\d:\d+>/g;

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

export class MergedLines {
  readonly #lines = new Set<string>();
  /** Marks, in the order in which they were first seen. */
  readonly #order = new Map<string, number>();
  readonly #newest = new Map<Digest, string>();

  /** A content that came to be. */
  note(digest: Digest, bytes: Uint8Array): void {
    const text = textOf(bytes);
    for (const line of text.split('\n')) this.#lines.add(line);
    let newest: string | undefined;
    for (const [found] of text.matchAll(mark)) {
      if (!this.#order.has(found)) this.#order.set(found, this.#order.size);
      if (newest === undefined || this.#order.get(found)! > this.#order.get(newest)!) newest = found;
    }
    if (newest !== undefined) this.#newest.set(digest, newest);
  }

  isMadeOfKnown(bytes: Uint8Array): boolean {
    return textOf(bytes)
      .split('\n')
      .every((line) => this.#lines.has(line));
  }

  isIn(digest: Digest, contents: Iterable<Uint8Array>): boolean {
    const newest = this.#newest.get(digest);
    if (newest === undefined) return false;
    for (const bytes of contents) if (textOf(bytes).includes(newest)) return true;
    return false;
  }
}
