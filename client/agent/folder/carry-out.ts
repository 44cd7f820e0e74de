/**
 * Task: the last step of an application. Each action checks that what it replaces or removes is still what was expected, and does
 * one atomic call; folders are flushed once for all. Whatever is found otherwise is left alone and reported.
 *
 * At every moment each path holds its whole old or its whole new content: files come by rename from the control folder,
 * already flushed there, and nothing is moved aside first.
 */
import { aliasKey } from '../../../shared/core/paths/alias-key.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import type { StatMark } from '../model.ts';
import type { ApplyAction, Problem } from '../ports.ts';
import type { Tools } from '../workers/tasks.ts';
import { isParkedPath, tempFolder } from './control-folder.ts';
import { Blocked, errorToProblem, fileErrorCode } from './file-problem.ts';
import { SafeFolders, folderOf } from './safe-folders.ts';
import { sameButForCtime, sameInode, sameMark, toStatMark, unsureMark } from './stat-mark.ts';

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

export interface CarryOutInput {
  readonly root: string;
  readonly steps: readonly Step[];
  /** Of earlier calls for the same plan. */
  readonly own: readonly OwnChange[];
}

export type StepResult = { readonly stat: StatMark | null } | { readonly problem: Problem };

export interface CarryOutOutput {
  /** By place in the input; fewer when the disk ran full, which the last one says then. */
  readonly results: readonly StepResult[];
  readonly own: readonly OwnChange[];
}

/** Flushing the whole file system takes a few ms; folder by folder it is the better choice for a handful. */
const foldersFlushedEachMax = 8;

function inodeKey({ dev, ino }: StatMark): string {
  return `${dev}:${ino}`;
}

/** Where a move may begin or end: a synced path, or a parking place. */
function checkMovePath(path: string): void {
  if (path.startsWith(`${tempFolder}/`) && !isParkedPath(path)) throw new Blocked('not a place to move a node to');
}

function isCaseChange(from: string, to: string): boolean {
  return folderOf(from) === folderOf(to) && aliasKey(from) === aliasKey(to);
}

/** Actions that put a file made under a temporary name in its place. */
type Placed = ApplyAction & { kind: 'write-file' | 'make-symlink' };

class Applier {
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #folders: SafeFolders;
  readonly #own = new Map<string, OwnChange>();
  /** Folders whose names changed. */
  readonly #changed = new Set<string>();

  constructor(fs: FileSystem, { root, own }: CarryOutInput) {
    this.#fs = fs;
    this.#root = root;
    this.#folders = new SafeFolders(fs, root);
    for (const change of own) this.#own.set(inodeKey(change.before), change);
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
    } else if (!this.#isNamed(path)) {
      throw new Blocked('this disk takes it for another folder, whose name differs in case or Unicode form');
    }
    return this.#mark(at);
  }

  /** Whether what is there has this very name: on a disk that folds names another one leads to it too. */
  #isNamed(path: string): boolean {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return this.#fs.list(this.#folders.folder(folderOf(path))).names.includes(name);
  }

  #putInPlace(action: Placed, temp: string | null): StatMark {
    if (temp === null) throw new Blocked('its content was not written');
    const at = this.#folders.at(action.path);
    const found = this.#fs.lstat(at);
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
    this.#fs.removeFolder(at);
    for (const key of this.#changed) if (key === path || key.startsWith(`${path}/`)) this.#changed.delete(key);
    this.#noteChange(path);
    return null;
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

/** A result for each step, up to one that found the disk full. */
function carryOutSteps(applier: Applier, steps: readonly Step[]): StepResult[] {
  const results: StepResult[] = [];
  for (const step of steps) {
    try {
      results.push({ stat: applier.carryOut(step) });
    } catch (error) {
      const problem = errorToProblem(step.action.path, error);
      results.push({ problem });
      if (step.temp !== null) applier.discard(step.temp);
      if (problem.code === 'full') break;
    }
  }
  return results;
}

/** When the flush fails, nothing of the batch counts as done: the next scan tells what is there. */
export function carryOut({ fs }: Tools, input: CarryOutInput): CarryOutOutput {
  const applier = new Applier(fs, input);
  try {
    const results = carryOutSteps(applier, input.steps);
    for (const { temp } of input.steps.slice(results.length)) if (temp !== null) applier.discard(temp);
    try {
      applier.flush();
    } catch (error) {
      if (fileErrorCode(error) === undefined && !(error instanceof Blocked)) throw error;
      return { results: results.map((result, i) => undurable(result, input.steps[i]!, error)), own: applier.own };
    }
    return { results, own: applier.own };
  } finally {
    applier.close();
  }
}

function undurable(result: StepResult, { action }: Step, error: unknown): StepResult {
  if ('problem' in result) return result;
  const detail = `done, but not known to be on the disk: ${error instanceof Error ? error.message : String(error)}`;
  return { problem: { path: action.path, code: 'unreadable', detail } };
}
