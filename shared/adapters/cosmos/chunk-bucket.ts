/**
 * A bucket: the places of chunks whose hashes begin with some hex digits. One document for many chunks, because a write is
 * paid for by the document. A bucket that would hold more than 128 chunks splits by the next digit: a marker stays in its place,
 * sixteen buckets take what it had. Buckets begin at one digit, and all of one first digit share a partition, so that one batch
 * splits.
 *
 * Bytes: msgpack [1, hashes, packs, packOf, frameOffsets, frameStored, frameRaw, codecs, offsets, lengths]: two columns of
 * digests, then columns of integers by place in `hashes`; `packOf` by place in `packs`. About 55 bytes a chunk.
 */
import { encode } from '@msgpack/msgpack';
import { TidemarkError } from '../../core/errors.ts';
import {
  type Digest,
  type DigestColumn,
  columnDigestAt,
  columnLength,
  digestsToColumn,
  parseDigestColumn,
} from '../../core/ids.ts';
import { decodeMsgpack } from '../../core/msgpack.ts';
import type { ChunkPlace } from '../../ports/metadata-store.ts';

export type Places = Map<Digest, ChunkPlace>;

export const rootDigits = 1;
/** About 9 KB: a read of 2 RU. Many more make each write dear, many fewer make more of them. */
export const bucketChunksMax = 128;

const caps = { what: 'a bucket of chunks', depthMax: 3, valuesMax: 1_000_000 };
const numbers = ['frameOffset', 'frameStored', 'frameRaw', 'codec', 'offset', 'length'] as const;

export function encodePlaces(places: Places): Uint8Array {
  const hashes = [...places.keys()];
  const rows = [...places.values()];
  const packs = [...new Set(rows.map(({ packId }) => packId))];
  const placeOfPack = new Map(packs.map((packId, i) => [packId, i]));
  const packOf = rows.map(({ packId }) => placeOfPack.get(packId)!);
  const columns = numbers.map((name) => rows.map((row) => row[name]));
  return encode([1, digestsToColumn(hashes), digestsToColumn(packs), packOf, ...columns]);
}

function damaged(): TidemarkError {
  return new TidemarkError('corrupt', 'a bucket of chunks is damaged');
}

function digestColumn(value: unknown): DigestColumn {
  if (!(value instanceof Uint8Array)) throw damaged();
  return parseDigestColumn(value);
}

function integerAt(column: unknown, i: number): number {
  const value: unknown = Array.isArray(column) ? column[i] : undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw damaged();
  return value;
}

export function decodePlaces(bytes: Uint8Array): Places {
  const raw = decodeMsgpack(bytes, caps);
  if (!Array.isArray(raw) || raw[0] !== 1) throw damaged();
  const [, rawHashes, rawPacks, packOf, ...columns] = raw as unknown[];
  const [hashes, packs] = [digestColumn(rawHashes), digestColumn(rawPacks)];
  const packIds = Array.from({ length: columnLength(packs) }, (_, i) => columnDigestAt(packs, i));
  const places: Places = new Map();
  for (let i = 0; i < columnLength(hashes); i++) {
    const packId = packIds[integerAt(packOf, i)];
    if (packId === undefined) throw damaged();
    const [frameOffset, frameStored, frameRaw, codec, offset, length] = numbers.map((_, n) => integerAt(columns[n], i));
    places.set(columnDigestAt(hashes, i), {
      packId,
      frameOffset: frameOffset!,
      frameStored: frameStored!,
      frameRaw: frameRaw!,
      codec: codec!,
      offset: offset!,
      length: length!,
    });
  }
  return places;
}

/** What a bucket becomes: places, or a marker and buckets below it, as deep as it takes. */
export type SplitBucket = { readonly prefix: string; readonly places: Places | 'split' };

/** The places of a bucket by the buckets that it splits into. */
function childrenOf(prefix: string, places: Places): SplitBucket[] {
  const children = new Map<string, Places>();
  for (const [hash, place] of places) {
    const child = hash.slice(0, prefix.length + 1);
    const inChild = children.get(child) ?? new Map<Digest, ChunkPlace>();
    inChild.set(hash, place);
    children.set(child, inChild);
  }
  return [...children].map(([child, inChild]) => ({ prefix: child, places: inChild }));
}

/**
 * The documents that hold these places from this prefix on. The first is of the prefix itself. They are at most `documentsMax`, so that
 * one batch takes them: hashes that all begin alike, which somebody may have looked for, would make hundreds. What is still too large then is
 * split when it changes next.
 */
export function splitPlaces(prefix: string, places: Places, documentsMax: number): SplitBucket[] {
  const parts: SplitBucket[] = [{ prefix, places }];
  // What a part splits into comes behind it, and so is looked at later.
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.places === 'split' || part.places.size <= bucketChunksMax) continue;
    const children = childrenOf(part.prefix, part.places);
    if (parts.length + children.length > documentsMax) continue;
    parts[i] = { prefix: part.prefix, places: 'split' };
    parts.push(...children);
  }
  return parts;
}
