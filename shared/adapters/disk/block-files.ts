/**
 * Staged blocks: `<folder>/.blocks/<name>/=<hex of the id>` is one block of the blob of that name in `staging`. No blob name has
 * a `=`, so the blocks of `a` and of `a/b` never meet. A block is written like a blob, under a private name, flushed and then
 * renamed; putting one again replaces it, as on Azure. Blocks that no list took up are swept two days after they came: the
 * session that they belong to has been over for one.
 */
import { lstat, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { bytesToHex, hexToBytes } from '../../core/bytes.ts';
import type { StagedBlock } from '../../ports/blob-store.ts';
import { blocksMax } from '../blob-protocol/block-list.ts';
import { checkBlobName } from '../blob-name.ts';
import { type DurableFolders, flushFolder } from './durable-folders.ts';
import { isFileError } from './file-errors.ts';
import type { StagedFile } from './staging.ts';

export const blocksName = '.blocks';
const abandonedMs = 48 * 3_600_000;
/** Bytes of one read while blocks are put together. */
const pieceBytes = 1024 * 1024;

export class BlockFiles {
  readonly #root: string;
  readonly #folders: DurableFolders;

  /** @param root of the blob folder, which `folders` is for too. */
  constructor(root: string, folders: DurableFolders) {
    this.#root = root;
    this.#folders = folders;
  }

  #segments(name: string): readonly string[] {
    checkBlobName(name);
    return [blocksName, ...name.split('/')];
  }

  #folderOf(name: string): string {
    return path.join(this.#root, ...this.#segments(name));
  }

  /** Makes a fully written private file a block, durably, in place of one of the same id. Counts are bounded loosely while several are put at once. */
  async add(name: string, id: Uint8Array, staged: StagedFile): Promise<'added' | 'too-many' | 'other-id-length'> {
    const there = await this.list(name);
    const hex = bytesToHex(id);
    if (there.some((block) => block.id.length !== id.length)) return 'other-id-length';
    if (there.length >= blocksMax && there.every((block) => bytesToHex(block.id) !== hex)) return 'too-many';
    await staged.handle.sync();
    const folder = this.#folderOf(name);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#folders.ensure(this.#segments(name));
        await rename(staged.path, path.join(folder, `=${hex}`));
        await flushFolder(folder);
        return 'added';
      } catch (error) {
        // A list that was committed meanwhile, or a sweep, of any process, took empty folders away.
        if (!isFileError(error, 'ENOENT') || attempt === 3) throw error;
        this.#folders.forget();
      }
    }
  }

  /** The blocks of a blob that no list has taken up, by id. */
  async list(name: string): Promise<readonly StagedBlock[]> {
    const folder = this.#folderOf(name);
    const blocks: StagedBlock[] = [];
    for (const file of await blockNames(folder)) {
      try {
        const { size } = await lstat(path.join(folder, file));
        blocks.push({ id: hexToBytes(file.slice(1)), length: size });
      } catch (error) {
        if (!isFileError(error, 'ENOENT')) throw error;
      }
    }
    return blocks;
  }

  /** Writes these blocks to `into`, one after the other. False when one of them is not there, or they are more than `bytesMax`. */
  async concatenate(
    name: string,
    ids: readonly Uint8Array[],
    into: StagedFile,
    bytesMax: number,
  ): Promise<'done' | 'missing' | 'too-large'> {
    let bytes = 0;
    for (const id of ids) {
      let handle;
      try {
        handle = await open(path.join(this.#folderOf(name), `=${bytesToHex(id)}`), 'r');
      } catch (error) {
        if (isFileError(error, 'ENOENT')) return 'missing';
        throw error;
      }
      try {
        bytes += (await handle.stat()).size;
        if (bytes > bytesMax) return 'too-large';
        for await (const piece of handle.createReadStream({ highWaterMark: pieceBytes, autoClose: false })) {
          await into.write(piece as Uint8Array);
        }
      } finally {
        await handle.close();
      }
    }
    return 'done';
  }

  /** Forgets all blocks of a blob. A crash in between leaves some, which the sweep takes. */
  async clear(name: string): Promise<void> {
    const folder = this.#folderOf(name);
    for (const file of await blockNames(folder)) await unlinkIfThere(path.join(folder, file));
    await removeIfEmpty(folder);
  }

  /** Removes blocks that came more than two days before `nowMs`, and empty folders. @returns how many blocks. */
  async sweep(nowMs: number): Promise<number> {
    return sweepFolder(path.join(this.#root, blocksName), nowMs);
  }
}

async function blockNames(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((file) => /^=(?:[0-9a-f]{2})+$/.test(file)).sort();
  } catch (error) {
    if (isFileError(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function sweepFolder(folder: string, nowMs: number): Promise<number> {
  let swept = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const entryPath = path.join(folder, entry.name);
    try {
      if (entry.isDirectory()) {
        swept += await sweepFolder(entryPath, nowMs);
        await removeIfEmpty(entryPath);
      } else if ((await lstat(entryPath)).ctimeMs < nowMs - abandonedMs) {
        swept += (await unlinkIfThere(entryPath)) ? 1 : 0;
      }
    } catch (error) {
      if (!isFileError(error, 'ENOENT')) throw error;
    }
  }
  return swept;
}

async function unlinkIfThere(filePath: string): Promise<boolean> {
  try {
    await unlink(filePath);
    return true;
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!isFileError(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error;
  }
}
