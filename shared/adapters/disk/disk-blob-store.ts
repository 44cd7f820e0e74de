/** Blobs as plain files, for a machine that is its own cloud. The bytes' way there and back is in blob-files.ts. */
import { TidemarkError } from '../../core/errors.ts';
import type { AccessTier, BlobStore, Container, ListedBlob } from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { type BlobPermission, signBlobUrl } from '../blob-protocol/signed-url.ts';
import { type BlobFile, BlobFiles } from './blob-files.ts';
import { toStoreError } from './file-errors.ts';
import { listBlobs } from './list-blobs.ts';

/** Bytes of one read of a streamed blob. */
const pieceBytes = 256 * 1024;

export interface DiskBlobStoreOptions {
  /** Made when missing. Several stores and processes may use it at once. */
  readonly folder: string;
  /** Base URL of the blob endpoint that serves this folder under the same key, without a slash at its end. */
  readonly endpoint: string | (() => string);
  /** Signs URLs: 32 bytes. */
  readonly key: Uint8Array;
  /** Times of creation and expiry. */
  readonly clock: Clock;
  readonly log?: Log;
}

/** Bytes `from` to `to` of an open blob. Throws `corrupt` when the file ends before them. */
async function readSpan(file: BlobFile, from: number, to: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.handle.read(bytes, at, bytes.length - at, from + at);
    if (bytesRead === 0) throw new TidemarkError('corrupt', 'a blob file is shorter than it was');
    at += bytesRead;
  }
  return bytes;
}

class DiskBlobStore implements BlobStore {
  readonly #files: BlobFiles;
  readonly #options: DiskBlobStoreOptions;

  constructor(options: DiskBlobStoreOptions) {
    this.#files = new BlobFiles(options.folder, options.clock, options.log);
    this.#options = options;
  }

  async put(container: Container, name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    return guarded(async () => {
      // Most repeats are told apart without writing a byte. The answer promises durability here too.
      if ((await this.#files.stat(container, name)) !== undefined) {
        await this.#files.flushName(container, name);
        return 'exists';
      }
      const staged = await this.#files.stage();
      try {
        await staged.write(bytes);
        const created = await this.#files.publish(staged, container, name);
        return created === undefined ? 'exists' : 'created';
      } finally {
        await staged.discard();
      }
    });
  }

  async head(container: Container, name: string): ReturnType<BlobStore['head']> {
    return guarded(() => this.#files.stat(container, name));
  }

  async get(
    container: Container,
    name: string,
    range?: { readonly from: number; readonly to: number },
  ): Promise<Uint8Array | undefined> {
    return guarded(async () => {
      const file = await this.#files.openBlob(container, name);
      if (file === undefined) return undefined;
      try {
        if (file.properties.tier === 'archive') throw archived();
        const to = Math.min(range?.to ?? Infinity, file.properties.length);
        const from = Math.min(Math.max(0, range?.from ?? 0), Math.max(0, to));
        return await readSpan(file, from, Math.max(from, to));
      } finally {
        await file.handle.close();
      }
    });
  }

  /**
   * The file is opened when the first piece is asked for, so that an answer nobody reads holds no descriptor; pieces then
   * throw `not-found` if the incarnation has gone. The blob's name is flushed first: whoever verifies a blob and records
   * that must not outlive it in a power cut, even if its own writer died before flushing.
   */
  async open(container: Container, name: string): ReturnType<BlobStore['open']> {
    return guarded(async () => {
      const properties = await this.#files.stat(container, name);
      if (properties === undefined) return undefined;
      await this.#files.flushName(container, name);
      return { properties, pieces: this.#pieces(container, name, properties.etag) };
    });
  }

  async *#pieces(container: Container, name: string, etag: string): AsyncGenerator<Uint8Array> {
    const file = await guarded(() => this.#files.openBlob(container, name));
    if (file === undefined) throw gone();
    try {
      const { length } = file.properties;
      if (file.properties.etag !== etag) throw gone();
      if (file.properties.tier === 'archive') throw archived();
      for (let at = 0; at < length; at += pieceBytes) {
        yield await guarded(() => readSpan(file, at, Math.min(length, at + pieceBytes)));
      }
    } finally {
      await file.handle.close();
    }
  }

  async moveIfMatch(from: Container, name: string, etag: string, to: Container): Promise<'moved' | 'changed'> {
    return guarded(async () => {
      await this.#files.prepare();
      const target = { container: to, name: `${name}-${etag}` };
      if (!(await this.#files.copyIfMatch(from, name, etag, target))) return 'changed';
      return (await this.#files.deleteIfMatch(from, name, etag)) ? 'moved' : 'changed';
    });
  }

  async deleteIfMatch(container: Container, name: string, etag: string): Promise<'deleted' | 'changed'> {
    return guarded(async () => ((await this.#files.deleteIfMatch(container, name, etag)) ? 'deleted' : 'changed'));
  }

  async *list(container: Container, prefix: string): AsyncGenerator<string> {
    try {
      await this.#files.prepare();
      yield* listBlobs(this.#files.folder, container, prefix);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async *listBlobs(container: Container, prefix: string, after?: string): AsyncGenerator<ListedBlob> {
    try {
      await this.#files.prepare();
      for await (const name of listBlobs(this.#files.folder, container, prefix, after)) {
        const properties = await this.#files.stat(container, name);
        // Deleted since its folder was read.
        if (properties !== undefined) yield { name, ...properties };
      }
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async deleteMany(container: Container, names: readonly string[]): Promise<void> {
    return guarded(() => this.#files.deleteMany(container, names));
  }

  async setTier(container: Container, name: string, tier: AccessTier): Promise<'set' | 'missing'> {
    return guarded(() => this.#files.setTier(container, name, tier));
  }

  async staged(name: string): ReturnType<BlobStore['staged']> {
    return guarded(() => this.#files.staged(name));
  }

  async promote(from: string, etag: string, name: string): Promise<'created' | 'exists' | 'missing'> {
    return guarded(() => this.#files.promote(from, etag, name));
  }

  #url(permission: BlobPermission, container: Container, name: string, seconds: number): string {
    const { endpoint, key, clock } = this.#options;
    const base = typeof endpoint === 'string' ? endpoint : endpoint();
    return signBlobUrl(key, base, { permission, container, name, expiresMs: clock.now() + seconds * 1_000 });
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
}

function gone(): TidemarkError {
  return new TidemarkError('not-found', 'the blob was moved or deleted before it was read');
}

function archived(): TidemarkError {
  return new TidemarkError('busy', 'the blob is archived: it can be read once it has been brought back');
}

/** Runs file work so that its errors leave as TidemarkErrors, without paths. */
async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(error);
  }
}

/** A store over a folder. Nothing is touched before the first call. */
export function createDiskBlobStore(options: DiskBlobStoreOptions): BlobStore {
  return new DiskBlobStore(options);
}
