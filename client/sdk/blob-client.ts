/**
 * Blobs by signed URL: the two requests that move content. The URL is a secret for minutes: it appears in no error and no
 * log. Nothing that comes back is trusted: callers check every chunk against its hash.
 */
import { TidemarkError } from '../../shared/core/errors.ts';
import { readBounded } from './body.ts';
import { failureToError, responseToError } from './problem.ts';
import { type RetryPolicy, type Waiter, defaultRetryPolicy, withRetry } from './retry.ts';
import type { Transport } from './transport.ts';

export interface BlobClientOptions {
  readonly transport: Transport;
  readonly waiter: Waiter;
  readonly now: () => number;
  readonly retry?: RetryPolicy;
  readonly onTraffic?: (sent: number, received: number) => void;
}

export interface BlobClient {
  /** Creates the blob; 'exists' when its name is taken, which after a lost answer is our own earlier success. */
  putPack(url: string, bytes: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'>;
  /** Bytes `from` (inclusive) to `to` (exclusive); exactly that many, or an error. */
  getRange(url: string, from: number, to: number, signal: AbortSignal): Promise<Uint8Array>;
}

/** Storage answers 403 to a URL that has expired; asking the API for a new one helps, repeating does not. */
export function isExpiredUrl(error: unknown): boolean {
  return error instanceof TidemarkError && (error.code === 'forbidden' || error.code === 'unauthenticated');
}

export function createBlobClient(options: BlobClientOptions): BlobClient {
  const policy = options.retry ?? defaultRetryPolicy;

  async function send(url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    try {
      return await options.transport(new Request(url, { ...init, signal }));
    } catch (cause) {
      throw failureToError(cause, signal);
    }
  }

  async function putOnce(url: string, bytes: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'> {
    const response = await send(
      url,
      {
        method: 'PUT',
        headers: { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/octet-stream' },
        body: bytes as Uint8Array<ArrayBuffer>,
      },
      signal,
    );
    options.onTraffic?.(bytes.length, 0);
    if (response.status === 201) {
      await response.arrayBuffer().catch(() => undefined);
      return 'created';
    }
    if (response.status === 409) {
      await response.arrayBuffer().catch(() => undefined);
      return 'exists';
    }
    throw await responseToError(response, options.now());
  }

  async function getOnce(url: string, from: number, to: number, signal: AbortSignal): Promise<Uint8Array> {
    const response = await send(url, { method: 'GET', headers: { range: `bytes=${from}-${to - 1}` } }, signal);
    if (!response.ok) throw await responseToError(response, options.now());
    if ((response.headers.get('content-type') ?? '').startsWith('text/html')) {
      await response.arrayBuffer().catch(() => undefined);
      throw new TidemarkError('unavailable', 'what answered is not the storage; check for a portal that wants a login');
    }
    const bytes = await readBounded(response, response.status === 206 ? to - from : to, signal);
    options.onTraffic?.(0, bytes.length);
    const wanted = response.status === 206 ? bytes : bytes.subarray(from, to);
    if (wanted.length !== to - from) {
      throw new TidemarkError('unavailable', 'the storage sent another number of bytes than was asked for', {
        data: { asked: to - from, got: wanted.length },
      });
    }
    return wanted;
  }

  return {
    putPack: (url, bytes, signal) => withRetry(policy, options.waiter, signal, () => putOnce(url, bytes, signal)),
    getRange: (url, from, to, signal) =>
      withRetry(policy, options.waiter, signal, () => getOnce(url, from, to, signal)),
  };
}
