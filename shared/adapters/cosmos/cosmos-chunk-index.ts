/**
 * Chunks in buckets, packs beside them. A pack is written first as `pending`, with the first digits of its hashes, then its
 * chunks, and last as `recorded`: after a crash in between it is known where to look for what it left. Forgetting goes the other way: `forgotten`, its
 * chunks, and last its document. Each ends under the ETag that it began with, so that of a recording and a forgetting that meet, one is
 * done over: a pack never stands as recorded without its chunks, nor do chunks stay of a pack that nobody knows.
 */
import {
  type Digest,
  type DigestColumn,
  type WorkspaceId,
  columnBytesAt,
  columnLength,
  columnToDigests,
  parseDigest,
} from '../../core/ids.ts';
import { bytesToHex } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import type { ChunkIndex, PackRecord, VerifiedPack } from '../../ports/metadata-store.ts';
import { checkVerifiedPack } from '../verified-pack.ts';
import type { Places } from './chunk-bucket.ts';
import { editBuckets, readPlaces } from './chunk-buckets.ts';
import { bytesOf, bytesToText, fieldsOf, integerOf, textOf } from './document.ts';
import { readMany } from './many.ts';
import type { Document, Fields } from './table.ts';
import type { Tables } from './tables.ts';

/** Of each hash, in a pack's document: eight digits, more than a bucket's prefix has by chance. */
const keyBytes = 4;

/** Each lost one is a recording or a forgetting of the same pack by somebody else. */
const attemptsMax = 8;

type PackState = 'pending' | 'recorded' | 'forgotten';

function fieldsToPack(fields: Fields): PackRecord {
  return {
    packId: parseDigest(textOf(fields, 'id')),
    storedBytes: integerOf(fields, 'storedBytes'),
    etag: textOf(fields, 'blobEtag'),
    recordedMs: integerOf(fields, 'recordedMs'),
  };
}

function keysToBytes(hashes: DigestColumn): Uint8Array {
  const keys = new Uint8Array(columnLength(hashes) * keyBytes);
  for (let i = 0; i < columnLength(hashes); i++) {
    keys.set(columnBytesAt(hashes, i).subarray(0, keyBytes), i * keyBytes);
  }
  return keys;
}

function bytesToKeys(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes.length / keyBytes }, (_, i) =>
    bytesToHex(bytes.subarray(i * keyBytes, (i + 1) * keyBytes)),
  );
}

function countOf(places: Places, packId: Digest): number {
  let count = 0;
  for (const place of places.values()) if (place.packId === packId) count += 1;
  return count;
}

function busy(): TidemarkError {
  return new TidemarkError('busy', 'this pack is being recorded and forgotten by too many at once');
}

export function createCosmosChunkIndex({ chunks, attempt }: Tables): ChunkIndex {
  async function record(workspaceId: WorkspaceId, pack: VerifiedPack, nowMs: number): Promise<void> {
    checkVerifiedPack(pack);
    const { packId, storedBytes, etag, hashes } = pack;
    const toDocument = (state: PackState, own: number): Document => ({
      pk: workspaceId,
      id: packId,
      state,
      storedBytes,
      blobEtag: etag,
      recordedMs: nowMs,
      own,
      keys: bytesToText(keysToBytes(hashes)),
    });
    const digests = columnToDigests(hashes);
    const placeOf: Places = new Map();
    for (const [i, hash] of digests.entries()) if (!placeOf.has(hash)) placeOf.set(hash, pack.places[i]!);
    const addPlaces = async (): Promise<number> => {
      let own = 0;
      await editBuckets(chunks, workspaceId, [...placeOf.keys()], {
        change: (places, keys) => {
          const before = places.size;
          for (const hash of keys as readonly Digest[]) if (!places.has(hash)) places.set(hash, placeOf.get(hash)!);
          return places.size > before;
        },
        done: (places) => {
          own += countOf(places, packId);
        },
      });
      return own;
    };
    for (let attempts = 0; attempts < attemptsMax; attempts++) {
      // A pack that is recorded already stays so while it is recorded again.
      const added = await chunks.add(toDocument('pending', 0));
      const standing = added === undefined ? await chunks.read(workspaceId, packId) : undefined;
      const begunAt = added ?? standing?.etag;
      if (begunAt === undefined) continue;
      // Another recording that came first has added all: what is left is the pack's own record.
      const isRecorded = attempts > 0 && standing?.fields['state'] === 'recorded';
      const own = isRecorded ? integerOf(standing.fields, 'own') : await addPlaces();
      if ((await chunks.replace(toDocument('recorded', own), begunAt)) === 'replaced') return;
    }
    throw busy();
  }

  async function forgetPack(workspaceId: WorkspaceId, packId: Digest): Promise<void> {
    for (let attempts = 0; attempts < attemptsMax; attempts++) {
      const found = await chunks.read(workspaceId, packId);
      if (found === undefined) return;
      const keys = bytesToKeys(bytesOf(found.fields, 'keys'));
      const { storedBytes, etag, recordedMs } = fieldsToPack(found.fields);
      const state: PackState = 'forgotten';
      const document = { pk: workspaceId, id: packId, state, storedBytes, blobEtag: etag, recordedMs, own: 0 };
      const begunAt = await chunks.swap({ ...document, keys: textOf(found.fields, 'keys') }, found.etag);
      if (begunAt === undefined) continue;
      await editBuckets(chunks, workspaceId, keys, {
        change: (places) => {
          const before = places.size;
          for (const [hash, place] of places) if (place.packId === packId) places.delete(hash);
          return places.size < before;
        },
        done: () => {},
      });
      if ((await chunks.removeIfMatch(workspaceId, packId, begunAt)) === 'removed') return;
    }
    throw busy();
  }

  async function hasPacks(workspaceId: WorkspaceId, packs: DigestColumn): Promise<boolean[]> {
    const ids = columnToDigests(packs);
    if (ids.length === 0) return [];
    const found = await readMany(chunks, workspaceId, [...new Set(ids)], ['state']);
    return ids.map((id) => found.get(id)?.['state'] === 'recorded');
  }

  async function* recordedPacks(workspaceId: WorkspaceId, after: Digest | null, page: number): AsyncGenerator<Fields> {
    const pages = chunks.pages(workspaceId, {
      text: `SELECT c.id, c.state, c.storedBytes, c.blobEtag, c.recordedMs, c.own FROM c
        WHERE c.id > @after ORDER BY c.id`,
      parameters: { '@after': after ?? '' },
      page,
    });
    for await (const documents of pages) {
      yield* documents.map(fieldsOf).filter((fields) => fields['state'] === 'recorded');
    }
  }

  async function listPacks(workspaceId: WorkspaceId, after: Digest | null, limit: number): Promise<PackRecord[]> {
    const all: PackRecord[] = [];
    if (limit <= 0) return all;
    for await (const fields of recordedPacks(workspaceId, after, Math.min(limit, 500))) {
      all.push(fieldsToPack(fields));
      if (all.length >= limit) break;
    }
    return all;
  }

  /** Reads a line of each pack: some RU for each thousand of them. */
  async function usage(workspaceId: WorkspaceId) {
    const sum = { packs: 0, chunks: 0, storedBytes: 0 };
    for await (const fields of recordedPacks(workspaceId, null, 1_000)) {
      sum.packs += 1;
      sum.chunks += integerOf(fields, 'own');
      sum.storedBytes += integerOf(fields, 'storedBytes');
    }
    return sum;
  }

  return {
    lookUp: (workspaceId, hashes) =>
      attempt(async () => {
        const digests = columnToDigests(hashes);
        const places = await readPlaces(chunks, workspaceId, [...new Set(digests)]);
        return digests.map((hash) => places.get(hash));
      }),
    record: (workspaceId, pack, nowMs) => attempt(() => record(workspaceId, pack, nowMs)),
    hasPacks: (workspaceId, packs) => attempt(() => hasPacks(workspaceId, packs)),
    listPacks: (workspaceId, after, limit) => attempt(() => listPacks(workspaceId, after, limit)),
    forgetPack: (workspaceId, packId) => attempt(() => forgetPack(workspaceId, packId)),
    usage: (workspaceId) => attempt(() => usage(workspaceId)),
  };
}
