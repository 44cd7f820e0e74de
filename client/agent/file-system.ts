/**
 * The file system as the agent uses it: synchronous calls, because scanning, hashing and applying run inside worker
 * threads, where they cost a fraction of the promise API. Adapters: node:fs, and the simulated one of tests/sim (which can
 * lose its page cache, fold case, run full and fail).
 *
 * Paths are absolute. No call follows a symlink at its last component. Errors are thrown as Node's (with `code`: ENOENT,
 * EEXIST, ENOSPC, EACCES, ELOOP, EIO …); only `lstat` answers undefined for what is not there.
 */
export type FileKind = 'file' | 'folder' | 'symlink' | 'other';

export interface FileStat {
  readonly kind: FileKind;
  readonly size: number;
  /** Milliseconds with fractions: finer than any change we must tell apart together with ctime, size and inode. */
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly dev: number;
  /** Executable bits only: mode & 0o111. */
  readonly mode: number;
}

export type FileHandle = number;

export interface FileSystem {
  lstat(path: string): FileStat | undefined;
  /** Names in a folder, as text, with those that are not valid UTF-8 listed apart. Unordered. */
  list(folder: string): { readonly names: readonly string[]; readonly unreadable: number };
  readLink(path: string): string;

  /** Opens for reading, never through a symlink at the last component. */
  openRead(path: string): FileHandle;
  /** Creates a new file for writing (O_EXCL), 0600 plus `mode`. */
  openNew(path: string, mode: number): FileHandle;
  stat(handle: FileHandle): FileStat;
  /** Bytes read; 0 at the end. */
  read(handle: FileHandle, into: Uint8Array, position: number): number;
  write(handle: FileHandle, bytes: Uint8Array, position: number): void;
  truncate(handle: FileHandle, size: number): void;
  setTimes(handle: FileHandle, mtimeMs: number): void;
  flush(handle: FileHandle): void;
  close(handle: FileHandle): void;

  /** Atomic; replaces a file or symlink at `to`. */
  rename(from: string, to: string): void;
  makeFolder(path: string): void;
  /** Only an empty one. */
  removeFolder(path: string): void;
  removeFile(path: string): void;
  makeLink(target: string, path: string): void;
  setMode(path: string, mode: number): void;
  /**
   * Gives the file `to` the read and write permissions of the file `from`, and its owner where this process may; `to` keeps its
   * executable bits. Absent where a file system has no such permissions.
   */
  copyPermissions?(from: string, to: string): void;
  /** The write permissions of a file: its mode & 0o222. Absent where a file system has no such permissions. */
  writeBits?(path: string): number;
  /** Gives a file these write permissions, and leaves the rest of its mode. */
  setWriteBits?(path: string, bits: number): void;
  /** Makes the names in a folder durable. */
  flushFolder(path: string): void;
  /** Makes everything written so far to the file system of `path` durable, in one go; falls back to nothing cheaper than the truth: returns false where the host has no such call. */
  flushAll(path: string): boolean;
  freeBytes(path: string): number;
  /**
   * Whether the host can hold a file of this very name, and tells no lie about it (Windows drops a trailing dot, and writes `a:b`
   * into `a`). Absent where every name is taken or refused with an error.
   */
  takesName?(name: string): boolean;
  /**
   * Holds a folder open and gives a path that names that very folder until `close`, whatever is put in its place meanwhile
   * (openat's guarantee). Throws ELOOP or ENOTDIR for a symlink or another kind. Only where the host can do it.
   */
  readonly pinFolder?: (path: string) => PinnedFolder;
}

export interface PinnedFolder {
  readonly path: string;
  readonly stat: FileStat;
  close(): void;
}
