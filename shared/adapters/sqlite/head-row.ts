/** Heads as rows: written when a workspace is created and at every commit. */
import { bytesToDigest, idToBytes } from '../../core/ids.ts';
import type { Head } from '../../ports/metadata-store.ts';
import { type Row, bytesOf, integerOf, nullable } from './row.ts';

/** In the order of `headToValues`. */
export const headColumns = 'seq, root, chain, time_ms, files, bytes';

export function headToValues(head: Head) {
  const { seq, root, chain, timeMs, tally } = head;
  return [seq, idToBytes(root), idToBytes(chain), timeMs, tally?.files ?? null, tally?.bytes ?? null] as const;
}

export function rowToHead(row: Row): Head {
  const files = nullable(row, 'files', integerOf);
  return {
    seq: integerOf(row, 'seq'),
    root: bytesToDigest(bytesOf(row, 'root')),
    chain: bytesToDigest(bytesOf(row, 'chain')),
    timeMs: integerOf(row, 'time_ms'),
    tally: files === null ? null : { files, bytes: integerOf(row, 'bytes') },
  };
}
