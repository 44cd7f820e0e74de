/**
 * The files of a blob folder: `<folder>/<container>/<name>` is the blob, plain; `.staging` holds blobs in the making,
 * `.lock` the deleters' lock. Neither can be a container's name, so no blob name reaches them. Several processes may use
 * one folder at once. On a file system that ignores case, names that differ only in case are one name; Tidemark's are
 * lowercase.
 */
import { type BigIntStats, lstatSync, unlinkSync } from 'node:fs';
import { type FileHandle, link, lstat, open, unlink } from 'node:fs/promises';
import path from 'node:path';
import { type BlobProperties, type Container, containers } from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import { checkBlobName } from '../blob-name.ts';
import { DeleteLock } from './delete-lock.ts';
import { DurableFolders, flushFolder, makeFolderDurably } from './durable-folders.ts';
import { isFileError } from './file-errors.ts';
import { drawIncarnation, statsToProperties } from './incarnation.ts';
import { type StagedFile, stageFile, sweepStaging } from './staging.ts';

const stagingName = '.staging';
const lockName = '.lock';

export interface BlobFile {
  readonly handle: FileHandle;
  readonly properties: BlobProperties;
}

export class BlobFiles {
  readonly folder: string;
  readonly #clock: Clock;
  readonly #folders: DurableFolders;
  readonly #lock: DeleteLock;
  #prepared: Promise<void> | undefined;

  constructor(folder: string, clock: Clock) {
    this.folder = path.resolve(folder);
    this.#clock = clock;
    this.#folders = new DurableFolders(this.folder);
    this.#lock = new DeleteLock(path.join(this.folder, lockName));
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
    for (const name of [stagingName, ...containers]) await this.#folders.ensure([name]);
    await sweepStaging(path.join(this.folder, stagingName), this.#clock.now());
  }

  /** The blob's file. Throws `malformed` on a bad name: no other check stands between a name and the file system. */
  pathOf(container: Container, name: string): string {
    checkBlobName(name);
    return path.join(this.folder, container, ...name.split('/'));
  }

  async stage(): Promise<StagedFile> {
    await this.prepare();
    return stageFile(path.join(this.folder, stagingName));
  }

  /**
   * Makes a fully written private file the blob of this name. Undefined when the name is taken. Either way the blob that
   * then has the name survives a power cut once this resolves. The private name stays, for `discard`.
   */
  async publish(staged: StagedFile, container: Container, name: string): Promise<BlobProperties | undefined> {
    const incarnation = drawIncarnation(this.#clock.now());
    await staged.handle.utimes(incarnation, incarnation);
    await staged.handle.sync();
    const stats = await staged.handle.stat({ bigint: true });
    const created = await this.#linkDurably(staged.path, container, name);
    return created ? statsToProperties(stats) : undefined;
  }

  /** Gives a flushed file this blob's name; false when it is taken. Folders are made and flushed as needed. */
  async #linkDurably(from: string, container: Container, name: string): Promise<boolean> {
    const target = this.pathOf(container, name);
    const folder = [container, ...name.split('/').slice(0, -1)];
    for (let attempt = 1; ; attempt++) {
      await this.#folders.ensure(folder);
      try {
        await link(from, target);
        await flushFolder(path.dirname(target));
        return true;
      } catch (error) {
        if (isFileError(error, 'ENOENT') && attempt === 1) {
          this.#folders.forget();
          continue;
        }
        if (!isFileError(error, 'EEXIST') || statIfThere(target)?.isDirectory() === true) throw notABlob(error);
        await flushFolder(path.dirname(target));
        return false;
      }
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
    await flushFolder(path.dirname(this.pathOf(container, name)));
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
      await this.#linkDurably(this.pathOf(from, name), target.container, target.name);
    } catch (error) {
      if (isFileError(error, 'ENOENT')) return false;
      throw error;
    }
    if ((await this.stat(target.container, target.name))?.etag === etag) return true;
    // Another incarnation took the name between the look and the link: the second name is not wanted.
    await unlink(this.pathOf(target.container, target.name));
    return false;
  }

  /** Removes that incarnation's name, durably. False when it is gone. */
  async deleteIfMatch(container: Container, name: string, etag: string): Promise<boolean> {
    await this.prepare();
    const filePath = this.pathOf(container, name);
    const deleted = this.#lock.run(() => {
      const stats: BigIntStats | undefined = statIfThere(filePath);
      if (stats === undefined || !stats.isFile() || statsToProperties(stats).etag !== etag) return false;
      unlinkSync(filePath);
      return true;
    });
    if (deleted) await flushFolder(path.dirname(filePath));
    return deleted;
  }
}

function statIfThere(filePath: string): BigIntStats | undefined {
  try {
    return lstatSync(filePath, { bigint: true });
  } catch (error) {
    if (isFileError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** EEXIST from a folder under a blob's name reads as EISDIR: the name is not taken by a blob. */
function notABlob(error: unknown): unknown {
  if (!isFileError(error, 'EEXIST')) return error;
  return Object.assign(new Error('a folder has the name of a blob'), { code: 'EISDIR' });
}
