/** The bytes of a blob, as they come: what is not asked for yet waits in the socket. */
import type { BlockBlobClient } from '@azure/storage-blob';
import { concatBytes } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import type { BlobProperties } from '../../ports/blob-store.ts';
import { isStorageStatus, toStorageError } from '../azure-storage/storage-error.ts';

/** A body that breaks off is asked for again from where it broke, of the same incarnation. */
const maxRetryRequests = 3;

function bodyOf(answer: { readonly readableStreamBody?: NodeJS.ReadableStream }): AsyncIterable<Uint8Array> {
  const body = answer.readableStreamBody;
  if (body === undefined) throw new TidemarkError('internal', 'the storage library gave no body');
  return body as AsyncIterable<unknown> as AsyncIterable<Uint8Array>;
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return concatBytes(...all);
}

/** Bytes `from` to `to`, clipped to the blob. Throws what the SDK throws, also when there is no such blob. */
export async function readRange(
  blob: BlockBlobClient,
  range?: { readonly from: number; readonly to: number },
): Promise<Uint8Array> {
  const from = Math.max(0, range?.from ?? 0);
  const count = range === undefined || range.to === Infinity ? undefined : range.to - from;
  if (count !== undefined && count <= 0) {
    await blob.getProperties();
    return new Uint8Array(0);
  }
  try {
    return await collect(bodyOf(await blob.download(from, count, { maxRetryRequests })));
  } catch (error) {
    // The blob is there and ends before `from`.
    if (isStorageStatus(error, 416)) return new Uint8Array(0);
    throw error;
  }
}

/** The pieces of one incarnation. Asked for when the first is: an answer that nobody reads holds no connection. */
export async function* streamBlob(blob: BlockBlobClient, properties: BlobProperties): AsyncGenerator<Uint8Array> {
  if (properties.length === 0) return;
  try {
    const conditions = { ifMatch: `"${properties.etag}"` };
    const answer = await blob.download(0, undefined, { conditions, maxRetryRequests });
    yield* bodyOf(answer);
  } catch (error) {
    if (isStorageStatus(error, 404, 412)) {
      throw new TidemarkError('not-found', 'the blob was moved or deleted before it was read');
    }
    throw toStorageError(error);
  }
}
