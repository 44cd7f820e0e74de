import { type WorkspaceId, parseDigest } from '../../core/ids.ts';
import type { Head } from '../../ports/metadata-store.ts';
import { fieldsOf, integerOf, textOf } from './document.ts';
import type { Document, Fields } from './table.ts';

export const headId = 'head';

export function headToDocument(workspaceId: WorkspaceId, head: Head): Document {
  const { seq, root, chain, timeMs, tally } = head;
  return { pk: workspaceId, id: headId, seq, root, chain, timeMs, tally: tally && { ...tally } };
}

export function fieldsToHead(fields: Fields): Head {
  const tally = fields['tally'] === null ? null : fieldsOf(fields['tally']);
  return {
    seq: integerOf(fields, 'seq'),
    root: parseDigest(textOf(fields, 'root')),
    chain: parseDigest(textOf(fields, 'chain')),
    timeMs: integerOf(fields, 'timeMs'),
    tally: tally && { files: integerOf(tally, 'files'), bytes: integerOf(tally, 'bytes') },
  };
}
