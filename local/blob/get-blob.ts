import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { readReply } from '../../shared/adapters/blob-protocol/blob-reply.ts';
import type { ReadBlob } from '../../shared/adapters/blob-protocol/blob-request.ts';
import { refusals } from '../../shared/adapters/blob-protocol/refusal.ts';
import type { BlobFiles } from '../../shared/adapters/disk/blob-files.ts';
import { sendRefusal } from './send-refusal.ts';

/** Bytes of one read from disk. */
const pieceBytes = 256 * 1024;

/** Get Blob and Get Blob Properties: 200, 206 for a range, 304, or a refusal. One incarnation from start to end. */
export async function getBlob(
  files: BlobFiles,
  asked: ReadBlob,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = await files.openBlob(asked.container, asked.name);
  if (file === undefined) return sendRefusal(request, response, refusals.absent);
  try {
    const reply = readReply(asked, file.properties);
    if ('code' in reply) return await sendRefusal(request, response, reply);
    response.writeHead(reply.status, reply.headers);
    if (!asked.withBody || reply.from === reply.to) {
      response.end();
      return;
    }
    const span = { start: reply.from, end: reply.to - 1, highWaterMark: pieceBytes, autoClose: false };
    await pipeline(file.handle.createReadStream(span), response);
  } finally {
    await file.handle.close();
  }
}
