/**
 * Giving and taking the names of blobs: each under the lock of names, told in the change log before it is done (name-changes.ts), and
 * durable when the call resolves. Bytes are others' business: what gets a name here is a whole and flushed file.
 */
import { type BigIntStats, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { Container } from '../../ports/blob-store.ts';
import type { BlobChange } from '../../ports/change-feed.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { checkBlobName } from '../blob-name.ts';
import { ChangeLog, changeLogName } from './change-log.ts';
import { type DurableFolders, flushFolder } from './durable-folders.ts';
import { isFileError } from './file-errors.ts';
import { statsToProperties } from './incarnation.ts';
import { type NameChange, NameChanges } from './name-changes.ts';
import { NameLock, nameLockName } from './name-lock.ts';

export interface BlobName {
  readonly container: Container;
  readonly name: string;
}

export class BlobNames {
  readonly #root: string;
  readonly #folders: DurableFolders;
  readonly #clock: Clock;
  readonly #changes: NameChanges;

  /** @param root of the blob folder, which `folders` is for too. */
  constructor(root: string, folders: DurableFolders, clock: Clock, log: Log) {
    this.#root = root;
    this.#folders = folders;
    this.#clock = clock;
    this.#changes = new NameChanges(
      new NameLock(path.join(root, nameLockName)),
      new ChangeLog(path.join(root, changeLogName), { log }),
    );
  }

  /** The blob's file. Throws `malformed` on a bad name: no other check stands between a name and the file system. */
  pathOf({ container, name }: BlobName): string {
    checkBlobName(name);
    return path.join(this.#root, container, ...name.split('/'));
  }

  #toChange(kind: BlobChange['kind'], blob: BlobName, etag: string, api: string): BlobChange {
    return { kind, container: blob.container, name: blob.name, etag, timeMs: this.#clock.now(), api };
  }

  /** Tells a change that leaves the name as it is. */
  async tellOther(blob: BlobName, etag: string, api: string): Promise<void> {
    const tell = this.#toChange('other', blob, etag, api);
    await this.#changes.run({ path: this.pathOf(blob), look: () => ({ tell, carryOut: () => {} }) });
  }

  /** Gives a flushed file this blob's name too; false when it is taken. Folders are made and flushed as needed. */
  async give(from: string, blob: BlobName, etag: string, api: string): Promise<boolean> {
    const target = this.pathOf(blob);
    const given = await this.#inFolder(blob, {
      path: target,
      look: () => {
        const standing = statIfThere(target);
        if (standing !== undefined && !standing.isDirectory()) return { tell: null, carryOut: () => false };
        // Else the link fails, and why is its own to say.
        const isFree = standing === undefined && isFolder(path.dirname(target));
        return {
          tell: isFree ? this.#toChange('created', blob, etag, api) : null,
          carryOut: () => {
            linkSync(from, target);
            return true;
          },
        };
      },
    });
    await flushFolder(path.dirname(target));
    return given;
  }

  /** Gives a flushed file this blob's name instead of its own, in place of a blob that has it. */
  async giveInstead(from: string, blob: BlobName, etag: string, api: string): Promise<void> {
    const target = this.pathOf(blob);
    await this.#inFolder(blob, {
      path: target,
      look: () => {
        const isFree = isFolder(path.dirname(target)) && statIfThere(target)?.isDirectory() !== true;
        const tell = isFree ? this.#toChange('created', blob, etag, api) : null;
        return { tell, carryOut: () => renameSync(from, target) };
      },
    });
    await flushFolder(path.dirname(target));
  }

  /** Changes a name with its folder there; once more when the folder was gone after all. */
  async #inFolder<Result>({ container, name }: BlobName, change: NameChange<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      await this.#folders.ensure([container, ...name.split('/').slice(0, -1)]);
      try {
        return await this.#changes.run(change);
      } catch (error) {
        if (!isFileError(error, 'ENOENT') || attempt === 2) throw notABlob(error);
        this.#folders.forget();
      }
    }
  }

  /** Takes the name from that incarnation, or with undefined from any. False when it is gone. Not durable before its folder is flushed. */
  take(blob: BlobName, etag: string | undefined): Promise<boolean> {
    const filePath = this.pathOf(blob);
    return this.#changes.run({
      path: filePath,
      look: () => {
        const stats = statIfThere(filePath);
        const there = stats?.isFile() === true ? statsToProperties(stats).etag : undefined;
        const isWanted = there !== undefined && (etag === undefined || there === etag);
        if (!isWanted) return { tell: null, carryOut: () => false };
        return {
          tell: this.#toChange('deleted', blob, there, 'DeleteBlob'),
          carryOut: () => {
            unlinkSync(filePath);
            return true;
          },
        };
      },
    });
  }

  /** Flushes the folder of the name. */
  async flush(blob: BlobName): Promise<void> {
    await flushFolder(path.dirname(this.pathOf(blob)));
  }
}

export function statIfThere(filePath: string): BigIntStats | undefined {
  try {
    return lstatSync(filePath, { bigint: true });
  } catch (error) {
    if (isFileError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function isFolder(folder: string): boolean {
  return statIfThere(folder)?.isDirectory() === true;
}

/** EEXIST from a folder under a blob's name reads as EISDIR: the name is not taken by a blob. */
function notABlob(error: unknown): unknown {
  if (!isFileError(error, 'EEXIST')) return error;
  return Object.assign(new Error('a folder has the name of a blob'), { code: 'EISDIR' });
}
