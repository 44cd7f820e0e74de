/** Everything of a workspace goes, partition by partition, and last its head and record, without which nothing else is found. */
import type { WorkspaceId } from '../../core/ids.ts';
import { chunkDigits, chunkPk } from './chunk-buckets.ts';
import { indexedUsers, membershipId, recordId, registryPk, userPk } from './cosmos-workspace-store.ts';
import { fieldsToHead, headId } from './head-document.ts';
import { archivePks } from './journal-archive.ts';
import { forEach, purgePartition } from './many.ts';
import type { Table } from './table.ts';
import type { Tables } from './tables.ts';

const kept: ReadonlySet<string> = new Set([headId, recordId]);

/** All partitions of a workspace but its own in `directory`. They are `<ws>` and `<ws>-…` in every container. */
function partitionsOf(tables: Tables, workspaceId: WorkspaceId, headSeq: number): (readonly [Table, string])[] {
  const spread = chunkDigits.map((digit) => chunkPk(workspaceId, digit));
  return [
    ...[...spread, workspaceId].map((pk) => [tables.chunks, pk] as const),
    ...spread.map((pk) => [tables.objects, pk] as const),
    ...[...spread, workspaceId].map((pk) => [tables.versions, pk] as const),
    ...archivePks(workspaceId, headSeq).map((pk) => [tables.journal, pk] as const),
    [tables.quarantine, workspaceId],
    [tables.presence, workspaceId],
    [tables.sessions, workspaceId],
    [tables.workspaces, workspaceId],
  ];
}

export async function purgeWorkspace(
  tables: Tables,
  workspaceId: WorkspaceId,
  limit: number,
): Promise<'more' | 'done'> {
  const { workspaces, directory } = tables;
  const head = await workspaces.read(workspaceId, headId);
  let left = limit;
  for (const [table, pk] of partitionsOf(tables, workspaceId, head === undefined ? 0 : fieldsToHead(head.fields).seq)) {
    left -= await purgePartition(table, pk, left, table === workspaces ? kept : undefined);
    if (left <= 0) return 'more';
  }
  const record = await workspaces.read(workspaceId, recordId);
  const users = record === undefined ? [] : indexedUsers(record.fields);
  await forEach(users, (userId) => directory.remove(userPk(userId), membershipId(workspaceId)));
  for (const id of kept) await workspaces.remove(workspaceId, id);
  await directory.remove(registryPk, workspaceId);
  return 'done';
}
