/**
 * Events to the handler, as CloudEvents over HTTP in binary mode. Before the first one the handler is asked whether it wants events of
 * this endpoint (the abuse protection of CloudEvents); the answer is kept until the handler cannot be reached. An event is sent once:
 * the service documents no second try, and a handler that took one before its answer was lost would see it twice.
 *
 * Each event is a request of its own, so one that takes long holds up no other. The URL may carry a code: it is never told to anybody.
 */
import { createHmac, randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { WebPubSubBounds } from './bounds.ts';

/** What is told of a connection with each of its events. */
export interface EventSubject {
  readonly connectionId: string;
  readonly hub: string;
  readonly userId: string | undefined;
  /** Undefined while it is not decided. */
  readonly subprotocol?: string;
  readonly state: string;
}

export interface EventContent {
  /** `sys.connect`, `user.<name>` and so on: the type after `azure.webpubsub.`. */
  readonly type: string;
  readonly name: string;
  readonly contentType: string;
  readonly body: Buffer | string;
  readonly timeoutMs: number;
}

export interface EventAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  /** Undefined: it stays as it is. */
  readonly state: string | undefined;
}

export interface WebhookOptions {
  readonly url: string;
  readonly accessKey: string;
  /** The endpoint's own host, which the handler knows it by. */
  readonly origin: () => string;
  readonly bounds: WebPubSubBounds;
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch?: typeof globalThis.fetch;
}

/** Attributes of CloudEvents in headers: what is not printable ASCII, and `"`, `%` and space, are percent-encoded UTF-8. */
export function headerOf(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\x21\x23\x24\x26-\x7e]+/gu, (part) =>
      Array.from(Buffer.from(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    );
}

async function readBounded(response: Response, bytesMax: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    const read = piece as Uint8Array;
    bytes += read.length;
    // Leaving the loop cancels the rest.
    if (bytes > bytesMax) throw new Error('the answer is too large');
    pieces.push(read);
  }
  return Buffer.concat(pieces);
}

export class Webhook {
  readonly #options: WebhookOptions;
  readonly #fetch: typeof globalThis.fetch;
  #agreed: Promise<boolean> | undefined;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch;
  }

  /** The handler's answer, whatever its status. Undefined: it could not be reached, did not answer in time, or wants no events. */
  async send(subject: EventSubject, content: EventContent): Promise<EventAnswer | undefined> {
    if (!(await this.#agree())) return undefined;
    try {
      return await this.#post(subject, content);
    } catch (error) {
      this.#options.log.warn(
        { event: content.type, connectionId: subject.connectionId, error: reasonOf(error) },
        'the event handler cannot be reached',
      );
      this.#agreed = undefined;
      return undefined;
    }
  }

  async #post(subject: EventSubject, content: EventContent): Promise<EventAnswer> {
    const response = await this.#fetch(this.#options.url, {
      method: 'POST',
      headers: this.#headers(subject, content),
      body: content.body,
      redirect: 'manual',
      signal: AbortSignal.timeout(content.timeoutMs),
    });
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      body: await readBounded(response, this.#options.bounds.eventAnswerBytesMax),
      state: response.headers.get('ce-connectionstate') ?? undefined,
    };
  }

  #headers(subject: EventSubject, { type, name, contentType }: EventContent): Record<string, string> {
    const { connectionId, hub, userId, subprotocol, state } = subject;
    const hash = createHmac('sha256', this.#options.accessKey).update(connectionId).digest('hex');
    return {
      'content-type': contentType,
      'webhook-request-origin': this.#options.origin(),
      'ce-awpsversion': '1.0',
      'ce-specversion': '1.0',
      'ce-type': headerOf(`azure.webpubsub.${type}`),
      'ce-source': `/hubs/${hub}/client/${connectionId}`,
      'ce-id': randomUUID(),
      'ce-time': new Date(this.#options.clock.now()).toISOString(),
      'ce-signature': `sha256=${hash}`,
      'ce-connectionId': connectionId,
      'ce-hub': hub,
      'ce-eventName': headerOf(name),
      ...(userId === undefined ? {} : { 'ce-userId': headerOf(userId) }),
      ...(subprotocol === undefined ? {} : { 'ce-subprotocol': subprotocol }),
      ...(state === '' ? {} : { 'ce-connectionState': state }),
    };
  }

  /** One handshake at a time; one that failed is tried again by the next event. */
  async #agree(): Promise<boolean> {
    const asked = (this.#agreed ??= this.#ask());
    const agreed = await asked;
    if (!agreed && this.#agreed === asked) this.#agreed = undefined;
    return agreed;
  }

  async #ask(): Promise<boolean> {
    const { url, origin, bounds, log } = this.#options;
    try {
      const response = await this.#fetch(url, {
        method: 'OPTIONS',
        headers: { 'webhook-request-origin': origin(), 'ce-awpsversion': '1.0' },
        redirect: 'manual',
        signal: AbortSignal.timeout(bounds.handshakeMs),
      });
      await response.body?.cancel();
      const allowed = (response.headers.get('webhook-allowed-origin') ?? '').split(',').map((text) => text.trim());
      const isAllowed = allowed.some((name) => name === '*' || name.replace(/:\d+$/, '') === origin());
      if (response.ok && isAllowed) return true;
      log.warn({ status: response.status, isAllowed }, 'the event handler does not allow events of this endpoint');
    } catch (error) {
      log.warn({ error: reasonOf(error) }, 'the event handler cannot be reached to ask whether it wants events');
    }
    return false;
  }
}

/** The kind of failure; messages of fetch may hold the URL. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return 'unknown';
  return 'code' in cause ? String(cause.code) : cause.name;
}
