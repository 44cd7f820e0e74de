/**
 * Reads a content, or a part of it, in order and without a folder: every chunk that comes out has the hash that the content's manifest
 * names, and the manifest that of the content's root. Memory: two windows of at most 8 MiB. Only the chunks that the part lies in
 * are fetched; where it lies follows from the lengths of the chunks before, for which the manifest is taken at its word.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type Digest, columnDigestAt, columnLength, digestBytes, parseDigestColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { type ChunkList, sumOf } from '../../../shared/core/manifest/segment.ts';
import type { Lent } from './buffers.ts';
import { fetchChunks } from './fetch-chunks.ts';
import { resolveChunks } from './resolve-chunks.ts';
import type { TransferSetting } from './services.ts';

export type ContentSetting = Pick<TransferSetting, 'api' | 'blobs' | 'buffers' | 'executor' | 'workspaceId' | 'count'>;

export interface ContentToRead {
  readonly content: Digest;
  /** Bytes of the whole content. */
  readonly size: number;
}

/** Bytes from `offset` on, at most `length` of them: what lies past the end is left out. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

const windowBytesMax = 8 * 1024 * 1024;

/** Chunks [from, to) of the list; `position` is where they begin in the content, in bytes. */
interface Window {
  readonly from: number;
  readonly to: number;
  readonly position: number;
}

/**
 * The bytes in order, in pieces of a chunk at most.
 * @throws TidemarkError `corrupt` when what came is not what the root names, `missing-chunks`, and what server and network throw; what was
 * given out before is right.
 */
export async function* readContent(
  setting: ContentSetting,
  { content, size }: ContentToRead,
  { offset, length }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const end = Math.min(size, offset + length);
  if (offset >= end) return;
  const chunks = await mustResolve(setting, { content, size }, signal);
  const windows = planWindows(chunks, offset, end);
  const fetch = (window: Window | undefined) =>
    window === undefined ? undefined : hold(fetchWindow(setting, chunks, window, signal));
  let next = fetch(windows[0]);
  try {
    for (const [i, window] of windows.entries()) {
      const lent = await next!;
      next = fetch(windows[i + 1]);
      try {
        yield* piecesOf(chunks, window, new Uint8Array(lent.memory), offset, end);
      } finally {
        setting.buffers.arenas.give(lent);
      }
    }
  } finally {
    // Whoever stops reading in the middle leaves one that was fetched ahead.
    await next?.then(setting.buffers.arenas.give.bind(setting.buffers.arenas)).catch(() => undefined);
  }
}

/** The chunks of a window, not checked yet, in a buffer that is to be given back. */
async function fetchWindow(
  setting: ContentSetting,
  chunks: ChunkList,
  { from, to }: Window,
  signal: AbortSignal,
): Promise<Lent<SharedArrayBuffer>> {
  const lengths = Array.from(chunks.lengths.subarray(from, to));
  const places: number[] = [];
  let total = 0;
  for (const length of lengths) {
    places.push(total);
    total += length;
  }
  const hashes = parseDigestColumn(chunks.hashes.slice(from * digestBytes, to * digestBytes));
  const { arenas } = setting.buffers;
  const lent = await arenas.take(total);
  try {
    await fetchChunks(setting, { hashes, lengths, places }, lent.memory, signal);
    return lent;
  } catch (error) {
    arenas.give(lent);
    throw error;
  }
}

/** A failure of what is fetched ahead is told when its turn comes, and is nobody's unhandled rejection if it never does. */
function hold<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

async function mustResolve(setting: ContentSetting, content: ContentToRead, signal: AbortSignal): Promise<ChunkList> {
  const { resolved, faults } = await resolveChunks(setting, [content], { chunksOf: () => undefined }, signal);
  const chunks = resolved.get(content.content);
  if (chunks !== undefined && sumOf(chunks.lengths) === content.size) return chunks;
  throw new TidemarkError('corrupt', faults.get(content.content) ?? 'the manifest of the content has another size', {
    data: { root: content.content },
  });
}

/** The chunks that hold bytes `offset` to `end`, in windows of at most `windowBytesMax`, one chunk at least. */
function planWindows({ lengths, hashes }: ChunkList, offset: number, end: number): readonly Window[] {
  const windows: Window[] = [];
  let window = { from: 0, position: 0 };
  let position = 0;
  let begun = false;
  for (let i = 0; i < columnLength(hashes) && position < end; i++) {
    const after = position + lengths[i]!;
    if (!begun && after > offset) {
      window = { from: i, position };
      begun = true;
    } else if (begun && (after - window.position > windowBytesMax || i - window.from >= limits.sessionChunksMax)) {
      windows.push({ ...window, to: i });
      window = { from: i, position };
    }
    position = after;
    if (position >= end) windows.push({ ...window, to: i + 1 });
  }
  return windows;
}

function* piecesOf(
  { hashes, lengths }: ChunkList,
  { from, to, position }: Window,
  bytes: Uint8Array,
  offset: number,
  end: number,
): Generator<Uint8Array> {
  let at = position;
  for (let i = from; i < to; i++) {
    const chunk = bytes.subarray(at - position, at - position + lengths[i]!);
    if (blake3Digest(chunk) !== columnDigestAt(hashes, i)) {
      throw new TidemarkError('corrupt', 'what the server sent of the content is not what its hash names');
    }
    yield chunk.subarray(Math.max(0, offset - at), Math.min(chunk.length, end - at));
    at += chunk.length;
  }
}
