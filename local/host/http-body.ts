/** Request bodies with a bound, and responses that wait for a slow reader. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ReadableStream } from 'node:stream/web';
import { TidemarkError } from '../../shared/core/errors.ts';

/** Whether the request says up front that its body is over the limit. */
export function declaresTooLarge(request: IncomingMessage, bytesMax: number): boolean {
  return Number(request.headers['content-length'] ?? 0) > bytesMax;
}

/**
 * The body's pieces as they arrive. The connection outlives a reader that stops early, so that an answer can be sent.
 * @throws TidemarkError `too-large` after `bytesMax` bytes, having called `onTooLarge`.
 */
export async function* readBounded(
  request: IncomingMessage,
  bytesMax: number,
  onTooLarge: () => void = () => undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    if (!(piece instanceof Uint8Array)) throw new TidemarkError('internal', 'A request body was read as text.');
    bytes += piece.byteLength;
    if (bytes > bytesMax) {
      onTooLarge();
      throw new TidemarkError('too-large', `The request body is over ${bytesMax} bytes.`, { data: { bytesMax } });
    }
    yield piece;
  }
}

/** The whole body. @throws TidemarkError `too-large`. */
export async function readWhole(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readBounded(request, bytesMax)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * A stream of the same bytes that asks for the next piece only once the response's buffer has drained. The library
 * writes pieces as fast as it gets them, so without this a fast handler and a slow reader would fill memory. When the
 * reader is gone the source is cancelled.
 */
export function paceBody(body: ReadableStream<Uint8Array>, response: ServerResponse): ReadableStream<Uint8Array> {
  return ReadableStream.from(pacedPieces(body, response));
}

async function* pacedPieces(
  body: ReadableStream<Uint8Array>,
  response: ServerResponse,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  response.once('close', cancel);
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      yield next.value;
      if (response.writableNeedDrain) await drained(response);
    }
  } finally {
    response.off('close', cancel);
    cancel();
  }
}

async function drained(response: ServerResponse): Promise<void> {
  const abort = new AbortController();
  const { signal } = abort;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    abort.abort();
  }
}
