/**
 * Blobs in memory, for tests and the simulation. Deterministic: ETags are a counter, listings are sorted, and nothing
 * depends on anything but the calls and the clock. Bytes are copied in and out, so that no caller can change a blob.
 */
import { createHash } from 'node:crypto';
import { TidemarkError } from '../../core/errors.ts';
import type { BlobProperties, BlobStore, Container } from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { checkBlobName } from '../blob-name.ts';
import { createdReply, readReply } from '../blob-protocol/blob-reply.ts';
import { type CreateBlob, type ReadBlob, parseBlobRequest, uploadBytesMax } from '../blob-protocol/blob-request.ts';
import { type BlobRefusal, refusalHeaders, refusalToXml, refusals } from '../blob-protocol/refusal.ts';
import { signBlobUrl } from '../blob-protocol/signed-url.ts';

interface Blob {
  readonly bytes: Uint8Array;
  readonly properties: BlobProperties;
}

export interface MemoryBlobStore extends BlobStore {
  /** Answers a request to one of this store's URLs as the HTTP endpoint would: 201, 409, 403, 404, 206 and the rest. */
  fetch(request: Request): Promise<Response>;
}

const scheme = 'memory:';
/** `open` hands out pieces of this many bytes, so that its callers meet more than one. */
const pieceBytes = 64 * 1024;
/** URLs of a store in memory protect nothing; what counts is that they are checked as real ones are. */
const urlKey = new Uint8Array(32);

function refuse(refusal: BlobRefusal): Response {
  return new Response(refusalToXml(refusal), { status: refusal.status, headers: refusalHeaders(refusal) });
}

class Store implements MemoryBlobStore {
  readonly #clock: Clock;
  readonly #blobs = new Map<string, Blob>();
  #incarnations = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #find(container: Container, name: string): Blob | undefined {
    checkBlobName(name);
    return this.#blobs.get(`${container}/${name}`);
  }

  /** The new blob's properties, or undefined when the name is taken. */
  #add(container: Container, name: string, bytes: Uint8Array): BlobProperties | undefined {
    if (this.#find(container, name) !== undefined) return undefined;
    const etag = (++this.#incarnations).toString(16).padStart(16, '0');
    const properties = { length: bytes.length, etag, createdMs: this.#clock.now() };
    this.#blobs.set(`${container}/${name}`, { bytes: bytes.slice(), properties });
    return properties;
  }

  async put(container: Container, name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    return this.#add(container, name, bytes) === undefined ? 'exists' : 'created';
  }

  async head(container: Container, name: string): Promise<BlobProperties | undefined> {
    return this.#find(container, name)?.properties;
  }

  async get(
    container: Container,
    name: string,
    range?: { readonly from: number; readonly to: number },
  ): Promise<Uint8Array | undefined> {
    const blob = this.#find(container, name);
    if (blob === undefined || range === undefined) return blob?.bytes.slice();
    const from = Math.max(0, range.from);
    return blob.bytes.slice(from, Math.max(from, range.to));
  }

  async open(container: Container, name: string): ReturnType<BlobStore['open']> {
    const blob = this.#find(container, name);
    if (blob === undefined) return undefined;
    async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
    }
    return { properties: blob.properties, pieces: pieces(blob.bytes) };
  }

  async moveIfMatch(from: Container, name: string, etag: string, to: Container): Promise<'moved' | 'changed'> {
    const blob = this.#find(from, name);
    if (blob === undefined || blob.properties.etag !== etag) return 'changed';
    this.#blobs.set(`${to}/${name}-${etag}`, blob);
    this.#blobs.delete(`${from}/${name}`);
    return 'moved';
  }

  async deleteIfMatch(container: Container, name: string, etag: string): Promise<'deleted' | 'changed'> {
    if (this.#find(container, name)?.properties.etag !== etag) return 'changed';
    this.#blobs.delete(`${container}/${name}`);
    return 'deleted';
  }

  async *list(container: Container, prefix: string): AsyncGenerator<string> {
    const start = `${container}/`;
    const keys = [...this.#blobs.keys()].filter((key) => key.startsWith(start + prefix));
    for (const key of keys.sort()) yield key.slice(start.length);
  }

  #url(permission: 'c' | 'r', container: Container, name: string, seconds: number): string {
    const expiresMs = this.#clock.now() + seconds * 1_000;
    return signBlobUrl(urlKey, scheme, { permission, container, name, expiresMs });
  }

  async createUrl(container: Container, name: string, seconds: number): Promise<string> {
    return this.#url('c', container, name, seconds);
  }

  async readUrl(container: Container, name: string, seconds: number): Promise<string> {
    return this.#url('r', container, name, seconds);
  }

  async fetch(request: Request): Promise<Response> {
    if (!request.url.startsWith(scheme)) {
      throw new TidemarkError('unavailable', 'the store in memory answers only its own URLs');
    }
    const asked = parseBlobRequest(
      {
        method: request.method,
        target: request.url.slice(scheme.length),
        header: (name) => request.headers.get(name) ?? undefined,
      },
      urlKey,
      this.#clock.now(),
    );
    if (asked.kind === 'refused') return refuse(asked.refusal);
    return asked.kind === 'create' ? this.#create(asked, request) : this.#read(asked);
  }

  async #create(asked: CreateBlob, request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.length > uploadBytesMax) return refuse(refusals.tooLarge);
    if (asked.contentMd5 !== undefined && createHash('md5').update(body).digest('base64') !== asked.contentMd5) {
      return refuse(refusals.md5);
    }
    const properties = this.#add(asked.container, asked.name, body);
    if (properties === undefined) return refuse(refusals.exists);
    const created = createdReply(properties);
    return new Response(null, { status: created.status, headers: created.headers });
  }

  #read(asked: ReadBlob): Response {
    const blob = this.#find(asked.container, asked.name);
    if (blob === undefined) return refuse(refusals.absent);
    const reply = readReply(asked, blob.properties);
    if ('code' in reply) return refuse(reply);
    const body = asked.withBody && reply.status !== 304 ? blob.bytes.slice(reply.from, reply.to) : null;
    return new Response(body, { status: reply.status, headers: reply.headers });
  }
}

/** An empty store. ETags are unique within one store. */
export function createMemoryBlobStore(deps: { readonly clock: Clock }): MemoryBlobStore {
  return new Store(deps.clock);
}
