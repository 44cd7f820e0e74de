/**
 * Folders below the root, safe to write in. Every path is taken component by component, each of which must be a folder of
 * this file system and no symlink, at the time of use (CVE-2017-1000420: a write through a synced symlink left the root).
 * Where the host can hold a folder open (Linux), what is done in it is done in that very folder, even if a symlink is
 * planted at its path between check and use; elsewhere the window is the time between two system calls.
 *
 *     const folders = new SafeFolders(fs, '/home/ann/Tide');
 *     fs.removeFile(folders.at('a/b/c.txt'));     // /proc/self/fd/9/c.txt, where 9 is /home/ann/Tide/a/b
 *     folders.close();
 *
 * One instance serves one batch of work and is closed after it: at most `pinnedMax` folders are held open.
 */
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';
import { checkPath } from '../../../shared/core/paths/rel-path.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import { Blocked } from './file-problem.ts';
import { tempFolder } from './control-folder.ts';

interface SafeFolder {
  /** By which names in it are addressed. */
  readonly address: string;
  readonly stat: FileStat;
  /** Whether `address` names this very folder, whatever its path leads to. */
  readonly isPinned: boolean;
  readonly close: () => void;
}

const pinnedMax = 128;

function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? { folder: '', name: path } : { folder: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** The folder of a path relative to the root; `''` is the root. */
export function folderOf(path: string): string {
  return splitPath(path).folder;
}

/** A safe path for the agent's own files: `.tidemark/tmp/` and a single plain name. */
function isOwnTempPath(path: string): boolean {
  return path.startsWith(`${tempFolder}/`) && /^[0-9a-z-]+$/.test(path.slice(tempFolder.length + 1));
}

/** Throws `Blocked` for a path that no synced node may have: outside the root, or in the control folder by any alias. */
export function checkSyncedPath(path: string): void {
  if (path === '') throw new Blocked('the root itself is not a node');
  const fault = checkPath(path);
  if (fault !== 'ok') throw new Blocked(`not a path in a workspace: ${fault}`);
}

export class SafeFolders {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #open = new Map<string, SafeFolder>();

  constructor(fs: FileSystem, root: string) {
    this.#fs = fs;
    this.#root = root;
  }

  /**
   * The path by which to address the node at `path` (relative to the root), whose folder was checked just now. Throws
   * `Blocked` when the path or a folder on it is not what it must be, and a file error when a folder is missing.
   */
  at(path: string): string {
    if (!isOwnTempPath(path)) checkSyncedPath(path);
    const { folder, name } = splitPath(path);
    this.#checkTaken(name);
    return `${this.#checkedFolder(folder).address}/${name}`;
  }

  /**
   * As `at`, for a file to be read: a folder that was checked earlier in this batch and is held open is not checked again. What is
   * read is proved by its hash or inode.
   */
  atForReading(path: string): string {
    checkSyncedPath(path);
    const { folder, name } = splitPath(path);
    this.#checkTaken(name);
    const known = this.#open.get(folder);
    return `${(known?.isPinned === true ? known : this.#checkedFolder(folder)).address}/${name}`;
  }

  /** As `at`, for a folder and what is in it; `''` is the root. */
  folder(path: string): string {
    if (path !== '' && path !== tempFolder && path !== controlFolder) checkSyncedPath(path);
    return this.#checkedFolder(path).address;
  }

  /** Forgets folders at and below a path, to be called before they are moved or removed. */
  forget(path: string): void {
    for (const [key, folder] of this.#open) {
      if (key !== path && !key.startsWith(`${path}/`)) continue;
      folder.close();
      this.#open.delete(key);
    }
  }

  close(): void {
    for (const folder of this.#open.values()) folder.close();
    this.#open.clear();
  }

  #checkTaken(name: string): void {
    if (this.#fs.takesName?.(name) !== false) return;
    throw new Blocked(`this disk cannot hold the name ${name}; it stays on the server`, 'name');
  }

  /** A folder checked earlier is checked again by the identity of what its path leads to now. */
  #checkedFolder(path: string): SafeFolder {
    const known = this.#open.get(path);
    if (known === undefined) return this.#enter(path);
    // The agent's own folder: nobody else has a reason to replace it, and what is in it is in no synced path.
    if (known.isPinned && path === tempFolder) return known;
    const now = this.#fs.lstat(this.#absolute(path));
    if (now?.kind !== 'folder' || now.ino !== known.stat.ino || now.dev !== known.stat.dev) {
      this.forget(path);
      return this.#enter(path);
    }
    return known;
  }

  #enter(path: string): SafeFolder {
    if (path === '') return this.#keep('', this.#openFolder(this.#root));
    const { folder, name } = splitPath(path);
    this.#checkTaken(name);
    const parent = this.#checkedFolder(folder);
    const opened = this.#openFolder(`${parent.address}/${name}`);
    if (opened.stat.dev !== parent.stat.dev) {
      opened.close();
      throw new Blocked(`${path} is on another file system`);
    }
    return this.#keep(path, opened);
  }

  #keep(path: string, folder: SafeFolder): SafeFolder {
    if (this.#open.size >= pinnedMax) this.#closeLeaves(path);
    this.#open.set(path, folder);
    return folder;
  }

  /** Makes room: the oldest folders that are not above the one to be kept. */
  #closeLeaves(path: string): void {
    for (const [key, folder] of this.#open) {
      if (key === '' || path.startsWith(`${key}/`)) continue;
      folder.close();
      this.#open.delete(key);
      if (this.#open.size < pinnedMax / 2) return;
    }
  }

  #openFolder(address: string): SafeFolder {
    if (this.#fs.pinFolder !== undefined) {
      const pinned = this.#fs.pinFolder(address);
      return { address: pinned.path, stat: pinned.stat, isPinned: true, close: () => pinned.close() };
    }
    const stat = this.#fs.lstat(address);
    if (stat === undefined) throw Object.assign(new Error(`no such folder: ${address}`), { code: 'ENOENT' });
    if (stat.kind !== 'folder') throw new Blocked(`a ${stat.kind} stands where a folder must be`);
    return { address, stat, isPinned: false, close: () => undefined };
  }

  #absolute(path: string): string {
    return path === '' ? this.#root : `${this.#root}/${path}`;
  }
}
