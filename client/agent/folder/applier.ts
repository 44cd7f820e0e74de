/**
 * One action on this disk at a time: each checks that what it replaces or removes is still what was expected, and does one
 * atomic call.
 */
import { aliasKey } from '../../../shared/core/paths/alias-key.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import type { StatMark } from '../model.ts';
import type { ApplyAction } from '../ports.ts';
import { isParkedPath, tempFolder } from './control-folder.ts';
import { isHeldByIgnored } from '../ignore/left-out.ts';
import { rulesName } from '../ignore/rules.ts';
import { joinPath } from '../journal/paths.ts';
import { Blocked, errorToProblem, fileErrorCode } from './file-problem.ts';
import { SafeFolders, folderOf } from './safe-folders.ts';
import { inodeKey, sameButForCtime, sameInode, sameMark, toStatMark, unsureMark } from './stat-mark.ts';

/** An action, with its file or link in the control folder where it has one. */
export interface Step {
  readonly action: ApplyAction;
  readonly temp: string | null;
}

/** What this application did to a file itself: where the planner expects `before`, `after` is right too. */
export interface OwnChange {
  readonly before: StatMark;
  readonly after: StatMark;
}

export interface ApplierSetting {
  readonly root: string;
  /** Of earlier calls for the same plan. */
  readonly own: readonly OwnChange[];
  /** All that is to be done. */
  readonly steps: readonly Step[];
}

/** Flushing the whole file system takes a few ms; folder by folder it is the better choice for a handful. */
const foldersFlushedEachMax = 8;

/** Where a move may begin or end: a synced path, or a parking place. */
function checkMovePath(path: string): void {
  if (path.startsWith(`${tempFolder}/`) && !isParkedPath(path)) throw new Blocked('not a place to move a node to');
}

function isCaseChange(from: string, to: string): boolean {
  return folderOf(from) === folderOf(to) && aliasKey(from) === aliasKey(to);
}

/** Actions that put a file made under a temporary name in its place. */
type Placed = ApplyAction & { kind: 'write-file' | 'make-symlink' };

export class Applier {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #folders: SafeFolders;
  readonly #own = new Map<string, OwnChange>();
  /** Folders whose names changed. */
  readonly #changed = new Set<string>();
  readonly #foldersToGo: ReadonlySet<string>;

  constructor(fs: FileSystem, { root, own, steps }: ApplierSetting) {
    this.#fs = fs;
    this.#root = root;
    this.#folders = new SafeFolders(fs, root);
    for (const change of own) this.#own.set(inodeKey(change.before), change);
    const gone = steps.filter(({ action }) => action.kind === 'remove-folder');
    this.#foldersToGo = new Set(gone.map(({ action }) => action.path));
  }

  get own(): readonly OwnChange[] {
    return [...this.#own.values()];
  }

  close(): void {
    this.#folders.close();
  }

  carryOut({ action, temp }: Step): StatMark | null {
    switch (action.kind) {
      case 'make-folder':
        return this.#makeFolder(action.path);
      case 'write-file':
        return this.#putInPlace(action, temp);
      case 'make-symlink':
        return this.#makeSymlink(action, temp);
      case 'set-mode':
        return this.#setMode(action);
      case 'move':
        return this.#move(action);
      case 'remove-file':
        return this.#removeFile(action);
      case 'remove-folder':
        return this.#removeFolder(action.path);
    }
  }

  /** Makes all names changed so far durable. */
  flush(): void {
    if (this.#changed.size > foldersFlushedEachMax && this.#fs.flushAll(this.#root)) return;
    for (const path of this.#changed) this.#fs.flushFolder(this.#folders.folder(path));
  }

  discard(temp: string): void {
    try {
      this.#fs.removeFile(this.#folders.at(temp));
    } catch (error) {
      // Gone already, or to be swept by the next start.
      errorToProblem(temp, error);
    }
  }

  #makeFolder(path: string): StatMark {
    const at = this.#folders.at(path);
    const found = this.#fs.lstat(at);
    if (found !== undefined && found.kind !== 'folder') throw new Blocked(`a ${found.kind} is there`);
    if (found === undefined) {
      this.#fs.makeFolder(at);
      this.#noteChange(path);
    } else {
      this.#checkNamed(path);
    }
    return this.#mark(at);
  }

  /** Throws unless what is there has this very name: on a disk that folds names another one leads to it too. */
  #checkNamed(path: string): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const { names } = this.#fs.list(this.#folders.folder(folderOf(path)));
    if (names.includes(name)) return;
    const other = names.find((there) => aliasKey(there) === aliasKey(name));
    const what = other === undefined ? 'another name' : `${other}, which is there`;
    throw new Blocked(`this disk takes its name for ${what}; it stays on the server`, 'alias');
  }

  #putInPlace(action: Placed, temp: string | null): StatMark {
    if (temp === null) throw new Blocked('its content was not written');
    const at = this.#folders.at(action.path);
    const found = this.#fs.lstat(at);
    if (action.expected === null && found !== undefined) this.#checkNamed(action.path);
    this.#checkExpected(found, action.expected);
    const from = this.#folders.at(temp);
    if (found?.kind === 'file' && action.kind === 'write-file') this.#fs.copyPermissions?.(at, from);
    const written = this.#mark(from);
    this.#fs.rename(from, at);
    this.#noteChange(action.path);
    return this.#noteOwn(action.expected, this.#markAfter(at, written));
  }

  #makeSymlink(action: ApplyAction & { kind: 'make-symlink' }, temp: string | null): StatMark {
    if (temp === null) throw new Blocked('it has no name to be made under');
    this.#fs.makeLink(action.target, this.#folders.at(temp));
    return this.#putInPlace(action, temp);
  }

  #setMode(action: ApplyAction & { kind: 'set-mode' }): StatMark {
    const at = this.#folders.at(action.path);
    const found = this.#fs.lstat(at);
    this.#checkExpected(found, action.expected);
    if (found?.kind !== 'file') throw new Blocked(`a ${found?.kind} has no executable bits`);
    this.#fs.setMode(at, action.mode);
    this.#noteChange(action.path);
    return this.#noteOwn(action.expected, this.#markAfter(at, toStatMark(found)));
  }

  /**
   * The content moves along, so it need not be as expected: only the inode must. Then its mark is one that no stat equals, so
   * that the next scan reads what the user wrote meanwhile.
   */
  #move(action: ApplyAction & { kind: 'move' }): StatMark {
    const { from, path, expected, what } = action;
    checkMovePath(from);
    checkMovePath(path);
    const source = this.#folders.at(from);
    const target = this.#folders.at(path);
    const found = this.#fs.lstat(source);
    if (found === undefined) throw new Blocked(`it is not at ${from} any more`);
    const own = this.#own.get(inodeKey(expected));
    if (found.kind !== what) throw new Blocked(`a ${found.kind} is at ${from}`);
    if (!sameInode(found, expected) && !(own !== undefined && sameInode(found, own.after))) {
      throw new Blocked(`something else is at ${from}`);
    }
    const there = this.#fs.lstat(target);
    if (there !== undefined && !(sameInode(there, found) && isCaseChange(from, path))) {
      if (!isParkedPath(path)) this.#checkNamed(path);
      throw new Blocked(`a ${there.kind} is at its new place`);
    }
    this.#folders.forget(from);
    this.#fs.rename(source, target);
    this.#noteMove(from, path);
    const after = this.#markAfter(target, toStatMark(found));
    const isAsExpected =
      found.kind === 'folder' || sameMark(found, expected) || (own !== undefined && sameMark(found, own.after));
    return this.#noteOwn(expected, isAsExpected ? after : unsureMark(expected));
  }

  #removeFile(action: ApplyAction & { kind: 'remove-file' }): null {
    const at = this.#folders.at(action.path);
    const found = this.#fs.lstat(at);
    if (found === undefined) return null;
    this.#checkExpected(found, action.expected);
    if (this.#staysWithFolder(action.path)) return null;
    this.#fs.removeFile(at);
    this.#noteChange(action.path);
    return null;
  }

  #removeFolder(path: string): null {
    const at = this.#folders.at(path);
    const found = this.#fs.lstat(at);
    if (found === undefined) return null;
    if (found.kind !== 'folder') throw new Blocked(`a ${found.kind} is there`);
    this.#folders.forget(path);
    try {
      this.#fs.removeFolder(at);
    } catch (error) {
      if (fileErrorCode(error) !== 'ENOTEMPTY') throw error;
      // The folder stays on this disk for what is ignored in it, and is none of the workspace any more.
      if (isHeldByIgnored(this.#fs, this.#root, path)) return null;
      throw new Blocked('it was removed elsewhere, and stays here for what is in it and not synced');
    }
    for (const key of this.#changed) if (key === path || key.startsWith(`${path}/`)) this.#changed.delete(key);
    this.#noteChange(path);
    return null;
  }

  /** Whether this file of rules stays with a folder that is to go and cannot, for what is ignored: without its rules that would be new. */
  #staysWithFolder(path: string): boolean {
    const folder = folderOf(path);
    if (path !== joinPath(folder, rulesName) || !this.#foldersToGo.has(folder)) return false;
    return isHeldByIgnored(this.#fs, this.#root, folder);
  }

  #checkExpected(found: FileStat | undefined, expected: StatMark | null): void {
    if (expected === null) {
      if (found !== undefined) throw new Blocked(`a ${found.kind} that is not synced yet is there`);
      return;
    }
    if (found === undefined) throw new Blocked('it is gone');
    if (found.kind === 'folder') throw new Blocked('a folder is there');
    if (sameMark(found, expected)) return;
    const own = this.#own.get(inodeKey(expected));
    if (own !== undefined && sameMark(own.before, expected) && sameMark(own.after, found)) return;
    throw new Blocked('it was changed and is not synced yet');
  }

  #mark(at: string): StatMark {
    const stat = this.#fs.lstat(at);
    if (stat === undefined) throw new Blocked('it went away');
    return toStatMark(stat);
  }

  /**
   * The mark of what was just put in place or changed. When somebody wrote to it since it was `before`, it is an unsure one of the
   * content that is known, with that one's size: what is told to the server of the two must fit together.
   */
  #markAfter(at: string, before: StatMark): StatMark {
    const after = this.#mark(at);
    // Given the very time that it is now, a later write in this tick of the disk's clock would leave no other.
    const isSure = sameButForCtime(after, before) && after.mtimeMs !== after.ctimeMs;
    return isSure ? after : unsureMark({ ...before, mode: after.mode });
  }

  #noteOwn(before: StatMark | null, after: StatMark): StatMark {
    if (before !== null) this.#own.set(inodeKey(before), { before, after });
    return after;
  }

  #noteChange(path: string): void {
    this.#changed.add(folderOf(path));
  }

  /** Folders below a moved folder are flushed where they are now. */
  #noteMove(from: string, to: string): void {
    for (const key of this.#changed) {
      if (key !== from && !key.startsWith(`${from}/`)) continue;
      this.#changed.delete(key);
      this.#changed.add(to + key.slice(from.length));
    }
    this.#noteChange(from);
    this.#noteChange(to);
  }
}
