/**
 * Where a check of a workspace has come to, as text that goes out to an operator and comes back:
 *
 *     journal:<seq>
 *     tree:<root>:<last key as hex>:<files>:<bytes>:<1 if every node could be read, else 0>
 *     packs:<pack id>
 */
import { bytesToHex, hexToBytes } from '../../../core/bytes.ts';
import { TidemarkError } from '../../../core/errors.ts';
import { type Digest, parseDigest } from '../../../core/ids.ts';
import type { TreeProgress } from './check-tree.ts';

export type FsckPosition =
  | { readonly phase: 'journal'; readonly seq: number }
  | { readonly phase: 'tree'; readonly progress: TreeProgress }
  | { readonly phase: 'packs'; readonly after: Digest | null };

/** Characters of a cursor: a tree's, with the longest key. */
export const fsckCursorMax = 2_048;

export function encodePosition(position: FsckPosition): string {
  switch (position.phase) {
    case 'journal':
      return `journal:${position.seq}`;
    case 'tree': {
      const { root, after, files, bytes, isWhole } = position.progress;
      return `tree:${root}:${after === null ? '' : bytesToHex(after)}:${files}:${bytes}:${isWhole ? 1 : 0}`;
    }
    case 'packs':
      return `packs:${position.after ?? ''}`;
  }
}

const journal = /^journal:(\d{1,16})$/;
const tree = /^tree:([0-9a-f]{64}):((?:[0-9a-f]{2}){0,512}):(\d{1,16}):(\d{1,16}):([01])$/;
const packs = /^packs:([0-9a-f]{64})?$/;

/** Throws `malformed` on anything that `encodePosition` does not write. */
export function decodePosition(cursor: string): FsckPosition {
  const inJournal = journal.exec(cursor);
  if (inJournal !== null) return { phase: 'journal', seq: integerOf(inJournal[1]!) };
  const inTree = tree.exec(cursor);
  if (inTree !== null) {
    const [, root = '', after = '', files = '', bytes = '', whole] = inTree;
    const progress = {
      root: parseDigest(root),
      after: after === '' ? null : hexToBytes(after),
      files: integerOf(files),
      bytes: integerOf(bytes),
      isWhole: whole === '1',
    };
    return { phase: 'tree', progress };
  }
  const inPacks = packs.exec(cursor);
  if (inPacks !== null) return { phase: 'packs', after: inPacks[1] === undefined ? null : parseDigest(inPacks[1]) };
  return refuse();
}

function integerOf(digits: string): number {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : refuse();
}

function refuse(): never {
  throw new TidemarkError('malformed', 'this is no cursor of a check', { data: { field: 'cursor' } });
}
