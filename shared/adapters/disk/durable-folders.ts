/**
 * Folders whose entries survive a power cut. A file is safe only when it, its folder, and every folder that was made on the
 * way have been flushed: fsync of a file says nothing about the name that leads to it.
 */
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { isFileError } from './file-errors.ts';

/** Folders remembered as durable; forgetting them costs only a repeated flush. */
const rememberedMax = 20_000;

/** Flushes the entries of a folder. Windows cannot, and has no need to: NTFS logs its own metadata. */
export async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes `folder` and its missing ancestors, and flushes each folder that got a new entry. */
export async function makeFolderDurably(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  const top = path.dirname(path.resolve(first));
  for (let parent = path.dirname(path.resolve(folder)); ; parent = path.dirname(parent)) {
    await flushFolder(parent);
    if (parent === top || parent === path.dirname(parent)) return;
  }
}

export class DurableFolders {
  readonly #root: string;
  readonly #ready = new Map<string, Promise<void>>();

  /** @param root exists already, and durably. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Makes the folder at `segments` under the root. Resolves when its name is durable, whoever made it: another process may
   * have made a folder without having flushed it yet, so the first use here flushes even what exists.
   */
  ensure(segments: readonly string[]): Promise<void> {
    if (segments.length === 0) return Promise.resolve();
    const key = segments.join('/');
    const known = this.#ready.get(key);
    if (known !== undefined) return known;
    if (this.#ready.size >= rememberedMax) this.#ready.clear();
    const made = this.#make(segments);
    this.#ready.set(key, made);
    made.catch(() => this.#ready.delete(key));
    return made;
  }

  /** To be called when a folder turns out to be gone: everything is looked at again. */
  forget(): void {
    this.#ready.clear();
  }

  async #make(segments: readonly string[]): Promise<void> {
    const parent = segments.slice(0, -1);
    await this.ensure(parent);
    try {
      await mkdir(path.join(this.#root, ...segments));
    } catch (error) {
      if (!isFileError(error, 'EEXIST')) throw error;
    }
    await flushFolder(path.join(this.#root, ...parent));
  }
}
