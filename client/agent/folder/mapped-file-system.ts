/**
 * A FileSystem on which every name below the root lies as name-mapping.ts writes it: to its users names are those of nodes.
 * The one place where names of nodes become names on the disk and come back.
 *
 * Targets of links are content, and are not mapped. Names on the disk that are those of no node count among the names that
 * cannot be told (`unreadable` of `list`).
 */
import type { FileSystem, PinnedFolder } from '../file-system.ts';
import type { Link } from './control-folder.ts';
import { diskToName, nameToDisk } from './name-mapping.ts';

class Mapping {
  readonly #fs: FileSystem;
  readonly #root: string;
  /** Paths of folders that are held open: they are the host's, and only what follows them is a name. */
  readonly #pinned = new Map<string, number>();

  constructor(fs: FileSystem, root: string) {
    this.#fs = fs;
    this.#root = root;
  }

  toDisk(path: string): string {
    if (path === this.#root || this.#pinned.has(path)) return path;
    const folder = path.slice(0, path.lastIndexOf('/'));
    if (this.#pinned.has(folder)) return `${folder}/${nameToDisk(path.slice(folder.length + 1))}`;
    if (!path.startsWith(`${this.#root}/`)) return path;
    const names = path.slice(this.#root.length + 1).split('/');
    return [this.#root, ...names.map(nameToDisk)].join('/');
  }

  list(folder: string): ReturnType<FileSystem['list']> {
    const { names, unreadable } = this.#fs.list(this.toDisk(folder));
    const mapped = names.map(diskToName).filter((name) => name !== undefined);
    return { names: mapped, unreadable: unreadable + names.length - mapped.length };
  }

  pin(pinFolder: (path: string) => PinnedFolder, path: string): PinnedFolder {
    const pinned = pinFolder(this.toDisk(path));
    this.#pinned.set(pinned.path, (this.#pinned.get(pinned.path) ?? 0) + 1);
    return {
      path: pinned.path,
      stat: pinned.stat,
      close: () => {
        const others = (this.#pinned.get(pinned.path) ?? 1) - 1;
        if (others === 0) this.#pinned.delete(pinned.path);
        else this.#pinned.set(pinned.path, others);
        pinned.close();
      },
    };
  }
}

/** `fs` as the folder of this link needs it. */
export function fileSystemOfLink(fs: FileSystem, root: string, { names }: Pick<Link, 'names'>): FileSystem {
  return names === 'mapped' ? withMappedNames(fs, root) : fs;
}

/** `fs` with mapped names below `root`, an absolute path without a trailing slash. */
export function withMappedNames(fs: FileSystem, root: string): FileSystem {
  const mapping = new Mapping(fs, root);
  const at = (path: string): string => mapping.toDisk(path);
  return {
    lstat: (path) => fs.lstat(at(path)),
    list: (folder) => mapping.list(folder),
    readLink: (path) => fs.readLink(at(path)),
    openRead: (path) => fs.openRead(at(path)),
    openNew: (path, mode) => fs.openNew(at(path), mode),
    stat: (handle) => fs.stat(handle),
    read: (handle, into, position) => fs.read(handle, into, position),
    write: (handle, bytes, position) => fs.write(handle, bytes, position),
    truncate: (handle, size) => fs.truncate(handle, size),
    setTimes: (handle, mtimeMs) => fs.setTimes(handle, mtimeMs),
    flush: (handle) => fs.flush(handle),
    close: (handle) => fs.close(handle),
    rename: (from, to) => fs.rename(at(from), at(to)),
    makeFolder: (path) => fs.makeFolder(at(path)),
    removeFolder: (path) => fs.removeFolder(at(path)),
    removeFile: (path) => fs.removeFile(at(path)),
    makeLink: (target, path) => fs.makeLink(target, at(path)),
    setMode: (path, mode) => fs.setMode(at(path), mode),
    flushFolder: (path) => fs.flushFolder(at(path)),
    flushAll: (path) => fs.flushAll(at(path)),
    freeBytes: (path) => fs.freeBytes(at(path)),
    ...(fs.copyPermissions && { copyPermissions: (from, to) => fs.copyPermissions?.(at(from), at(to)) }),
    ...(fs.writeBits && { writeBits: (path) => fs.writeBits!(at(path)) }),
    ...(fs.setWriteBits && { setWriteBits: (path, bits) => fs.setWriteBits?.(at(path), bits) }),
    ...(fs.pinFolder && { pinFolder: (path) => mapping.pin(fs.pinFolder!, path) }),
  };
}
