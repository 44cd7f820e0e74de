import type { IncomingMessage, ServerResponse } from 'node:http';
import { uploadBytesMax } from '../../shared/adapters/blob-protocol/blob-request.ts';
import { type BlobRefusal, refusalHeaders, refusalToXml } from '../../shared/adapters/blob-protocol/refusal.ts';

/**
 * Reads what is left of a body and forgets it, so that a client that is still sending gets to read the answer and the
 * connection can be used again. False when the body is larger than any upload, or the client has gone.
 */
async function drain(request: IncomingMessage): Promise<boolean> {
  if (Number(request.headers['content-length'] ?? 0) > uploadBytesMax) return false;
  let bytes = 0;
  try {
    const pieces: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
    for await (const piece of pieces) {
      bytes += piece.length;
      if (bytes > uploadBytesMax) return false;
    }
  } catch {
    return false;
  }
  return true;
}

/** Answers with a refusal, after the body; closes the connection when the body was not worth reading. */
export async function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: BlobRefusal,
): Promise<void> {
  const reusable = request.complete || (await drain(request));
  const body = request.method === 'HEAD' ? '' : refusalToXml(refusal);
  response.writeHead(refusal.status, {
    ...refusalHeaders(refusal),
    ...(refusal.status === 503 ? { 'retry-after': '5' } : {}),
    ...(reusable ? {} : { connection: 'close' }),
    'content-length': String(Buffer.byteLength(body)),
  });
  response.end(body);
}
