/**
 * Windows of a download: parts of files in order, with the chunks to fetch for them. A large file is written in several parts;
 * what must be fetched for a window fits in one arena and one download session.
 */
import { bytesToHex } from '../../../shared/core/bytes.ts';
import { digestBytes, parseDigestColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { ChunkList } from '../../../shared/core/manifest/manifest.ts';
import { arenaBytesMax } from './buffers.ts';
import type { ChunksToFetch } from './fetch-chunks.ts';
import type { LocalChunks } from './local-chunks.ts';

/** A file to be written, with its chunk list. */
export interface FileToWrite {
  /** Place in the caller's list. */
  readonly job: number;
  readonly chunks: ChunkList;
}

export interface WindowPart {
  readonly job: number;
  /** Chunks [from, to) of the file; `position` is where they begin in it, in bytes. */
  readonly from: number;
  readonly to: number;
  readonly position: number;
  readonly isLast: boolean;
  /** First chunk of the part in the window's columns. */
  readonly first: number;
}

export interface DownloadWindow {
  readonly parts: readonly WindowPart[];
  /** Columns over all chunks of all parts, as `writeFiles` takes them. */
  readonly hashes: Uint8Array;
  readonly lengths: Uint32Array;
  readonly source: Int32Array;
  readonly at: Float64Array;
  readonly sources: readonly string[];
  readonly fetch: ChunksToFetch;
  readonly arenaBytes: number;
  readonly bytes: number;
}

/** Everything written in one window, local copies included: keeps tasks short. */
const windowBytesMax = 128 * 1024 * 1024;
const windowChunksMax = 65_536;

class Builder {
  readonly parts: WindowPart[] = [];
  readonly #hashes: Uint8Array[] = [];
  readonly #lengths: number[] = [];
  readonly #source: number[] = [];
  readonly #at: number[] = [];
  readonly #sources = new Map<string, number>();
  readonly #fetched = new Map<string, number>();
  readonly #fetchHashes: Uint8Array[] = [];
  readonly #fetchLengths: number[] = [];
  readonly #fetchPlaces: number[] = [];
  #arenaBytes = 0;
  #bytes = 0;

  get chunks(): number {
    return this.#lengths.length;
  }

  /** Whether one more chunk fits, fetched if it must be. */
  hasRoomFor(key: string, length: number, isLocal: boolean): boolean {
    if (this.chunks === 0) return true;
    if (this.#bytes + length > windowBytesMax || this.chunks >= windowChunksMax) return false;
    if (isLocal || this.#fetched.has(key)) return true;
    return this.#arenaBytes + length <= arenaBytesMax && this.#fetchLengths.length < limits.sessionChunksMax;
  }

  add(hash: Uint8Array, key: string, length: number, local: { path: string; offset: number } | undefined): void {
    this.#hashes.push(hash);
    this.#lengths.push(length);
    this.#bytes += length;
    if (local === undefined) {
      this.#source.push(-1);
      this.#at.push(this.#placeOf(hash, key, length));
      return;
    }
    let source = this.#sources.get(local.path);
    if (source === undefined) this.#sources.set(local.path, (source = this.#sources.size));
    this.#source.push(source);
    this.#at.push(local.offset);
  }

  build(): DownloadWindow {
    return {
      parts: this.parts,
      hashes: joined(this.#hashes),
      lengths: Uint32Array.from(this.#lengths),
      source: Int32Array.from(this.#source),
      at: Float64Array.from(this.#at),
      sources: [...this.#sources.keys()],
      fetch: {
        hashes: parseDigestColumn(joined(this.#fetchHashes)),
        lengths: this.#fetchLengths,
        places: this.#fetchPlaces,
      },
      arenaBytes: this.#arenaBytes,
      bytes: this.#bytes,
    };
  }

  /** A chunk that several files need is fetched once. */
  #placeOf(hash: Uint8Array, key: string, length: number): number {
    const known = this.#fetched.get(key);
    if (known !== undefined) return known;
    const place = this.#arenaBytes;
    this.#fetched.set(key, place);
    this.#fetchHashes.push(hash);
    this.#fetchLengths.push(length);
    this.#fetchPlaces.push(place);
    this.#arenaBytes += length;
    return place;
  }
}

function joined(hashes: readonly Uint8Array[]): Uint8Array {
  const column = new Uint8Array(hashes.length * digestBytes);
  for (const [i, hash] of hashes.entries()) column.set(hash, i * digestBytes);
  return column;
}

/** Lazy: what is local is looked up when a window is built, and a file that `isGivenUp` meanwhile is not gone on with. */
export function* planDownloadWindows(
  files: readonly FileToWrite[],
  local: LocalChunks,
  isGivenUp: (job: number) => boolean,
): Generator<DownloadWindow, void> {
  let window = new Builder();
  for (const { job, chunks } of files) {
    const total = chunks.lengths.length;
    let part = { from: 0, first: window.chunks, position: 0 };
    let position = 0;
    for (let i = 0; i < total; i++) {
      const hash = chunks.hashes.subarray(i * digestBytes, (i + 1) * digestBytes);
      const key = bytesToHex(hash);
      const length = chunks.lengths[i]!;
      const place = local.find(key);
      if (!window.hasRoomFor(key, length, place !== undefined)) {
        if (i > part.from) window.parts.push({ job, ...part, to: i, isLast: false });
        yield window.build();
        window = new Builder();
        part = { from: i, first: 0, position };
        if (isGivenUp(job)) break;
      }
      window.add(hash, key, length, place);
      position += length;
    }
    if (!isGivenUp(job)) window.parts.push({ job, ...part, to: total, isLast: true });
  }
  if (window.parts.length > 0) yield window.build();
}
