/**
 * Upload: windows of at most 64 MiB are negotiated; the server says which chunks it lacks and which packs to build of them;
 * workers read the chunks again, verify and pack them; packs are sent, a few at a time. The next window is negotiated and
 * packed while this one is being sent.
 *
 * A pack goes as one PUT. When that fails on its way, a pack of several megabytes goes in blocks instead (staged-upload.ts), so that
 * what got through is not sent again.
 *
 * A file that does not hold its chunks any more is given up whole; what was to be read from it and is also in another file
 * is asked for again in another round, as is what could not be sent because its URL had expired. Every round but the last gives
 * up a file or gets chunks through, so there is an end.
 */
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import type { Digest, SessionId } from '../../../shared/core/ids.ts';
import { digestBytes } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { PlannedPack, UploadSessionResponse } from '../../../shared/core/wire/upload-session.ts';
import type { Upload, UploadResult } from '../ports.ts';
import type { Lent } from './buffers.ts';
import { type PackChunksInput, packBytesAtMost } from './pack-chunks.ts';
import { MovedBytes } from './moved-bytes.ts';
import type { TransferSetting } from './services.ts';
import { SentShare } from './sent-share.ts';
import { settleAll } from './settle-all.ts';
import { blockBytes, uploadStaged } from './staged-upload.ts';
import { type UploadWindow, planWindows } from './upload-window.ts';

/** Windows negotiated and not done with. */
const windowsUnderWayMax = 2;
/** Digests remembered as being on the server; beyond it they are asked about again, which costs a little and harms nothing. */
const settledMax = 262_144;

/** A pack that the server planned: the places of its chunks in the window, and the memory to build it in. */
interface PackToSend {
  readonly pack: PlannedPack;
  readonly places: readonly number[];
  readonly lent: Lent<ArrayBuffer>;
}

class UploadRun {
  readonly #setting: TransferSetting;
  readonly #files: readonly Upload[];
  readonly #proven: (content: Digest) => boolean;
  readonly #signal: AbortSignal;
  readonly #sessions: SessionId[] = [];
  /** Places of files that changed. */
  readonly #changed = new Set<number>();
  readonly #settled = new Set<Digest>();
  readonly #moved: MovedBytes;
  /** Chunks that are to be tried again; null in the first round, which takes all. */
  #wanted: Set<Digest> | null = null;
  #lost = new Set<Digest>();

  constructor(
    setting: TransferSetting,
    files: readonly Upload[],
    proven: (content: Digest) => boolean,
    signal: AbortSignal,
  ) {
    this.#setting = setting;
    this.#files = files;
    this.#moved = new MovedBytes(files, setting.progress);
    this.#proven = proven;
    this.#signal = signal;
  }

  async run(): Promise<UploadResult> {
    for (let isFirst = true; isFirst || this.#lost.size > 0; isFirst = false) {
      this.#wanted = isFirst ? null : this.#lost;
      this.#lost = new Set();
      const before = this.#changed.size + this.#setting.count.bytesSent;
      await this.#round();
      if (this.#lost.size > 0 && this.#changed.size + this.#setting.count.bytesSent === before) {
        throw new TidemarkError('unavailable', 'the storage refused every pack; its URLs may expire too soon');
      }
    }
    return { sessions: this.#sessions, changed: this.#changedContents() };
  }

  /** Two files may have one content, and one of them still hold it: then the content was sent. */
  #changedContents(): ReadonlySet<Digest> {
    const changed = new Set<Digest>();
    for (const i of this.#changed) changed.add(this.#files[i]!.content);
    for (const [i, file] of this.#files.entries()) if (!this.#changed.has(i)) changed.delete(file.content);
    return changed;
  }

  async #round(): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const failures: unknown[] = [];
    for (const window of planWindows(this.#files, (digest, file) => this.#isWanted(digest, file))) {
      while (underWay.size >= windowsUnderWayMax) await Promise.race(underWay);
      if (failures.length > 0) break;
      const sent: Promise<void> = this.#sendWindow(window)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => underWay.delete(sent));
      underWay.add(sent);
    }
    await Promise.all(underWay);
    if (failures.length > 0) throw failures[0];
  }

  #isWanted(digest: Digest, file: number): boolean {
    if (this.#changed.has(file)) return false;
    if (this.#wanted !== null) return this.#wanted.has(digest) && !this.#settled.has(digest);
    if (!this.#settled.has(digest) && !this.#proven(digest)) return true;
    this.#setting.count.chunksReused++;
    return false;
  }

  async #sendWindow(window: UploadWindow): Promise<void> {
    const { api, workspaceId, deviceId, count } = this.#setting;
    this.#signal.throwIfAborted();
    count.requests++;
    const { hashes, lengths } = window;
    const session = await api.openUploadSession({ workspaceId, deviceId, hashes, lengths }, this.#signal);
    checkPlan(session, window);
    this.#sessions.push(session.sessionId);
    count.chunksNew += session.missing.length;
    count.chunksReused += window.digests.length - session.missing.length;
    const missing = new Set(session.missing);
    for (const i of window.digests.keys()) if (!missing.has(i)) this.#settle(window, i);
    const bytesMissing = session.missing.reduce((sum, place) => sum + window.lengths[place]!, 0);
    const sent = new SentShare(session.sessionId, bytesMissing, this.#setting.sessionProgress);
    await settleAll(
      session.packs.map((pack) => {
        const places = session.missing.slice(pack.first, pack.first + pack.count);
        const bytes = places.reduce((sum, place) => sum + window.lengths[place]!, 0);
        return this.#setting.buffers.packs.use(packBytesAtMost(places.length, bytes), async (lent) => {
          if (await this.#sendPack(window, session.sessionId, { pack, places, lent })) sent.add(bytes);
        });
      }),
    );
  }

  /** Whether the server has it. */
  async #sendPack(window: UploadWindow, sessionId: SessionId, { pack, places, lent }: PackToSend): Promise<boolean> {
    const { executor, root } = this.#setting;
    this.#signal.throwIfAborted();
    const { columns, files } = toPackColumns(root, this.#files, window, places);
    const input = { ...columns, into: new Uint8Array(lent.memory) };
    const built = await executor.run('packChunks', input, [lent.memory]);
    lent.memory = built.into.buffer;
    if (built.packId === null) {
      for (const i of built.changed) this.#changed.add(files[i]!);
      this.#lose(window, places);
      return false;
    }
    if (built.packId !== pack.packId) {
      throw new TidemarkError('malformed', 'the server planned a pack that its chunks do not make', {
        data: { planned: pack.packId, built: built.packId },
      });
    }
    this.#signal.throwIfAborted();
    const isSent = (await this.#putPack(sessionId, pack, built.into.subarray(0, built.length))) === 'sent';
    if (!isSent) this.#lose(window, places);
    else for (const place of places) this.#settle(window, place);
    return isSent;
  }

  /** 'forgotten' when its URL has expired, or the server knows the session no more: to be planned anew. */
  async #putPack(sessionId: SessionId, { packId, url }: PlannedPack, bytes: Uint8Array): Promise<'sent' | 'forgotten'> {
    const { blobs, count } = this.#setting;
    // A block is as soon sent again as a pack of its size.
    const inBlocks = bytes.length > blockBytes;
    try {
      count.requests++;
      await (inBlocks ? blobs.putPack(url, bytes, this.#signal, 1) : blobs.putPack(url, bytes, this.#signal));
      count.bytesSent += bytes.length;
      return 'sent';
    } catch (error) {
      if (isTidemarkError(error, 'forbidden')) return 'forgotten';
      if (!inBlocks || !isTidemarkError(error) || !error.retryable) throw error;
    }
    try {
      await uploadStaged({ setting: this.#setting, sessionId, packId, signal: this.#signal }, bytes);
      return 'sent';
    } catch (error) {
      if (isTidemarkError(error, 'not-found')) return 'forgotten';
      throw error;
    }
  }

  #lose(window: UploadWindow, places: readonly number[]): void {
    for (const place of places) this.#lost.add(window.digests[place]!);
  }

  #settle(window: UploadWindow, place: number): void {
    if (this.#settled.size >= settledMax) this.#settled.clear();
    this.#settled.add(window.digests[place]!);
    this.#moved.add(window.fileOf[place]!, window.lengths[place]!);
  }
}

/** The chunks of a pack, with the files they are in. */
function toPackColumns(
  root: string,
  uploads: readonly Upload[],
  window: UploadWindow,
  places: readonly number[],
): { readonly columns: Omit<PackChunksInput, 'into'>; readonly files: readonly number[] } {
  const files = [...new Set(places.map((place) => window.fileOf[place]!))];
  const placeOfFile = new Map(files.map((file, i) => [file, i]));
  const hashes = new Uint8Array(places.length * digestBytes);
  for (const [i, place] of places.entries()) {
    hashes.set(window.hashes.subarray(place * digestBytes, (place + 1) * digestBytes), i * digestBytes);
  }
  const columns = {
    root,
    paths: files.map((file) => uploads[file]!.path),
    fileOf: Uint32Array.from(places, (place) => placeOfFile.get(window.fileOf[place]!)!),
    offsets: Float64Array.from(places, (place) => window.offsets[place]!),
    lengths: Uint32Array.from(places, (place) => window.lengths[place]!),
    hashes,
  };
  return { columns, files };
}

/** Throws `malformed` unless the packs are made of all missing chunks, each once and within the limits. */
function checkPlan({ missing, packs }: UploadSessionResponse, window: UploadWindow): void {
  const refuse = (why: string): never => {
    throw new TidemarkError('malformed', `the server's plan for an upload is not sound: ${why}`);
  };
  for (let i = 0; i < missing.length; i++) {
    if (missing[i]! >= window.digests.length || (i > 0 && missing[i]! <= missing[i - 1]!)) refuse('unknown chunks');
  }
  const taken = new Uint8Array(missing.length);
  for (const { first, count } of packs) {
    if (first + count > missing.length) refuse('a pack of chunks that are not missing');
    let bytes = 0;
    for (let i = first; i < first + count; i++) {
      if (taken[i]! !== 0) refuse('a chunk in two packs');
      taken[i] = 1;
      bytes += window.lengths[missing[i]!]!;
    }
    if (bytes > limits.packPlainBytesMax) refuse('a pack over the limit');
  }
  if (taken.includes(0)) refuse('a missing chunk in no pack');
}

/** See `Transfer.upload`. Throws what the server or the network throws when it does not get through; what was sent by then stays sent. */
export function uploadFiles(
  setting: TransferSetting,
  files: readonly Upload[],
  proven: (content: Digest) => boolean,
  signal: AbortSignal,
): Promise<UploadResult> {
  setting.buffers.ranges.drop();
  setting.buffers.arenas.drop();
  return new UploadRun(setting, files, proven, signal).run();
}
