/**
 * What stands in a tree: its files, and the sum of their sizes. A commit changes it by the edits of entry keys alone:
 *
 *     key      before          after           files  bytes
 *     F/"a"    file, 10 bytes  file, 30 bytes   +0     +20
 *     F/"b"    nothing         file, 5 bytes    +1      +5
 *     F/"c"    file, 7 bytes   nothing          -1      -7
 *
 * Folders and links count nothing. Sums are exact up to `workspaceBytesMax`, above which no commit goes.
 */
import type { TreeEdit } from '../wire/journal-entry.ts';
import { decodeEntry } from './entry.ts';

export interface Tally {
  readonly files: number;
  /** Plain bytes of the files that stand. */
  readonly bytes: number;
}

export const emptyTally: Tally = { files: 0, bytes: 0 };

/** What one entry counts for. Throws `malformed` on bytes that are no entry. */
export function entryTally(bytes: Uint8Array): Tally {
  const entry = decodeEntry(bytes);
  return entry.kind === 'file' ? { files: 1, bytes: entry.size } : emptyTally;
}

/**
 * The tally after some edits of entry keys, each once.
 * @param before `before[i]` is the value of `edits[i].key` in the tree that `tally` is of, undefined where it has none.
 */
export function tallyAfter(
  tally: Tally,
  edits: readonly TreeEdit[],
  before: readonly (Uint8Array | undefined)[],
): Tally {
  let { files, bytes } = tally;
  for (const [i, { value }] of edits.entries()) {
    const old = before[i];
    const [left, came] = [
      old === undefined ? emptyTally : entryTally(old),
      value === null ? emptyTally : entryTally(value),
    ];
    files += came.files - left.files;
    bytes += came.bytes - left.bytes;
  }
  return { files, bytes };
}
