/** Open files of the simulated file system. A file without a name lives on while it is open. */
import type { FileHandle } from '../../client/agent/file-system.ts';
import type { Inode } from './simulated-disk.ts';
import { fileError } from './simulated-names.ts';

export interface OpenFile {
  readonly inode: Inode;
  /** By which it was opened. */
  readonly path: string;
  readonly canWrite: boolean;
}

export class OpenHandles {
  readonly #files = new Map<FileHandle, OpenFile>();
  #next = 3;

  open(file: OpenFile): FileHandle {
    const handle = this.#next++;
    this.#files.set(handle, file);
    return handle;
  }

  /** Throws EBADF for a handle that is not open. */
  get(handle: FileHandle): OpenFile {
    const file = this.#files.get(handle);
    if (file === undefined) throw fileError('EBADF', 'handle', String(handle));
    return file;
  }

  getWritable(handle: FileHandle): Inode {
    const { inode, path, canWrite } = this.get(handle);
    if (!canWrite) throw fileError('EBADF', 'write', path);
    return inode;
  }

  close(handle: FileHandle): void {
    this.#files.delete(handle);
  }

  clear(): void {
    this.#files.clear();
  }

  holds(ino: number): boolean {
    for (const { inode } of this.#files.values()) if (inode.ino === ino) return true;
    return false;
  }
}
