/**
 * The files of a blob folder: `<folder>/<container>/<name>` is the blob, plain; `.staging` holds blobs in the making,
 * `.blocks` staged blocks, `.lock` and `.changes` what blob-names.ts needs. None can be a container's name, so no blob name
 * reaches them. Several processes may use
 * one folder at once. On a file system that ignores case, names that differ only in case are one name; Tidemark's are
 * lowercase.
 */
import { type FileHandle, lstat, open } from 'node:fs/promises';
import path from 'node:path';
import {
  type AccessTier,
  type BlobProperties,
  type Container,
  type StagedBlob,
  containers,
} from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Log, silentLog } from '../../ports/log.ts';
import { TidemarkError } from '../../core/errors.ts';
import { uploadBytesMax } from '../blob-protocol/blob-request.ts';
import { BlobNames } from './blob-names.ts';
import { BlockFiles, blocksName } from './block-files.ts';
import { DurableFolders, flushFolder, makeFolderDurably } from './durable-folders.ts';
import { isFileError } from './file-errors.ts';
import { drawIncarnation, statsToProperties } from './incarnation.ts';
import { type StagedFile, stageFile, sweepStaging } from './staging.ts';
import { tierToMode } from './tier-mode.ts';

const stagingName = '.staging';
/** Bytes of one read of a copy. */
const copyBytes = 1024 * 1024;

export interface BlobFile {
  readonly handle: FileHandle;
  readonly properties: BlobProperties;
}

export class BlobFiles {
  readonly folder: string;
  readonly #clock: Clock;
  readonly #folders: DurableFolders;
  readonly #names: BlobNames;
  readonly #blocks: BlockFiles;
  #prepared: Promise<void> | undefined;

  constructor(folder: string, clock: Clock, log: Log = silentLog) {
    this.folder = path.resolve(folder);
    this.#clock = clock;
    this.#folders = new DurableFolders(this.folder);
    this.#names = new BlobNames(this.folder, this.#folders, clock, log);
    this.#blocks = new BlockFiles(this.folder, this.#folders);
  }

  /** Makes the folders and sweeps what crashed processes left; once, before the first use. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async #prepare(): Promise<void> {
    await makeFolderDurably(this.folder);
    for (const name of [stagingName, blocksName, ...containers]) await this.#folders.ensure([name]);
    await sweepStaging(path.join(this.folder, stagingName), this.#clock.now());
    await this.#blocks.sweep(this.#clock.now());
  }

  /** Removes staged blocks that nobody will take up any more; at every start, and from time to time after it. */
  async sweepBlocks(): Promise<number> {
    await this.prepare();
    return this.#blocks.sweep(this.#clock.now());
  }

  /** The blob's file. Throws `malformed` on a bad name. */
  pathOf(container: Container, name: string): string {
    return this.#names.pathOf({ container, name });
  }

  async stage(): Promise<StagedFile> {
    await this.prepare();
    return stageFile(path.join(this.folder, stagingName));
  }

  /**
   * Makes a fully written private file the blob of this name. Undefined when the name is taken. Either way the blob that
   * then has the name survives a power cut once this resolves. The private name stays, for `discard`.
   */
  async publish(
    staged: StagedFile,
    container: Container,
    name: string,
    api = 'PutBlob',
  ): Promise<BlobProperties | undefined> {
    const properties = await this.#seal(staged);
    const created = await this.#names.give(staged.path, { container, name }, properties.etag, api);
    return created ? properties : undefined;
  }

  /** Gives a fully written private file its incarnation and flushes it. */
  async #seal(staged: StagedFile): Promise<BlobProperties> {
    const incarnation = drawIncarnation(this.#clock.now());
    await staged.handle.utimes(incarnation, incarnation);
    await staged.handle.sync();
    return statsToProperties(await staged.handle.stat({ bigint: true }));
  }

  /** Makes a fully written private file a block of the blob of this name in `staging`, durably. */
  addBlock(name: string, id: Uint8Array, staged: StagedFile): ReturnType<BlockFiles['add']> {
    return this.#blocks.add(name, id, staged);
  }

  /**
   * Makes staged blocks, in this order, the blob of this name in `staging`, in place of one that is there, and forgets every
   * block that is staged for it. Nothing changes when one of them is missing or they are larger than any pack together.
   */
  async commitBlocks(name: string, ids: readonly Uint8Array[]): Promise<BlobProperties | 'missing' | 'too-large'> {
    const staged = await this.stage();
    try {
      const result = await this.#blocks.concatenate(name, ids, staged, uploadBytesMax);
      if (result !== 'done') return result;
      const properties = await this.#seal(staged);
      await this.#names.giveInstead(staged.path, { container: 'staging', name }, properties.etag, 'PutBlockList');
      await this.#blocks.clear(name);
      return properties;
    } finally {
      await staged.discard();
    }
  }

  async staged(name: string): Promise<StagedBlob | undefined> {
    const uncommitted = await this.#blocks.list(name);
    const committed = await this.stat('staging', name);
    return uncommitted.length === 0 && committed === undefined ? undefined : { uncommitted, committed };
  }

  /** Copies the incarnation with this ETag in `staging` to a new name in `chunks`, where it is an incarnation of its own. */
  async promote(from: string, etag: string, name: string): Promise<'created' | 'exists' | 'missing'> {
    this.pathOf('chunks', name);
    const source = await this.openBlob('staging', from);
    if (source === undefined) return 'missing';
    try {
      if (source.properties.etag !== etag) return 'missing';
      const staged = await this.stage();
      try {
        for await (const piece of source.handle.createReadStream({ highWaterMark: copyBytes, autoClose: false })) {
          await staged.write(piece as Uint8Array);
        }
        return (await this.publish(staged, 'chunks', name, 'CopyBlob')) === undefined ? 'exists' : 'created';
      } finally {
        await staged.discard();
      }
    } finally {
      await source.handle.close();
    }
  }

  /** Moves a blob to a tier (tier-mode.ts), durably. Throws `unsupported` where files cannot keep one. */
  async setTier(container: Container, name: string, tier: AccessTier): Promise<'set' | 'missing'> {
    const file = await this.openBlob(container, name);
    if (file === undefined) return 'missing';
    try {
      if (file.properties.tier === tier) return 'set';
      await file.handle.chmod(tierToMode((await file.handle.stat()).mode, tier));
      await file.handle.sync();
      const { tier: kept, etag } = statsToProperties(await file.handle.stat({ bigint: true }));
      if (kept === tier) {
        await this.#names.tellOther({ container, name }, etag, 'SetBlobTier');
        return 'set';
      }
      throw new TidemarkError('unsupported', 'this file system does not keep the access tier of a blob');
    } finally {
      await file.handle.close();
    }
  }

  /** Undefined when there is no such blob. */
  async stat(container: Container, name: string): Promise<BlobProperties | undefined> {
    try {
      const stats = await lstat(this.pathOf(container, name), { bigint: true });
      return stats.isFile() ? statsToProperties(stats) : undefined;
    } catch (error) {
      if (isFileError(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** The blob, open for reading; the caller closes it. It stays readable when it is moved or deleted meanwhile. */
  async openBlob(container: Container, name: string): Promise<BlobFile | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.pathOf(container, name), 'r');
    } catch (error) {
      if (isFileError(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { handle, properties: statsToProperties(stats) };
    await handle.close();
    return undefined;
  }

  /** Flushes the name of a blob that somebody else may have created and not yet flushed. */
  async flushName(container: Container, name: string): Promise<void> {
    await this.#names.flush({ container, name });
  }

  /** Gives the incarnation with this ETag a second name, durably. False when it is gone. */
  async copyIfMatch(
    from: Container,
    name: string,
    etag: string,
    target: { readonly container: Container; readonly name: string },
  ): Promise<boolean> {
    if ((await this.stat(from, name))?.etag !== etag) return false;
    try {
      await this.#names.give(this.pathOf(from, name), target, etag, 'CopyBlob');
    } catch (error) {
      if (isFileError(error, 'ENOENT')) return false;
      throw error;
    }
    const given = await this.stat(target.container, target.name);
    if (given === undefined || given.etag === etag) return given !== undefined;
    // Another incarnation took the name between the look and the link: the second name is not wanted.
    if (await this.#names.take(target, given.etag)) await this.#names.flush(target);
    return false;
  }

  /** Removes that incarnation's name, durably. False when it is gone. */
  async deleteIfMatch(container: Container, name: string, etag: string): Promise<boolean> {
    const blob = { container, name };
    this.pathOf(container, name);
    await this.prepare();
    const taken = await this.#names.take(blob, etag);
    if (taken) await this.#names.flush(blob);
    return taken;
  }

  /** Removes the names that are there, durably, whatever their incarnation. */
  async deleteMany(container: Container, names: readonly string[]): Promise<void> {
    const paths = names.map((name) => this.pathOf(container, name));
    await this.prepare();
    const results = await Promise.allSettled(names.map((name) => this.#names.take({ container, name }, undefined)));
    const taken = paths.filter((_, i) => results[i]?.status === 'fulfilled' && results[i].value);
    for (const folder of new Set(taken.map((each) => path.dirname(each)))) await flushFolder(folder);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
