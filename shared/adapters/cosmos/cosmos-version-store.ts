import { type NodeId, type WorkspaceId, parseDeviceId, parseNodeId, parseUserId } from '../../core/ids.ts';
import type { VersionRecord, VersionStore } from '../../ports/version-store.ts';
import { checkProjection } from '../version-projection.ts';
import { bytesOf, bytesToText, fieldsOf, integerOf, padded, textOf } from './document.ts';
import { upsertMany } from './many.ts';
import type { Document, Fields } from './table.ts';
import type { Tables } from './tables.ts';

const positionId = 'projected';

/** By the last digit: ids are random, and those of tests differ there. */
function versionPk(workspaceId: WorkspaceId, nodeId: NodeId): string {
  return `${workspaceId}-${nodeId.at(-1)}`;
}

function versionToDocument(workspaceId: WorkspaceId, version: VersionRecord): Document {
  const { nodeId, seq, timeMs, userId, deviceId, place, entry } = version;
  return {
    pk: versionPk(workspaceId, nodeId),
    id: `${nodeId}-${padded(seq)}`,
    nodeId,
    seq,
    timeMs,
    userId,
    deviceId,
    place: place && { parentId: place.parentId, name: place.name },
    v: entry && bytesToText(entry),
  };
}

function fieldsToVersion(fields: Fields): VersionRecord {
  const place = fields['place'] === null ? null : fieldsOf(fields['place']);
  return {
    nodeId: parseNodeId(textOf(fields, 'nodeId')),
    seq: integerOf(fields, 'seq'),
    timeMs: integerOf(fields, 'timeMs'),
    userId: parseUserId(textOf(fields, 'userId')),
    deviceId: parseDeviceId(textOf(fields, 'deviceId')),
    place: place && { parentId: parseNodeId(textOf(place, 'parentId')), name: textOf(place, 'name') },
    entry: fields['v'] === null ? null : bytesOf(fields, 'v'),
  };
}

export function createCosmosVersionStore({ versions, attempt }: Tables): VersionStore {
  async function project(
    workspaceId: WorkspaceId,
    fromSeq: number,
    toSeq: number,
    records: readonly VersionRecord[],
  ): Promise<'projected' | 'changed'> {
    checkProjection(fromSeq, toSeq, records);
    const found = await versions.read(workspaceId, positionId);
    const position = found === undefined ? 0 : integerOf(found.fields, 'seq');
    if (position !== fromSeq) return 'changed';
    await upsertMany(
      versions,
      records.map((record) => versionToDocument(workspaceId, record)),
    );
    const document = { pk: workspaceId, id: positionId, seq: toSeq };
    if (found !== undefined) {
      return (await versions.replace(document, found.etag)) === 'replaced' ? 'projected' : 'changed';
    }
    return (await versions.create(document)) === 'created' ? 'projected' : 'changed';
  }

  async function list(workspaceId: WorkspaceId, nodeId: NodeId, beforeSeq: number, limit: number) {
    const all: VersionRecord[] = [];
    if (limit <= 0) return all;
    const pages = versions.pages(versionPk(workspaceId, nodeId), {
      text: 'SELECT * FROM c WHERE c.id >= @from AND c.id < @before ORDER BY c.id DESC',
      parameters: { '@from': `${nodeId}-`, '@before': `${nodeId}-${padded(beforeSeq)}` },
      page: Math.min(limit, 100),
    });
    for await (const page of pages) {
      all.push(...page.map(fieldsOf).map(fieldsToVersion));
      if (all.length >= limit) break;
    }
    return all.slice(0, limit);
  }

  return {
    projectedSeq: (workspaceId) =>
      attempt(async () => {
        const found = await versions.read(workspaceId, positionId);
        return found === undefined ? 0 : integerOf(found.fields, 'seq');
      }),
    project: (workspaceId, fromSeq, toSeq, records) => attempt(() => project(workspaceId, fromSeq, toSeq, records)),
    list: (workspaceId, nodeId, beforeSeq, limit) => attempt(() => list(workspaceId, nodeId, beforeSeq, limit)),
  };
}
