/**
 * A FileSystem in memory with POSIX's rules, for the simulation: inodes, atomic renames, symlinks, hard rules on what may replace
 * what; a page cache and a disk that a power cut tells apart (simulated-disk.ts); a size; faults on demand; names that
 * fold case and Unicode forms, if asked. No clock: times are whatever `tick` counts.
 */
import type { FileHandle, FileKind, FileStat, FileSystem } from '../../client/agent/file-system.ts';
import { aliasKey } from '../../shared/core/paths/alias-key.ts';
import { type Inode, SimulatedDisk } from './simulated-disk.ts';
import { OpenHandles } from './simulated-handles.ts';
import { type Found, checkReplace, fileError, findName } from './simulated-names.ts';

export { fileError } from './simulated-names.ts';

export interface SimulatedFileSystemOptions {
  /** The next time in milliseconds; every change of an inode takes one, so that no two look alike. */
  readonly tick?: () => number;
  /** Names that differ only in case or Unicode form are one name. */
  readonly folds?: boolean;
  readonly reusesInodes?: boolean;
  readonly capacityBytes?: number;
}

/** A call about to be made; throwing an error made by `fileError` fails it, before it did anything. */
export type CallHook = (call: keyof FileSystem, path: string, to?: string) => void;

export class SimulatedFileSystem implements FileSystem {
  /** Called before every call. */
  onCall: CallHook = () => undefined;
  /** Whether it says that it has no room, whatever it has. */
  isFull = false;
  readonly #disk: SimulatedDisk;
  readonly #tick: () => number;
  readonly #keyOf: (name: string) => string;
  readonly #capacityBytes: number;
  readonly #handles = new OpenHandles();
  readonly #unreadable = new Map<number, number>();

  constructor(options: SimulatedFileSystemOptions = {}) {
    let time = 1_000_000;
    this.#tick = options.tick ?? (() => ++time);
    this.#keyOf = options.folds === true ? aliasKey : (name) => name;
    this.#capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    this.#disk = new SimulatedDisk(options.reusesInodes ?? false);
    const root = this.#disk.create('folder', '', { bytes: new Uint8Array(0), mode: 0, mtimeMs: 0 }, this.#tick());
    root.parent = root.ino;
  }

  /** Power cut: what was not flushed is lost, or not, as `survives` says. Handles are gone. */
  cut(survives: () => boolean = () => false): void {
    this.#handles.clear();
    this.#disk.cut(survives);
  }

  /** A FIFO, socket or device. */
  makeSpecial(path: string): void {
    const found = this.#free('makeFolder', path);
    this.#link(found, this.#newInode('other', '', 0));
  }

  /** Names in a folder that are not valid UTF-8. */
  setUnreadableNames(folder: string, count: number): void {
    this.#unreadable.set(this.#must('list', folder).ino, count);
  }

  /** As a user's program does it: through the very calls that the agent makes. */
  writeFile(path: string, bytes: Uint8Array, mode = 0): void {
    const handle = this.lstat(path) === undefined ? this.openNew(path, mode) : this.#openToWrite(path);
    this.truncate(handle, 0);
    this.write(handle, bytes, 0);
    this.close(handle);
  }

  readFile(path: string): Uint8Array {
    return this.bytesOf(path).slice();
  }

  /** A file's bytes as they are, for looking at only: not a copy, and not through `onCall`. */
  bytesOf(path: string): Uint8Array {
    return this.#must('openRead', path).content.bytes;
  }

  lstat(path: string): FileStat | undefined {
    this.onCall('lstat', path);
    const found = findName(this.#disk, this.#keyOf, 'lstat', path, false);
    return found?.inode === undefined ? undefined : this.#statOf(found.inode);
  }

  list(folder: string): { readonly names: readonly string[]; readonly unreadable: number } {
    this.onCall('list', folder);
    const inode = this.#must('list', folder);
    if (inode.kind !== 'folder') throw fileError('ENOTDIR', 'list', folder);
    return {
      names: [...inode.names.values()].map(({ name }) => name),
      unreadable: this.#unreadable.get(inode.ino) ?? 0,
    };
  }

  readLink(path: string): string {
    this.onCall('readLink', path);
    const inode = this.#must('readLink', path);
    if (inode.kind !== 'symlink') throw fileError('EINVAL', 'readLink', path);
    return inode.target;
  }

  openRead(path: string): FileHandle {
    this.onCall('openRead', path);
    const inode = this.#must('openRead', path);
    if (inode.kind === 'symlink') throw fileError('ELOOP', 'openRead', path);
    return this.#handles.open({ inode, path, canWrite: false });
  }

  openNew(path: string, mode: number): FileHandle {
    this.onCall('openNew', path);
    const found = this.#free('openNew', path);
    if (this.#freeBytes() === 0) throw fileError('ENOSPC', 'openNew', path);
    const inode = this.#newInode('file', '', mode);
    this.#link(found, inode);
    return this.#handles.open({ inode, path, canWrite: true });
  }

  stat(handle: FileHandle): FileStat {
    const { inode, path } = this.#handles.get(handle);
    this.onCall('stat', path);
    return this.#statOf(inode);
  }

  read(handle: FileHandle, into: Uint8Array, position: number): number {
    const { inode, path } = this.#handles.get(handle);
    this.onCall('read', path);
    if (inode.kind === 'folder') throw fileError('EISDIR', 'read', path);
    const bytes = inode.content.bytes.subarray(position, position + into.length);
    into.set(bytes);
    return bytes.length;
  }

  write(handle: FileHandle, bytes: Uint8Array, position: number): void {
    const { path } = this.#handles.get(handle);
    this.onCall('write', path);
    const inode = this.#handles.getWritable(handle);
    const size = Math.max(inode.content.bytes.length, position + bytes.length);
    if (size - inode.content.bytes.length > this.#freeBytes()) throw fileError('ENOSPC', 'write', path);
    if (inode.room === null || inode.room.length < size) {
      inode.room = new Uint8Array(Math.max(64, 2 * size));
      inode.room.set(inode.content.bytes);
    }
    inode.room.set(bytes, position);
    this.#setBytes(inode, inode.room.subarray(0, size));
  }

  truncate(handle: FileHandle, size: number): void {
    this.onCall('truncate', this.#handles.get(handle).path);
    const inode = this.#handles.getWritable(handle);
    const bytes = new Uint8Array(size);
    inode.room = null;
    bytes.set(inode.content.bytes.subarray(0, size));
    this.#setBytes(inode, bytes);
  }

  setTimes(handle: FileHandle, mtimeMs: number): void {
    const { inode, path } = this.#handles.get(handle);
    this.onCall('setTimes', path);
    inode.content = { ...inode.content, mtimeMs };
    inode.ctimeMs = this.#tick();
  }

  flush(handle: FileHandle): void {
    const { inode, path } = this.#handles.get(handle);
    this.onCall('flush', path);
    this.#disk.flushFile(inode.ino);
  }

  close(handle: FileHandle): void {
    this.onCall('close', this.#handles.get(handle).path);
    this.#handles.close(handle);
  }

  rename(from: string, to: string): void {
    this.onCall('rename', from, to);
    const source = findName(this.#disk, this.#keyOf, 'rename', from);
    const target = findName(this.#disk, this.#keyOf, 'rename', to);
    if (source?.inode === undefined || target === undefined) throw fileError('ENOENT', 'rename', from);
    const { inode } = source;
    checkReplace(this.#disk, inode, target, from, to);
    if (target.inode === inode && source.name === target.name && source.folder === target.folder) return;
    inode.ctimeMs = this.#tick();
    this.#touchFolder(source.folder);
    this.#touchFolder(target.folder);
    const gone = { folder: source.folder.ino, key: source.key, to: null };
    const there = { folder: target.folder.ino, key: target.key, to: { name: target.name, ino: inode.ino } };
    this.#disk.change([gone, there], this.#isHeld);
  }

  makeFolder(path: string): void {
    this.onCall('makeFolder', path);
    const found = this.#free('makeFolder', path);
    this.#link(found, this.#newInode('folder', '', 0));
  }

  removeFolder(path: string): void {
    this.onCall('removeFolder', path);
    const { folder, key, inode } = this.#mustFind('removeFolder', path);
    if (inode?.kind !== 'folder') throw fileError('ENOTDIR', 'removeFolder', path);
    if (inode.names.size > 0) throw fileError('ENOTEMPTY', 'removeFolder', path);
    this.#unlink(folder, key);
  }

  removeFile(path: string): void {
    this.onCall('removeFile', path);
    const { folder, key, inode } = this.#mustFind('removeFile', path);
    if (inode?.kind === 'folder') throw fileError('EISDIR', 'removeFile', path);
    this.#unlink(folder, key);
  }

  makeLink(target: string, path: string): void {
    this.onCall('makeLink', path);
    const found = this.#free('makeLink', path);
    this.#link(found, this.#newInode('symlink', target, 0));
  }

  setMode(path: string, mode: number): void {
    this.onCall('setMode', path);
    const inode = this.#must('setMode', path);
    inode.content = { ...inode.content, mode };
    inode.ctimeMs = this.#tick();
  }

  flushFolder(path: string): void {
    this.onCall('flushFolder', path);
    this.#disk.flushFolder(this.#must('flushFolder', path).ino);
  }

  flushAll(path: string): boolean {
    this.onCall('flushAll', path);
    this.#disk.flushAll();
    return true;
  }

  freeBytes(): number {
    return this.isFull ? 0 : this.#freeBytes();
  }

  #freeBytes(): number {
    if (this.#capacityBytes === Number.MAX_SAFE_INTEGER) return this.#capacityBytes;
    let used = 0;
    for (const inode of this.#disk.inodes.values()) used += inode.content.bytes.length;
    return Math.max(0, this.#capacityBytes - used);
  }

  readonly #isHeld = (ino: number): boolean => this.#handles.holds(ino);

  #statOf({ ino, kind, target, content, ctimeMs }: Inode): FileStat {
    const size = kind === 'symlink' ? target.length : content.bytes.length;
    return { kind, size, mtimeMs: content.mtimeMs, ctimeMs, ino, dev: 1, mode: kind === 'file' ? content.mode : 0 };
  }

  #setBytes(inode: Inode, bytes: Uint8Array): void {
    const mtimeMs = this.#tick();
    inode.content = { ...inode.content, bytes, mtimeMs };
    inode.ctimeMs = mtimeMs;
  }

  #newInode(kind: FileKind, target: string, mode: number): Inode {
    const mtimeMs = this.#tick();
    return this.#disk.create(kind, target, { bytes: new Uint8Array(0), mode, mtimeMs }, mtimeMs);
  }

  #touchFolder(folder: Inode): void {
    const mtimeMs = this.#tick();
    folder.content = { ...folder.content, mtimeMs };
    folder.ctimeMs = mtimeMs;
  }

  #link({ folder, key, name }: Found, inode: Inode): void {
    this.#touchFolder(folder);
    const change = { folder: folder.ino, key, to: { name, ino: inode.ino } };
    this.#disk.change([change], this.#isHeld);
  }

  #unlink(folder: Inode, key: string): void {
    this.#touchFolder(folder);
    this.#disk.change([{ folder: folder.ino, key, to: null }], this.#isHeld);
  }

  #openToWrite(path: string): FileHandle {
    const inode = this.#must('openNew', path);
    if (inode.kind !== 'file') throw fileError('EISDIR', 'open', path);
    return this.#handles.open({ inode, path, canWrite: true });
  }

  #must(call: string, path: string): Inode {
    const { inode } = this.#mustFind(call, path);
    if (inode === undefined) throw fileError('ENOENT', call, path);
    return inode;
  }

  #mustFind(call: string, path: string): Found {
    const found = findName(this.#disk, this.#keyOf, call, path);
    if (found?.inode === undefined) throw fileError('ENOENT', call, path);
    return found;
  }

  #free(call: string, path: string): Found {
    const found = findName(this.#disk, this.#keyOf, call, path);
    if (found === undefined) throw fileError('ENOENT', call, path);
    if (found.inode !== undefined) throw fileError('EEXIST', call, path);
    return found;
  }
}
