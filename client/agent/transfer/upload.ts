/**
 * Upload: windows of at most 64 MiB are negotiated; the server says which chunks it lacks and which packs to build of them;
 * workers read the chunks again, verify and pack them; packs are sent, a few at a time. The next window is negotiated and
 * packed while this one is being sent.
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
import type { PackChunksInput } from './pack-chunks.ts';
import type { TransferSetting } from './services.ts';
import { Slots, settleAll } from './slots.ts';
import { type UploadWindow, planWindows } from './upload-window.ts';

/** Packs being built or sent: three of 16 MiB keep a fast line busy; each is held up to three times on its way. */
const packsUnderWayMax = 6;
const bytesUnderWayMax = 48 * 1024 * 1024;
/** Windows negotiated and not done with. */
const windowsUnderWayMax = 2;
/** Digests remembered as being on the server; beyond it they are asked about again, which costs a little and harms nothing. */
const settledMax = 262_144;

class UploadRun {
  readonly #setting: TransferSetting;
  readonly #files: readonly Upload[];
  readonly #proven: (content: Digest) => boolean;
  readonly #signal: AbortSignal;
  readonly #slots = new Slots(packsUnderWayMax, bytesUnderWayMax);
  readonly #sessions: SessionId[] = [];
  /** Places of files that changed. */
  readonly #changed = new Set<number>();
  readonly #settled = new Set<Digest>();
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
    for (const [i, digest] of window.digests.entries()) if (!missing.has(i)) this.#settle(digest);
    await settleAll(
      session.packs.map((pack) => {
        const places = session.missing.slice(pack.first, pack.first + pack.count);
        const bytes = places.reduce((sum, place) => sum + window.lengths[place]!, 0);
        return this.#slots.run(bytes, () => this.#sendPack(window, pack, places));
      }),
    );
  }

  async #sendPack(window: UploadWindow, pack: PlannedPack, places: readonly number[]): Promise<void> {
    const { executor, blobs, count, root } = this.#setting;
    this.#signal.throwIfAborted();
    const { input, files } = toPackInput(root, this.#files, window, places);
    const built = await executor.run('packChunks', input);
    if (built.packId === null) {
      for (const i of built.changed) this.#changed.add(files[i]!);
      return this.#lose(window, places);
    }
    if (built.packId !== pack.packId) {
      throw new TidemarkError('malformed', 'the server planned a pack that its chunks do not make', {
        data: { planned: pack.packId, built: built.packId },
      });
    }
    this.#signal.throwIfAborted();
    try {
      count.requests++;
      await blobs.putPack(pack.url, built.bytes, this.#signal);
    } catch (error) {
      if (!isTidemarkError(error, 'forbidden')) throw error;
      return this.#lose(window, places);
    }
    count.bytesSent += built.bytes.length;
    for (const place of places) this.#settle(window.digests[place]!);
  }

  #lose(window: UploadWindow, places: readonly number[]): void {
    for (const place of places) this.#lost.add(window.digests[place]!);
  }

  #settle(digest: Digest): void {
    if (this.#settled.size >= settledMax) this.#settled.clear();
    this.#settled.add(digest);
  }
}

/** The chunks of a pack, with the files they are in. */
function toPackInput(
  root: string,
  uploads: readonly Upload[],
  window: UploadWindow,
  places: readonly number[],
): { readonly input: PackChunksInput; readonly files: readonly number[] } {
  const files = [...new Set(places.map((place) => window.fileOf[place]!))];
  const placeOfFile = new Map(files.map((file, i) => [file, i]));
  const hashes = new Uint8Array(places.length * digestBytes);
  for (const [i, place] of places.entries()) {
    hashes.set(window.hashes.subarray(place * digestBytes, (place + 1) * digestBytes), i * digestBytes);
  }
  const input: PackChunksInput = {
    root,
    paths: files.map((file) => uploads[file]!.path),
    fileOf: Uint32Array.from(places, (place) => placeOfFile.get(window.fileOf[place]!)!),
    offsets: Float64Array.from(places, (place) => window.offsets[place]!),
    lengths: Uint32Array.from(places, (place) => window.lengths[place]!),
    hashes,
  };
  return { input, files };
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
  return new UploadRun(setting, files, proven, signal).run();
}
