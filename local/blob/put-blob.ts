import { type Hash, createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createdReply } from '../../shared/adapters/blob-protocol/blob-reply.ts';
import { type CreateBlob, uploadBytesMax } from '../../shared/adapters/blob-protocol/blob-request.ts';
import { type BlobRefusal, refusals } from '../../shared/adapters/blob-protocol/refusal.ts';
import type { BlobFiles } from '../../shared/adapters/disk/blob-files.ts';
import type { StagedFile } from '../../shared/adapters/disk/staging.ts';
import type { BlobProperties } from '../../shared/ports/blob-store.ts';
import type { BlobCreated } from '../events/blob-created.ts';
import { sendRefusal } from './send-refusal.ts';

export interface PutBlobDeps {
  readonly files: BlobFiles;
  readonly onCreated?: (created: BlobCreated) => void;
}

/**
 * Streams the body into the private file, and stops after `bytesMax`. Throws when the client goes away in the middle.
 * @returns how many bytes came, more than `bytesMax` if the rest was not read.
 */
export async function receive(
  request: IncomingMessage,
  staged: StagedFile,
  md5: Hash | undefined,
  bytesMax: number,
): Promise<number> {
  let bytes = 0;
  // The request outlives an error here, so that it can still be answered.
  const pieces: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > bytesMax) return bytes;
    md5?.update(piece);
    await staged.write(piece);
  }
  return bytes;
}

/** Receives and publishes; nothing stays behind unless the blob was created. */
async function storeBody(
  deps: PutBlobDeps,
  asked: CreateBlob,
  request: IncomingMessage,
): Promise<BlobProperties | BlobRefusal> {
  const staged = await deps.files.stage();
  try {
    const md5 = asked.contentMd5 === undefined ? undefined : createHash('md5');
    const bytes = await receive(request, staged, md5, uploadBytesMax);
    if (bytes > uploadBytesMax) return refusals.tooLarge;
    if (md5 !== undefined && md5.digest('base64') !== asked.contentMd5) return refusals.md5;
    return (await deps.files.publish(staged, asked.container, asked.name)) ?? refusals.exists;
  } finally {
    await staged.discard();
  }
}

/** Put Blob, create-only: 201 once the blob is durable, 409 when the name is taken. */
export async function putBlob(
  deps: PutBlobDeps,
  asked: CreateBlob,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (asked.lengthBytes === undefined) return sendRefusal(request, response, refusals.lengthMissing);
  if ((await deps.files.stat(asked.container, asked.name)) !== undefined) {
    await deps.files.flushName(asked.container, asked.name);
    return sendRefusal(request, response, refusals.exists);
  }
  const stored = await storeBody(deps, asked, request);
  if ('code' in stored) return sendRefusal(request, response, stored);
  deps.onCreated?.({ container: asked.container, name: asked.name, api: 'PutBlob', ...stored });
  const reply = createdReply(stored);
  response.writeHead(reply.status, reply.headers);
  response.end();
}
