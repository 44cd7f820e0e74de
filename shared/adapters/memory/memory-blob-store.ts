/**
 * Blobs in memory, for tests and the simulation. Deterministic: ETags are a counter, listings are sorted, and nothing
 * depends on anything but the calls and the clock. Bytes are copied in and out, so that no caller can change a blob.
 */
import { createHash } from 'node:crypto';
import { bytesToHex, concatBytes, hexToBytes } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type {
  AccessTier,
  BlobProperties,
  BlobStore,
  Container,
  ListedBlob,
  StagedBlob,
} from '../../ports/blob-store.ts';
import type { BlobChange } from '../../ports/change-feed.ts';
import type { Clock } from '../../ports/clock.ts';
import { checkBlobName } from '../blob-name.ts';
import { blocksMax, parseBlockList } from '../blob-protocol/block-list.ts';
import { createdReply, readReply, stagedReply } from '../blob-protocol/blob-reply.ts';
import {
  type BlobRequest,
  type CommitBlocks,
  type CreateBlob,
  type ReadBlob,
  type StageBlock,
  parseBlobRequest,
  uploadBytesMax,
} from '../blob-protocol/blob-request.ts';
import { type BlobRefusal, refusalHeaders, refusalToXml, refusals } from '../blob-protocol/refusal.ts';
import { type BlobPermission, signBlobUrl } from '../blob-protocol/signed-url.ts';
import type { MemoryChangeFeed } from './memory-change-feed.ts';

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
  readonly #changes: MemoryChangeFeed | undefined;
  readonly #blobs = new Map<string, Blob>();
  /** Staged blocks by name in `staging`, then by the hex of their id. */
  readonly #blocks = new Map<string, Map<string, Uint8Array>>();
  #incarnations = 0;

  constructor(clock: Clock, changes: MemoryChangeFeed | undefined) {
    this.#clock = clock;
    this.#changes = changes;
  }

  #tell(kind: BlobChange['kind'], container: Container, name: string, etag: string, api: string): void {
    this.#changes?.append({ kind, container, name, etag, timeMs: this.#clock.now(), api });
  }

  #find(container: Container, name: string): Blob | undefined {
    checkBlobName(name);
    return this.#blobs.get(`${container}/${name}`);
  }

  /** The new blob's properties, or undefined when the name is taken. */
  #add(container: Container, name: string, bytes: Uint8Array, api: string): BlobProperties | undefined {
    return this.#find(container, name) === undefined ? this.#set(container, name, bytes, api) : undefined;
  }

  #set(container: Container, name: string, bytes: Uint8Array, api: string): BlobProperties {
    const etag = (++this.#incarnations).toString(16).padStart(16, '0');
    const properties = { length: bytes.length, etag, createdMs: this.#clock.now(), tier: 'hot' as const };
    this.#blobs.set(`${container}/${name}`, { bytes: bytes.slice(), properties });
    this.#tell('created', container, name, etag, api);
    return properties;
  }

  async put(container: Container, name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    return this.#add(container, name, bytes, 'PutBlob') === undefined ? 'exists' : 'created';
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
    if (blob?.properties.tier === 'archive') throw archived();
    if (blob === undefined || range === undefined) return blob?.bytes.slice();
    const from = Math.max(0, range.from);
    return blob.bytes.slice(from, Math.max(from, range.to));
  }

  async open(container: Container, name: string): ReturnType<BlobStore['open']> {
    const blob = this.#find(container, name);
    if (blob === undefined) return undefined;
    if (blob.properties.tier === 'archive') throw archived();
    async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
    }
    return { properties: blob.properties, pieces: pieces(blob.bytes) };
  }

  async moveIfMatch(from: Container, name: string, etag: string, to: Container): Promise<'moved' | 'changed'> {
    const blob = this.#find(from, name);
    if (blob === undefined || blob.properties.etag !== etag) return 'changed';
    this.#blobs.set(`${to}/${name}-${etag}`, blob);
    this.#tell('created', to, `${name}-${etag}`, etag, 'CopyBlob');
    this.#delete(from, name);
    return 'moved';
  }

  async deleteIfMatch(container: Container, name: string, etag: string): Promise<'deleted' | 'changed'> {
    if (this.#find(container, name)?.properties.etag !== etag) return 'changed';
    this.#delete(container, name);
    return 'deleted';
  }

  #delete(container: Container, name: string): void {
    if (this.#blobs.delete(`${container}/${name}`)) this.#tell('deleted', container, name, '', 'DeleteBlob');
  }

  async *list(container: Container, prefix: string): AsyncGenerator<string> {
    const start = `${container}/`;
    const keys = [...this.#blobs.keys()].filter((key) => key.startsWith(start + prefix));
    for (const key of keys.sort()) yield key.slice(start.length);
  }

  async *listBlobs(container: Container, prefix: string, after = ''): AsyncGenerator<ListedBlob> {
    for await (const name of this.list(container, prefix)) {
      const blob = this.#find(container, name);
      if (blob !== undefined && name > after) yield { name, ...blob.properties };
    }
  }

  async deleteMany(container: Container, names: readonly string[]): Promise<void> {
    for (const name of names) checkBlobName(name);
    for (const name of names) this.#delete(container, name);
  }

  async setTier(container: Container, name: string, tier: AccessTier): Promise<'set' | 'missing'> {
    const blob = this.#find(container, name);
    if (blob === undefined) return 'missing';
    this.#blobs.set(`${container}/${name}`, { ...blob, properties: { ...blob.properties, tier } });
    this.#tell('other', container, name, blob.properties.etag, 'SetBlobTier');
    return 'set';
  }

  async staged(name: string): Promise<StagedBlob | undefined> {
    const committed = this.#find('staging', name)?.properties;
    const blocks = this.#blocks.get(name);
    if (blocks === undefined && committed === undefined) return undefined;
    const uncommitted = [...(blocks ?? [])].map(([id, bytes]) => ({ id: hexToBytes(id), length: bytes.length }));
    return { uncommitted, committed };
  }

  async promote(from: string, etag: string, name: string): Promise<'created' | 'exists' | 'missing'> {
    checkBlobName(name);
    const blob = this.#find('staging', from);
    if (blob?.properties.etag !== etag) return 'missing';
    return this.#add('chunks', name, blob.bytes, 'CopyBlob') === undefined ? 'exists' : 'created';
  }

  #url(permission: BlobPermission, container: Container, name: string, seconds: number): string {
    const expiresMs = this.#clock.now() + seconds * 1_000;
    return signBlobUrl(urlKey, scheme, { permission, container, name, expiresMs });
  }

  async createUrl(container: Container, name: string, seconds: number): Promise<string> {
    return this.#url('c', container, name, seconds);
  }

  async readUrl(container: Container, name: string, seconds: number): Promise<string> {
    return this.#url('r', container, name, seconds);
  }

  async stageUrl(name: string, seconds: number): Promise<string> {
    return this.#url('cw', 'staging', name, seconds);
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
    return this.#answer(asked, request);
  }

  async #answer(asked: BlobRequest, request: Request): Promise<Response> {
    if (asked.kind === 'refused') return refuse(asked.refusal);
    if (asked.kind === 'read') return this.#read(asked);
    const body = new Uint8Array(await request.arrayBuffer());
    if (asked.contentMd5 !== undefined && createHash('md5').update(body).digest('base64') !== asked.contentMd5) {
      return refuse(refusals.md5);
    }
    if (asked.kind === 'create') return this.#create(asked, body);
    return asked.kind === 'stage-block' ? this.#stageBlock(asked, body) : this.#commitBlocks(asked, body);
  }

  #create(asked: CreateBlob, body: Uint8Array): Response {
    if (body.length > uploadBytesMax) return refuse(refusals.tooLarge);
    const properties = this.#add(asked.container, asked.name, body, 'PutBlob');
    if (properties === undefined) return refuse(refusals.exists);
    const created = createdReply(properties);
    return new Response(null, { status: created.status, headers: created.headers });
  }

  #stageBlock({ name, id }: StageBlock, body: Uint8Array): Response {
    if (body.length > limits.stagedBlockBytesMax) return refuse(refusals.blockTooLarge);
    const blocks = this.#blocks.get(name) ?? new Map<string, Uint8Array>();
    const hex = bytesToHex(id);
    if ([...blocks.keys()].some((other) => other.length !== hex.length)) return refuse(refusals.blockIdLength);
    if (blocks.size >= blocksMax && !blocks.has(hex)) return refuse(refusals.blockCount);
    this.#blocks.set(name, blocks.set(hex, body));
    const { status, headers } = stagedReply();
    return new Response(null, { status, headers });
  }

  #commitBlocks({ name }: CommitBlocks, body: Uint8Array): Response {
    const list = parseBlockList(Buffer.from(body).toString('utf8'));
    if (list === undefined) return refuse(refusals.xml);
    const blocks = list.map(({ from, id }) =>
      from === 'committed' ? undefined : this.#blocks.get(name)?.get(bytesToHex(id)),
    );
    if (!blocks.every((block) => block !== undefined)) return refuse(refusals.blockList);
    if (blocks.reduce((sum, block) => sum + block.length, 0) > uploadBytesMax) return refuse(refusals.tooLarge);
    const { status, headers } = createdReply(this.#set('staging', name, concatBytes(...blocks), 'PutBlockList'));
    this.#blocks.delete(name);
    return new Response(null, { status, headers });
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

function archived(): TidemarkError {
  return new TidemarkError('busy', 'the blob is archived: it can be read once it has been brought back');
}

/** An empty store. ETags are unique within one store. `changes` is told what happens to its blobs. */
export function createMemoryBlobStore(deps: {
  readonly clock: Clock;
  readonly changes?: MemoryChangeFeed;
}): MemoryBlobStore {
  return new Store(deps.clock, deps.changes);
}
