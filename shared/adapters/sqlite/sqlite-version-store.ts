import type { DatabaseSync } from 'node:sqlite';
import { type WorkspaceId, bytesToDeviceId, bytesToNodeId, idToBytes, parseUserId } from '../../core/ids.ts';
import type { Place } from '../../core/tree/keys.ts';
import type { VersionRecord, VersionStore } from '../../ports/version-store.ts';
import { checkProjection } from '../version-projection.ts';
import { attempt } from './database.ts';
import { type Row, bytesOf, integerOf, nullable, textOf } from './row.ts';
import type { Write } from './write-group.ts';

function rowToPlace(row: Row): Place | null {
  const parentId = nullable(row, 'parent', bytesOf);
  return parentId && { parentId: bytesToNodeId(parentId), name: textOf(row, 'name') };
}

function rowToVersion(row: Row): VersionRecord {
  return {
    nodeId: bytesToNodeId(bytesOf(row, 'node')),
    seq: integerOf(row, 'seq'),
    timeMs: integerOf(row, 'time_ms'),
    userId: parseUserId(textOf(row, 'user')),
    deviceId: bytesToDeviceId(bytesOf(row, 'device')),
    place: rowToPlace(row),
    entry: nullable(row, 'entry', bytesOf),
  };
}

/** Versions and the position move in one transaction. */
export function createSqliteVersionStore(database: DatabaseSync, write: Write): VersionStore {
  const selectPosition = database.prepare('SELECT seq FROM projections WHERE workspace = ?');
  const upsertPosition = database.prepare(
    'INSERT INTO projections (workspace, seq) VALUES (?, ?) ON CONFLICT (workspace) DO UPDATE SET seq = excluded.seq',
  );
  const insertVersion = database.prepare(
    `INSERT OR IGNORE INTO versions (workspace, node, seq, time_ms, user, device, parent, name, entry)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectVersions = database.prepare(
    'SELECT * FROM versions WHERE workspace = ? AND node = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
  );

  function positionOf(workspaceId: WorkspaceId): number {
    const row = selectPosition.get(idToBytes(workspaceId));
    return row === undefined ? 0 : integerOf(row, 'seq');
  }

  function add(workspace: Uint8Array, version: VersionRecord): void {
    const { nodeId, seq, timeMs, userId, deviceId, place, entry } = version;
    const [node, device, parent] = [idToBytes(nodeId), idToBytes(deviceId), place && idToBytes(place.parentId)];
    insertVersion.run(workspace, node, seq, timeMs, userId, device, parent, place?.name ?? null, entry);
  }

  return {
    projectedSeq: (workspaceId) => attempt(() => positionOf(workspaceId)),
    project: (workspaceId, fromSeq, toSeq, versions) =>
      write(() => {
        checkProjection(fromSeq, toSeq, versions);
        if (positionOf(workspaceId) !== fromSeq) return 'changed';
        const workspace = idToBytes(workspaceId);
        for (const version of versions) add(workspace, version);
        upsertPosition.run(workspace, toSeq);
        return 'projected';
      }),
    list: (workspaceId, nodeId, beforeSeq, limit) =>
      attempt(() => selectVersions.all(idToBytes(workspaceId), idToBytes(nodeId), beforeSeq, limit).map(rowToVersion)),
  };
}
