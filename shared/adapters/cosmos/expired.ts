import { fieldsOf, textOf } from './document.ts';
import { forEach } from './many.ts';
import type { Table } from './table.ts';

/**
 * Deletes documents that expired before `nowMs`; returns how many of them `counts` says yes to. The one query over all
 * partitions; it finds little, since documents end by their own time to live soon after.
 */
export async function sweepExpired(table: Table, nowMs: number, counts: (id: string) => boolean): Promise<number> {
  let swept = 0;
  const query = {
    text: 'SELECT c.pk, c.id FROM c WHERE c.expiresMs < @now',
    parameters: { '@now': nowMs },
    page: 500,
  };
  for await (const page of table.pages(undefined, query)) {
    await forEach(page.map(fieldsOf), async (fields) => {
      const id = textOf(fields, 'id');
      const result = await table.remove(textOf(fields, 'pk'), id);
      if (result === 'removed' && counts(id)) swept += 1;
    });
  }
  return swept;
}
