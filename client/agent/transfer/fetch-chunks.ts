/**
 * Fetches chunks from packs into an arena. What the server says about places is checked before it is used: a hostile one can
 * make a download fail, never make it allocate or write beyond its bounds.
 *
 * Frames wanted from one pack are joined to ranges: a gap of up to 64 KiB costs less to read than another request costs.
 *
 *     frames at 0-100, 110-200, 9,000,000-9,000,100 of a pack    ->    GET 0-200, GET 9,000,000-9,000,100
 */
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import { type DigestColumn, columnLength } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { packBlobBytesMax } from '../../../shared/core/pack/pack-format.ts';
import type { DownloadSessionResponse } from '../../../shared/core/wire/download-session.ts';
import { type Lent, rangeBytesMax } from './buffers.ts';
import type { FrameToDecode } from './decode-frames.ts';
import type { TransferSetting } from './services.ts';
import { settleAll } from './settle-all.ts';

/** What fetching needs of a transfer. */
type FetchSetting = Pick<TransferSetting, 'api' | 'blobs' | 'buffers' | 'executor' | 'workspaceId' | 'count'>;

/** Chunks to fetch, and the place of each in the arena. */
export interface ChunksToFetch {
  readonly hashes: DigestColumn;
  readonly lengths: readonly number[];
  readonly places: readonly number[];
}

interface Frame {
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  readonly codec: number;
  readonly pieces: { from: number; length: number; to: number }[];
}

interface Range {
  readonly url: string;
  readonly from: number;
  to: number;
  readonly frames: Frame[];
}

const gapBytesMax = 64 * 1024;
/** Sessions asked for one after another, when URLs run out. */
const sessionsMax = 3;

function refuse(why: string): never {
  throw new TidemarkError('malformed', `the server's answer to a download is not sound: ${why}`);
}

function checkColumns(session: DownloadSessionResponse, count: number): void {
  const { pack, frameOffset, frameStored, frameRaw, codec, offset, length } = session;
  for (const column of [pack, frameOffset, frameStored, frameRaw, codec, offset, length]) {
    if (column.length !== count) refuse('its columns are not as long as the request');
  }
}

/** Frames by pack, each once, with the chunks wanted from it. */
function groupFrames(session: DownloadSessionResponse, wanted: ChunksToFetch): Map<number, Map<number, Frame>> {
  const { pack, frameOffset, frameStored, frameRaw, codec, offset, length } = session;
  checkColumns(session, wanted.lengths.length);
  const byPack = new Map<number, Map<number, Frame>>();
  for (let i = 0; i < wanted.lengths.length; i++) {
    const rawLength = frameRaw[i]!;
    const storedLength = frameStored[i]!;
    if (pack[i]! >= session.packs.length) refuse('a pack that is not listed');
    if (rawLength < 1 || rawLength > limits.chunkBytesMax) refuse('a frame out of bounds');
    // A frame is compressed only where that saves something.
    if (storedLength < 1 || storedLength > rawLength) refuse('a frame longer than its content');
    if (frameOffset[i]! + storedLength > packBlobBytesMax) refuse('a frame outside its pack');
    if (length[i] !== wanted.lengths[i] || offset[i]! + length[i]! > rawLength) refuse('a chunk outside its frame');
    const frames = byPack.get(pack[i]!) ?? new Map<number, Frame>();
    byPack.set(pack[i]!, frames);
    let frame = frames.get(frameOffset[i]!);
    if (frame === undefined) {
      frame = { offset: frameOffset[i]!, storedLength, rawLength, codec: codec[i]!, pieces: [] };
      frames.set(frame.offset, frame);
    } else if (frame.storedLength !== storedLength || frame.rawLength !== rawLength || frame.codec !== codec[i]) {
      refuse('one frame in two ways');
    }
    frame.pieces.push({ from: offset[i]!, length: length[i]!, to: wanted.places[i]! });
  }
  return byPack;
}

function planRanges(session: DownloadSessionResponse, wanted: ChunksToFetch): Range[] {
  const ranges: Range[] = [];
  for (const [pack, frames] of groupFrames(session, wanted)) {
    const { url } = session.packs[pack]!;
    let range: Range | undefined;
    for (const frame of [...frames.values()].sort((a, b) => a.offset - b.offset)) {
      const end = frame.offset + frame.storedLength;
      const joins = range !== undefined && frame.offset - range.to <= gapBytesMax && end - range.from <= rangeBytesMax;
      if (range === undefined || !joins) {
        range = { url, from: frame.offset, to: end, frames: [] };
        ranges.push(range);
      }
      range.to = Math.max(range.to, end);
      range.frames.push(frame);
    }
  }
  return ranges;
}

/**
 * Fetches all chunks (at most `sessionChunksMax`) into the arena. They are not verified here: whoever writes them hashes them, and so
 * finds what did not decode too. Throws what the server and the network throw.
 */
export async function fetchChunks(
  setting: FetchSetting,
  wanted: ChunksToFetch,
  arena: SharedArrayBuffer,
  signal: AbortSignal,
): Promise<void> {
  if (columnLength(wanted.hashes) === 0) return;
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchBySession(setting, wanted, arena, signal);
    } catch (error) {
      // The storage refuses a URL that ran out while the line was slow: new ones help. What came by the old ones came well.
      if (!isTidemarkError(error, 'forbidden')) throw error;
      if (attempt < sessionsMax) continue;
      throw new TidemarkError('unavailable', 'the storage refused every download; its URLs may expire too soon', {
        cause: error,
      });
    }
  }
}

async function fetchBySession(
  setting: FetchSetting,
  wanted: ChunksToFetch,
  arena: SharedArrayBuffer,
  signal: AbortSignal,
): Promise<void> {
  const { api, buffers, workspaceId, count } = setting;
  signal.throwIfAborted();
  count.requests++;
  const session = await api.openDownloadSession({ workspaceId, hashes: wanted.hashes }, signal);
  await settleAll(
    planRanges(session, wanted).map((range) =>
      buffers.ranges.use(range.to - range.from, (lent) => fetchRange(setting, range, lent, arena, signal)),
    ),
  );
}

async function fetchRange(
  { blobs, executor, count }: FetchSetting,
  range: Range,
  lent: Lent<ArrayBuffer>,
  arena: SharedArrayBuffer,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  count.requests++;
  const fetched = await blobs.getRange(range.url, range.from, range.to, signal, new Uint8Array(lent.memory));
  count.bytesReceived += fetched.length;
  const isLent = fetched.buffer === lent.memory;
  const stored = isLent ? new Uint8Array(lent.memory) : fetched;
  const frames = range.frames.map(({ offset, storedLength, rawLength, codec, pieces }): FrameToDecode => ({
    at: offset - range.from,
    storedLength,
    rawLength,
    codec,
    pieces,
  }));
  const output = await executor.run('decodeFrames', { stored, frames, arena }, isLent ? [lent.memory] : []);
  if (isLent && output.stored.buffer instanceof ArrayBuffer) lent.memory = output.stored.buffer;
}
