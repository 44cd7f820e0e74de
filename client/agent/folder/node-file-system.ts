/**
 * FileSystem over node:fs. Every call is synchronous: it is meant for worker threads, where a call costs a fraction of the
 * promise API's. libuv repeats calls that a signal interrupted (EINTR), so none of them surfaces here.
 *
 * Opening never follows a symlink at the last component (O_NOFOLLOW) and never waits for a FIFO's writer (O_NONBLOCK).
 */
import { isUtf8 } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  writeSync,
  type Stats,
} from 'node:fs';
import type { FileHandle, FileKind, FileStat, FileSystem, PinnedFolder } from '../file-system.ts';
import { isWindowsReserved } from '../../../shared/core/paths/name.ts';
import { executableBits } from '../../../shared/core/tree/entry.ts';
import { fileErrorCode } from './file-problem.ts';

/** Absent on Windows, where opening does not follow reparse points by these flags anyway: SafePaths checks there. */
const noFollow = constants.O_NOFOLLOW ?? 0;
const noWait = constants.O_NONBLOCK ?? 0;
const folderOnly = constants.O_DIRECTORY ?? 0;

/** For user, group and others. */
const writeBits = 0o222;

function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

function toFileStat(stats: Stats): FileStat {
  return {
    kind: kindOf(stats),
    size: stats.size,
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
    ino: stats.ino,
    dev: stats.dev,
    mode: stats.mode & executableBits,
  };
}

const replacementCharacter = '\ufffd';

/** Reading names as text replaces invalid bytes by U+FFFD, so only a listing that shows one is read again as bytes. */
function list(folder: string): { names: string[]; unreadable: number } {
  const names = readdirSync(folder);
  if (!names.some((name) => name.includes(replacementCharacter))) return { names, unreadable: 0 };
  const raw = readdirSync(folder, { encoding: 'buffer' });
  const valid = raw.filter((name) => isUtf8(name));
  return { names: valid.map((name) => name.toString('utf8')), unreadable: raw.length - valid.length };
}

function openNew(path: string, mode: number): FileHandle {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow;
  const handle = openSync(path, flags, 0o666 | mode);
  if (mode !== 0) {
    const { mode: given } = fstatSync(handle);
    if ((given & executableBits) !== mode) fchmodSync(handle, (given & 0o666) | mode);
  }
  return handle;
}

function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at, bytes.length - at, position + at);
}

/** Seconds as a number are refused below zero by node:fs (it takes the present time instead); a Date is not. */
function toTime(ms: number): number | Date {
  return ms < 0 ? new Date(ms) : ms / 1000;
}

/** Runs and closes; the close error counts only if nothing else failed. */
function withHandle(handle: FileHandle, use: (handle: FileHandle) => void): void {
  try {
    use(handle);
  } finally {
    closeSync(handle);
  }
}

/** coreutils' `sync -f` is syncfs(2): one flush for any number of files. Since Linux 5.8 it reports write errors. */
function createFlushAll(): (path: string) => boolean {
  let available = process.platform === 'linux';
  return (path) => {
    if (!available) return false;
    const { status, error, stderr } = spawnSync('sync', ['-f', '--', path], { encoding: 'utf8' });
    if (error !== undefined || (status !== 0 && /invalid option|unrecognized option/.test(stderr))) {
      available = false;
      return false;
    }
    if (status !== 0) {
      throw Object.assign(new Error(`flushing the file system failed: ${stderr.trim()}`), { code: 'EIO', path });
    }
    return true;
  };
}

/**
 * Linux names every open handle in /proc/self/fd: a path through it is resolved from the open folder, as by openat(2). The
 * name itself is a link, which O_NOFOLLOW would refuse, so the path ends in `/.`, the folder.
 */
function pinFolder(path: string): PinnedFolder {
  const handle = openSync(path, constants.O_RDONLY | folderOnly | noFollow);
  return {
    path: `/proc/self/fd/${handle}/.`,
    stat: toFileStat(fstatSync(handle)),
    close: () => closeSync(handle),
  };
}

/** A private file stays private whoever edits it. The owner is given last: it may be another's, and then only root can. */
function copyPermissions(from: string, to: string): void {
  const model = lstatSync(from);
  withHandle(openSync(to, constants.O_RDONLY | noFollow | noWait), (handle) => {
    const own = fstatSync(handle);
    fchmodSync(handle, (model.mode & 0o666) | (own.mode & executableBits));
    if (model.uid === own.uid && model.gid === own.gid) return;
    try {
      fchownSync(handle, model.uid, model.gid);
    } catch (error) {
      if (fileErrorCode(error) !== 'EPERM') throw error;
    }
  });
}

function canPin(): boolean {
  return process.platform === 'linux' && lstatSync('/proc/self/fd', { throwIfNoEntry: false }) !== undefined;
}

/** A FileSystem over this machine's. Errors are node:fs's own, with `code`. */
export function createNodeFileSystem(): FileSystem {
  return {
    lstat(path) {
      try {
        const stats = lstatSync(path, { throwIfNoEntry: false });
        return stats === undefined ? undefined : toFileStat(stats);
      } catch (error) {
        if (fileErrorCode(error) === 'ENOTDIR') return undefined;
        throw error;
      }
    },
    list,
    readLink: (path) => readlinkSync(path),
    openRead: (path) => openSync(path, constants.O_RDONLY | noFollow | noWait),
    openNew,
    stat: (handle) => toFileStat(fstatSync(handle)),
    read: (handle, into, position) => readSync(handle, into, 0, into.length, position),
    write: writeAll,
    truncate: (handle, size) => ftruncateSync(handle, size),
    setTimes: (handle, mtimeMs) => futimesSync(handle, toTime(mtimeMs), toTime(mtimeMs)),
    flush: (handle) => fsyncSync(handle),
    close: (handle) => closeSync(handle),
    rename: (from, to) => renameSync(from, to),
    makeFolder(path) {
      mkdirSync(path);
    },
    removeFolder: (path) => rmdirSync(path),
    removeFile: (path) => unlinkSync(path),
    makeLink: (target, path) => symlinkSync(target, path),
    setMode: (path, mode) =>
      withHandle(openSync(path, constants.O_RDONLY | noFollow | noWait), (handle) =>
        fchmodSync(handle, (fstatSync(handle).mode & 0o666) | mode),
      ),
    copyPermissions,
    writeBits: (path) => lstatSync(path).mode & writeBits,
    setWriteBits: (path, bits) =>
      withHandle(openSync(path, constants.O_RDONLY | noFollow | noWait), (handle) =>
        fchmodSync(handle, (fstatSync(handle).mode & 0o7777 & ~writeBits) | (bits & writeBits)),
      ),
    flushFolder: (path) =>
      withHandle(openSync(path, constants.O_RDONLY | folderOnly | noFollow), (handle) => fsyncSync(handle)),
    flushAll: createFlushAll(),
    freeBytes(path) {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    },
    ...(process.platform === 'win32' ? { takesName: (name: string) => !isWindowsReserved(name) } : {}),
    ...(canPin() ? { pinFolder } : {}),
  };
}
