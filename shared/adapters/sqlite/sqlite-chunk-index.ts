import type { DatabaseSync } from 'node:sqlite';
import { type Digest, bytesToDigest, columnBytesAt, columnLength, idToBytes } from '../../core/ids.ts';
import type { ChunkIndex, ChunkPlace, PackRecord } from '../../ports/metadata-store.ts';
import { checkVerifiedPack } from '../verified-pack.ts';
import { attempt, transact } from './database.ts';
import { type Row, bytesOf, integerOf, textOf } from './row.ts';
import type { Write } from './write-group.ts';

function rowToPack(row: Row): PackRecord {
  return {
    packId: bytesToDigest(bytesOf(row, 'pack')),
    storedBytes: integerOf(row, 'stored_bytes'),
    etag: textOf(row, 'etag'),
    recordedMs: integerOf(row, 'recorded_ms'),
  };
}

/** Measured on one core: a lookup of 16,384 hashes takes about 70 ms, recording a pack of 8,192 chunks about 60 ms, forgetting it about 50 ms. */
export function createSqliteChunkIndex(database: DatabaseSync, write: Write): ChunkIndex {
  const selectChunk = database.prepare(
    `SELECT pack, frame_offset, frame_stored, frame_raw, codec, offset, length FROM chunks
     WHERE workspace = ? AND hash = ?`,
  );
  const selectPackName = database.prepare('SELECT pack FROM packs WHERE id = ?');
  const selectPack = database.prepare('SELECT id FROM packs WHERE workspace = ? AND pack = ?');
  const upsertPack = database.prepare(
    `INSERT INTO packs (workspace, pack, stored_bytes, etag, recorded_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (workspace, pack) DO UPDATE
       SET stored_bytes = excluded.stored_bytes, etag = excluded.etag, recorded_ms = excluded.recorded_ms
     RETURNING id`,
  );
  const selectPacks = database.prepare(
    'SELECT pack, stored_bytes, etag, recorded_ms FROM packs WHERE workspace = ? AND pack > ? ORDER BY pack LIMIT ?',
  );
  const removeChunksOf = database.prepare('DELETE FROM chunks WHERE pack = ?');
  const removePack = database.prepare('DELETE FROM packs WHERE id = ?');
  const sumPacks = database.prepare(
    'SELECT count(*) AS packs, coalesce(sum(stored_bytes), 0) AS stored_bytes FROM packs WHERE workspace = ?',
  );
  const countChunks = database.prepare('SELECT count(*) AS chunks FROM chunks WHERE workspace = ?');
  const insertChunk = database.prepare('INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');

  /** Packs by their small integers, for one lookup: most of its chunks share a few packs. */
  function createPackNames(): (id: number) => Digest {
    const names = new Map<number, Digest>();
    return (id) => {
      const known = names.get(id);
      if (known !== undefined) return known;
      const name = bytesToDigest(bytesOf(selectPackName.get(id) ?? {}, 'pack'));
      names.set(id, name);
      return name;
    };
  }

  function rowToPlace(row: Row, packName: (id: number) => Digest): ChunkPlace {
    return {
      packId: packName(integerOf(row, 'pack')),
      frameOffset: integerOf(row, 'frame_offset'),
      frameStored: integerOf(row, 'frame_stored'),
      frameRaw: integerOf(row, 'frame_raw'),
      codec: integerOf(row, 'codec'),
      offset: integerOf(row, 'offset'),
      length: integerOf(row, 'length'),
    };
  }

  return {
    lookUp: (workspaceId, hashes) =>
      attempt(() =>
        transact(database, 'DEFERRED', () => {
          const workspace = idToBytes(workspaceId);
          const packName = createPackNames();
          return Array.from({ length: columnLength(hashes) }, (_, i) => {
            const row = selectChunk.get(workspace, columnBytesAt(hashes, i));
            return row && rowToPlace(row, packName);
          });
        }),
      ),
    record: (workspaceId, pack, nowMs) =>
      write(() => {
        checkVerifiedPack(pack);
        const workspace = idToBytes(workspaceId);
        const row = upsertPack.get(workspace, idToBytes(pack.packId), pack.storedBytes, pack.etag, nowMs);
        const id = integerOf(row ?? {}, 'id');
        for (const [i, place] of pack.places.entries()) {
          const { frameOffset, frameStored, frameRaw, codec, offset, length } = place;
          const hash = columnBytesAt(pack.hashes, i);
          insertChunk.run(workspace, hash, id, frameOffset, frameStored, frameRaw, codec, offset, length);
        }
      }),
    hasPacks: (workspaceId, packs) =>
      attempt(() => {
        const workspace = idToBytes(workspaceId);
        return Array.from(
          { length: columnLength(packs) },
          (_, i) => selectPack.get(workspace, columnBytesAt(packs, i)) !== undefined,
        );
      }),
    listPacks: (workspaceId, after, limit) =>
      attempt(() => {
        const from = after === null ? new Uint8Array() : idToBytes(after);
        return selectPacks.all(idToBytes(workspaceId), from, limit).map(rowToPack);
      }),
    forgetPack: (workspaceId, packId) =>
      write(() => {
        const row = selectPack.get(idToBytes(workspaceId), idToBytes(packId));
        if (row === undefined) return;
        const id = integerOf(row, 'id');
        removeChunksOf.run(id);
        removePack.run(id);
      }),
    usage: (workspaceId) =>
      attempt(() =>
        transact(database, 'DEFERRED', () => {
          const workspace = idToBytes(workspaceId);
          const sums = sumPacks.get(workspace) ?? {};
          return {
            packs: integerOf(sums, 'packs'),
            chunks: integerOf(countChunks.get(workspace) ?? {}, 'chunks'),
            storedBytes: integerOf(sums, 'stored_bytes'),
          };
        }),
      ),
  };
}
