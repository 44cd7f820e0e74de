/** Reading chunks from files of the synced folder, for packing and for local reuse. */
import type { FileHandle, FileSystem } from '../file-system.ts';
import { isPartialPath } from './partial-files.ts';
import { SafeFolders } from './safe-folders.ts';

/** Reads exactly `into.length` bytes; false if there are fewer. */
export function readWhole(fs: FileSystem, handle: FileHandle, into: Uint8Array, position: number): boolean {
  for (let at = 0; at < into.length;) {
    const read = fs.read(handle, into.subarray(at), position + at);
    if (read === 0) return false;
    at += read;
  }
  return true;
}

/** Opens files one at a time, since chunks come in file order. `partials`: whether those of broken downloads may be read. */
export class SourceFiles {
  readonly #fs: FileSystem;
  readonly #folders: SafeFolders;
  readonly #partials: boolean;
  #open: { readonly path: string; readonly handle: FileHandle } | undefined;

  constructor(fs: FileSystem, root: string, { partials = false }: { readonly partials?: boolean } = {}) {
    this.#fs = fs;
    this.#partials = partials;
    this.#folders = new SafeFolders(fs, root);
  }

  handle(path: string): FileHandle {
    if (this.#open?.path === path) return this.#open.handle;
    this.#closeFile();
    const at = this.#partials && isPartialPath(path) ? this.#folders.at(path) : this.#folders.atForReading(path);
    this.#open = { path, handle: this.#fs.openRead(at) };
    return this.#open.handle;
  }

  close(): void {
    this.#closeFile();
    this.#folders.close();
  }

  #closeFile(): void {
    if (this.#open !== undefined) this.#fs.close(this.#open.handle);
    this.#open = undefined;
  }
}
