/**
 * Blobs by signed URL: the requests that move content. The URL is a secret for minutes: it appears in no error and no
 * log. Nothing that comes back is trusted: callers check every chunk against its hash.
 */
import { bytesToBase64url, hexToBytes, utf8 } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import type { Digest } from '../../shared/core/ids.ts';
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
  /**
   * Whether the host sends a stream as a body of a given length, as Node does and browsers do not: then what is sent is not copied
   * first, and the host need not hold it twice.
   */
  readonly streamsBodies?: boolean;
}

export interface BlobClient {
  /**
   * Creates the blob; 'exists' when its name is taken, which after a lost answer is our own earlier success. In at most so many
   * tries; by default as many as the policy of retries has.
   */
  putPack(url: string, bytes: Uint8Array, signal: AbortSignal, attempts?: number): Promise<'created' | 'exists'>;
  /** Stages one block under the id base64 of its hash. Repeating it changes nothing. */
  stageBlock(url: string, hash: Digest, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /**
   * Makes a blob of staged blocks, in this order. 'unknown-block' when one of them is not staged: after a lost answer it may have
   * been taken up by our own earlier success, which the state of the session tells.
   */
  commitBlocks(url: string, hashes: readonly Digest[], signal: AbortSignal): Promise<'created' | 'unknown-block'>;
  /** Bytes `from` (inclusive) to `to` (exclusive); exactly that many, or an error. In `into`, from its beginning, where it has room for them. */
  getRange(url: string, from: number, to: number, signal: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
}

/** Storage answers 403 to a URL that has expired; asking the API for a new one helps, repeating does not. */
export function isExpiredUrl(error: unknown): boolean {
  return error instanceof TidemarkError && (error.code === 'forbidden' || error.code === 'unauthenticated');
}

/** Azure's code in an answer that refuses; empty when there is none. */
function refusalCode(response: Response): string {
  return response.headers.get('x-ms-error-code') ?? '';
}

/** Azure's, and Azurite's. */
const overwriteCodes: ReadonlySet<string> = new Set(['UnauthorizedBlobOverwrite', 'AuthorizationPermissionMismatch']);

/** Storage says so in two ways: by the name, and, to a URL that may only create, by the permission that overwriting would need. */
function saysExists(response: Response): boolean {
  return response.status === 409 || (response.status === 403 && overwriteCodes.has(refusalCode(response)));
}

/** The id of a block on the wire: base64, which its URL needs escaped. */
function blockId(hash: Digest): string {
  const text = bytesToBase64url(hexToBytes(hash)).replaceAll('-', '+').replaceAll('_', '/');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/** What a stream hands on at once. */
const pieceBytes = 256 * 1024;

/** Views of the bytes, one after another as they are asked for. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream(
    {
      pull: (controller) => {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.subarray(at, at + pieceBytes));
        at += pieceBytes;
      },
    },
    { highWaterMark: 0 },
  );
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

  /** The part of a request that carries bytes. Small ones are as soon copied. */
  function withBody(bytes: Uint8Array, headers: Readonly<Record<string, string>>): RequestInit {
    const type = { 'content-type': 'application/octet-stream', ...headers };
    if (options.streamsBodies !== true || bytes.length <= pieceBytes) {
      return { method: 'PUT', headers: type, body: bytes as Uint8Array<ArrayBuffer> };
    }
    const length = { 'content-length': String(bytes.length) };
    return { method: 'PUT', headers: { ...type, ...length }, body: streamOf(bytes), duplex: 'half' };
  }

  async function putOnce(url: string, bytes: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'> {
    const response = await send(url, withBody(bytes, { 'x-ms-blob-type': 'BlockBlob' }), signal);
    options.onTraffic?.(bytes.length, 0);
    if (response.status === 201) {
      await response.arrayBuffer().catch(() => undefined);
      return 'created';
    }
    if (saysExists(response)) {
      await response.arrayBuffer().catch(() => undefined);
      return 'exists';
    }
    throw await responseToError(response, options.now());
  }

  async function stageOnce(url: string, hash: Digest, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const target = `${url}&comp=block&blockid=${encodeURIComponent(blockId(hash))}`;
    const response = await send(target, withBody(bytes, {}), signal);
    options.onTraffic?.(bytes.length, 0);
    if (response.status !== 201) throw await responseToError(response, options.now());
    await response.arrayBuffer().catch(() => undefined);
  }

  async function commitOnce(
    url: string,
    hashes: readonly Digest[],
    signal: AbortSignal,
  ): Promise<'created' | 'unknown-block'> {
    const list = hashes.map((hash) => `<Latest>${blockId(hash)}</Latest>`).join('');
    const body = utf8(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`);
    const headers = { 'content-type': 'application/xml' };
    const target = `${url}&comp=blocklist`;
    const response = await send(target, { method: 'PUT', headers, body: body as Uint8Array<ArrayBuffer> }, signal);
    options.onTraffic?.(body.length, 0);
    const unknown = response.status === 400 && refusalCode(response) === 'InvalidBlockList';
    if (response.status !== 201 && !unknown) throw await responseToError(response, options.now());
    await response.arrayBuffer().catch(() => undefined);
    return unknown ? 'unknown-block' : 'created';
  }

  async function getOnce(
    url: string,
    from: number,
    to: number,
    signal: AbortSignal,
    into?: Uint8Array,
  ): Promise<Uint8Array> {
    const response = await send(url, { method: 'GET', headers: { range: `bytes=${from}-${to - 1}` } }, signal);
    if (!response.ok) throw await responseToError(response, options.now());
    if ((response.headers.get('content-type') ?? '').startsWith('text/html')) {
      await response.arrayBuffer().catch(() => undefined);
      throw new TidemarkError('unavailable', 'what answered is not the storage; check for a portal that wants a login');
    }
    const bytes = await readBounded(response, response.status === 206 ? to - from : to, signal, into);
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
    putPack: (url, bytes, signal, attempts = policy.attempts) =>
      withRetry({ ...policy, attempts }, options.waiter, signal, () => putOnce(url, bytes, signal)),
    stageBlock: (url, hash, bytes, signal) =>
      withRetry(policy, options.waiter, signal, () => stageOnce(url, hash, bytes, signal)),
    commitBlocks: (url, hashes, signal) =>
      withRetry(policy, options.waiter, signal, () => commitOnce(url, hashes, signal)),
    getRange: (url, from, to, signal, into) =>
      withRetry(policy, options.waiter, signal, () => getOnce(url, from, to, signal, into)),
  };
}
