/**
 * Limits of bandwidth: a token bucket for each direction, shared by all requests of a process. Bodies go and come in small pieces, each of
 * which waits for its tokens, so that the line is used evenly and not in bursts of a pack.
 *
 * The bucket is kept as the time at which it would be full again (ATM Forum's generic cell rate algorithm): no timer refills it.
 * Not limited: headers, TLS, the system's buffers (some hundred kilobytes of a download may be under way before the limit holds it up).
 */
import type { Transport } from './transport.ts';

/** Bytes a second; null for no limit. */
export type Rate = number | null;

export interface BandwidthClock {
  /** Milliseconds since 1970: rates depend on the time of day. */
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What may come at once after a pause, in milliseconds of the rate. */
const burstMs = 250;
const pieceBytesMax = 16 * 1024;
const pieceBytesMin = 256;
/** Pieces a second at low rates. */
const piecesPerSecond = 8;

export class TokenBucket {
  readonly #rateAt: (nowMs: number) => Rate;
  readonly #clock: BandwidthClock;
  /** When everything that was let through so far has been paid for. */
  #paidAt = -Infinity;

  constructor(rateAt: (nowMs: number) => Rate, clock: BandwidthClock) {
    this.#rateAt = rateAt;
    this.#clock = clock;
  }

  /** As many bytes as go in one piece now; Infinity without a limit. */
  get pieceBytes(): number {
    const rate = this.#rateAt(this.#clock.now());
    return rate === null
      ? Infinity
      : Math.max(pieceBytesMin, Math.min(pieceBytesMax, Math.floor(rate / piecesPerSecond)));
  }

  /** Resolves when so many bytes may pass. Those that wait are served in order. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const rate = this.#rateAt(now);
    if (rate === null) {
      this.#paidAt = -Infinity;
      return;
    }
    // A clock that was set back would make everybody wait until it is there again.
    const isAhead = this.#paidAt - now > maxDebtMs;
    this.#paidAt = Math.max(isAhead ? -Infinity : this.#paidAt, now - burstMs) + (bytes / rate) * 1_000;
    const waitMs = this.#paidAt - now;
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }
}

/** More debt than all requests of a process can have together at any rate that lets them live. */
const maxDebtMs = 600_000;

export interface Bandwidth {
  readonly up: TokenBucket;
  readonly down: TokenBucket;
  /** Milliseconds that a request may take longer than without a limit. */
  readonly patienceMs: number;
}

async function* limited(
  pieces: AsyncIterable<Uint8Array>,
  bucket: TokenBucket,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    for (let from = 0; from < piece.length;) {
      const part = piece.subarray(from, from + Math.min(bucket.pieceBytes, piece.length));
      from += part.length;
      await bucket.take(part.length, signal);
      yield part;
    }
  }
}

function limitedStream(
  body: ReadableStream<Uint8Array>,
  bucket: TokenBucket,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  return ReadableStream.from(limited(body, bucket, signal));
}

/** The length is told beforehand: storage takes no body of unknown length. */
async function limitRequest(request: Request, bucket: TokenBucket): Promise<Request> {
  if (request.body === null || bucket.pieceBytes === Infinity) return request;
  const { url, method, signal } = request;
  const headers = new Headers(request.headers);
  let { body } = request;
  if (!headers.has('content-length')) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    headers.set('content-length', String(bytes.length));
    body = ReadableStream.from([bytes]);
  }
  const stream = limitedStream(body, bucket, signal);
  return new Request(url, { method, headers, signal, body: stream, duplex: 'half' });
}

/** Limits what goes through a transport, both ways. */
export function withBandwidth(transport: Transport, { up, down }: Bandwidth): Transport {
  return async (request) => {
    const response = await transport(await limitRequest(request, up));
    if (response.body === null || down.pieceBytes === Infinity) return response;
    const { status, statusText, headers } = response;
    return new Response(limitedStream(response.body, down, request.signal), { status, statusText, headers });
  };
}
