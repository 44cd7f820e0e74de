/**
 * Windows: runs of unique chunks, in file order, that are negotiated at once. Columns by chunk, since a window can hold
 * 16,384 of them.
 *
 * Worked example, windows of at most 4 chunks: files p = [a b c], q = [b d e] give [a b c d] and [e]; b is listed once, from p.
 */
import { bytesToHex, hexToBytes } from '../../../shared/core/bytes.ts';
import {
  type Digest,
  type DigestColumn,
  digestBytes,
  parseDigest,
  parseDigestColumn,
} from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { Upload } from '../ports.ts';

export interface UploadWindow {
  readonly hashes: DigestColumn;
  readonly digests: readonly Digest[];
  readonly lengths: readonly number[];
  /** Where each chunk is to be read: a place in the list of files, and the offset in bytes. */
  readonly fileOf: readonly number[];
  readonly offsets: readonly number[];
}

class WindowBuilder {
  readonly digests: Digest[] = [];
  readonly lengths: number[] = [];
  readonly fileOf: number[] = [];
  readonly offsets: number[] = [];
  readonly #seen = new Set<Digest>();
  #bytes = 0;

  has(digest: Digest): boolean {
    return this.#seen.has(digest);
  }

  hasRoomFor(length: number): boolean {
    return this.digests.length < limits.sessionChunksMax && this.#bytes + length <= limits.uploadWindowBytes;
  }

  add(digest: Digest, length: number, file: number, offset: number): void {
    this.#seen.add(digest);
    this.#bytes += length;
    this.digests.push(digest);
    this.lengths.push(length);
    this.fileOf.push(file);
    this.offsets.push(offset);
  }

  build(): UploadWindow {
    const hashes = new Uint8Array(this.digests.length * digestBytes);
    for (const [i, digest] of this.digests.entries()) hashes.set(hexToBytes(digest), i * digestBytes);
    const { digests, lengths, fileOf, offsets } = this;
    return { hashes: parseDigestColumn(hashes), digests, lengths, fileOf, offsets };
  }
}

function* chunksOf({ content, size, chunks }: Upload): Generator<readonly [Digest, length: number, offset: number]> {
  if (size === 0) return;
  if (chunks === null) {
    yield [content, size, 0];
    return;
  }
  let offset = 0;
  for (let i = 0; i < chunks.lengths.length; i++) {
    const length = chunks.lengths[i]!;
    yield [parseDigest(bytesToHex(chunks.hashes.subarray(i * digestBytes, (i + 1) * digestBytes))), length, offset];
    offset += length;
  }
}

/** Windows over the chunks that `isWanted`, each in the first place it is seen in a window. Lazy, so that wants may change meanwhile. */
export function* planWindows(
  files: readonly Upload[],
  isWanted: (digest: Digest, file: number) => boolean,
): Generator<UploadWindow, void> {
  let window = new WindowBuilder();
  for (const [i, file] of files.entries()) {
    for (const [digest, length, offset] of chunksOf(file)) {
      if (window.has(digest) || !isWanted(digest, i)) continue;
      if (!window.hasRoomFor(length)) {
        yield window.build();
        window = new WindowBuilder();
      }
      window.add(digest, length, i, offset);
    }
  }
  if (window.digests.length > 0) yield window.build();
}
