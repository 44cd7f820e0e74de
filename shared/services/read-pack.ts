/** Reading one pack blob to its end and judging its bytes; nothing is recorded or moved here. */
import { TidemarkError, isTidemarkError } from '../core/errors.ts';
import type { Digest } from '../core/ids.ts';
import { type VerifiedPackContents, verifyPackStream } from '../core/pack/pack-reader.ts';
import type { BlobProperties, Container } from '../ports/blob-store.ts';
import type { Needs } from './dependencies.ts';

/** Of one incarnation, which `properties` name. */
export type PackReading =
  | { readonly kind: 'good'; readonly properties: BlobProperties; readonly contents: VerifiedPackContents }
  | { readonly kind: 'bad'; readonly properties: BlobProperties; readonly reason: string }
  | { readonly kind: 'missing' };

/** What bytes can be guilty of. Anything else is a failure of ours, and says nothing about the pack. */
const badBytes: ReadonlySet<string> = new Set(['corrupt', 'malformed', 'too-large', 'unsupported']);

/** Holds the pack in memory while it is judged. Throws what the store throws (`unavailable` and the like): nothing is decided then. */
export async function readPack(
  deps: Needs<'blobs' | 'codecs'>,
  container: Container,
  name: string,
  packId: Digest,
): Promise<PackReading> {
  const blob = await deps.blobs.open(container, name);
  if (blob === undefined) return { kind: 'missing' };
  const { properties } = blob;
  try {
    const contents = await verifyPackStream(wholeOrError(blob), properties.length, deps.codecs, packId);
    return { kind: 'good', properties, contents };
  } catch (error) {
    if (!isTidemarkError(error) || !badBytes.has(error.code)) throw error;
    return { kind: 'bad', properties, reason: error.message };
  }
}

/** The pieces of a blob. A stream that fails or ends early is a failed read (`unavailable`), whatever it calls itself, not a bad pack. */
async function* wholeOrError(blob: {
  readonly properties: BlobProperties;
  readonly pieces: AsyncIterable<Uint8Array>;
}): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const pieces = blob.pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pieces.next().catch((cause: unknown) => {
        throw new TidemarkError('unavailable', 'a blob could not be read', { cause });
      });
      if (next.done === true) break;
      bytes += next.value.length;
      yield next.value;
    }
  } finally {
    await pieces.return?.();
  }
  if (bytes < blob.properties.length) throw new TidemarkError('unavailable', 'a blob could not be read to its end');
}
