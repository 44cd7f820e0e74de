/**
 * The walk: lists the folder tree and tells for each name whether it is as known. A file whose stat is the known one is not
 * read. What cannot be decided from its own folder alone waits:
 *
 * - **settled**: the known node of this name, of the same kind and inode. Unchanged if the stat is the same, else to be read.
 * - **open**: another inode than known (an editor's atomic save, a swap) or an unknown name (new, or moved here). Which node it
 *   is, match.ts decides when everything was seen.
 * - **absent**: a known node whose name is not there, or is of another kind now. Moved, or missing.
 *
 * A folder's children can be compared only once it is known which node the folder is. So open folders are walked last: first those
 * that are a known folder by inode (renamed, however many nodes are in them: that is one finding), then the rest by name.
 *
 * Worked example, knowing a/ (inode 7) with x in it; the disk has b/ (inode 7) with x: b is open, a absent. b's inode is a's and x in it is
 * x's inode: b is a, moved; the walk of b finds x settled and unchanged.
 */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { aliasKey } from '../../../shared/core/paths/alias-key.ts';
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';
import { checkName } from '../../../shared/core/paths/name.ts';
import { type PathFault, checkPath, pathFaults } from '../../../shared/core/paths/rel-path.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import { type LeftOut, LeftOutRules } from '../ignore/left-out.ts';
import { joinPath } from '../journal/paths.ts';
import type { LocalNode, StatMark } from '../model.ts';
import type { LocalKnowledge, Problem } from '../ports.ts';
import { errorToProblem } from './file-problem.ts';
import { sameInode, sameMark, toStatMark } from './stat-mark.ts';

/** Something on the disk whose node is not decided yet. */
export interface Seen {
  readonly path: string;
  readonly parentId: NodeId;
  readonly name: string;
  readonly stat: FileStat;
  /** The known node of this name and kind, if there is one. */
  readonly byName: LocalNode | undefined;
  /** It is left out for this, unless it is a known node that was moved here. */
  readonly leftOut?: LeftOut;
}

/** A known node that is at its place, but with another stat. */
export interface Settled {
  readonly path: string;
  readonly stat: FileStat;
  readonly node: LocalNode;
}

/** What a walk is done over. */
export interface WalkSetting {
  readonly fs: FileSystem;
  readonly root: string;
  readonly known: LocalKnowledge;
  /** Whether names that differ only in case or Unicode form are one name to this file system. */
  readonly folds: boolean;
  /** Nodes that wait in the control folder: they are neither here nor missing. */
  readonly parked: ReadonlySet<NodeId>;
  /** Whether links are left out: those that are synced stay as they are known, others are noted. */
  readonly skipsLinks: boolean;
}

/** A folder on its way through the walk. */
export interface WalkedFolder {
  readonly path: string;
  readonly nodeId: NodeId;
  /** Taken before it was listed. */
  readonly stat: StatMark;
  /** Whether its names are known: it was walked, without an error. */
  isListed: boolean;
}

/** A name in a folder, and what it leads to. */
export interface Entry {
  readonly name: string;
  readonly path: string;
  readonly stat: FileStat;
}

function isSameKind(node: LocalNode, stat: FileStat): boolean {
  return node.kind === stat.kind;
}

/** Shorter paths are within the limits of length and depth, whatever is in them. */
const farPathCharacters = 1_024;

/** What is wrong with a name in a folder whose path is right. */
function faultOf(path: string, name: string): 'ok' | PathFault {
  return path.length > farPathCharacters ? checkPath(path) : checkName(name);
}

function unreadableNames(count: number): string {
  return `${count} names in it are not valid UTF-8, or look like escaped ones and are none; rename them`;
}

function withoutControlFolder(path: string, names: readonly string[]): string[] {
  return names.filter((name) => path !== '' || name !== controlFolder).sort();
}

export class Walk {
  readonly #setting: WalkSetting;
  readonly #dev: number;
  readonly #queue: WalkedFolder[] = [];
  /** Where each walked folder is now. */
  readonly #folders = new Map<NodeId, WalkedFolder>();
  readonly #leftOut: LeftOutRules;
  readonly #hasUntracked: boolean;
  readonly openFolders: Seen[] = [];
  openFiles: Seen[] = [];
  readonly absent = new Map<NodeId, LocalNode>();
  readonly problems: Problem[] = [];
  /** Files and links to be read: their stat differs. Emptied by the caller. */
  changed: Settled[] = [];
  complete = true;
  files = 0;
  folders = 0;
  bytes = 0;
  /** What was put where nothing is synced: if it is a known node, it counts as being where it was. */
  readonly kept: FileStat[] = [];

  constructor(setting: WalkSetting, root: FileStat) {
    this.#setting = setting;
    this.#dev = root.dev;
    const problem = (each: Problem): void => void this.problems.push(each);
    this.#leftOut = new LeftOutRules({ ...setting, problem });
    this.#hasUntracked = setting.known.hasUntracked();
    this.enter('', rootNodeId, root);
  }

  /** A folder is to be walked, as this node. */
  enter(path: string, nodeId: NodeId, stat: FileStat): void {
    const folder = { path, nodeId, stat: toStatMark(stat), isListed: false };
    this.#folders.set(nodeId, folder);
    this.#queue.push(folder);
  }

  walked(): Iterable<WalkedFolder> {
    return this.#folders.values();
  }

  /** Walks one folder; false when none is left. Folders in them come first, so that the queue stays short. */
  step(): boolean {
    const folder = this.#queue.pop();
    if (folder === undefined) return false;
    this.folders++;
    const names = this.#list(folder.path);
    if (names === undefined) return true;
    folder.isListed = true;
    this.#leftOut.enter(folder.path, names);
    const byName = this.#knownByName(folder);
    this.#noteAliases(folder.path, names);
    for (const name of names) {
      this.#look(folder, name, byName.get(name));
      byName.delete(name);
    }
    for (const node of byName.values()) this.#noteAbsent(node);
    return true;
  }

  /**
   * Known children by name. Two may be known under one name: a file was put where another had been when it was last seen, because
   * the user had taken that one away. The one whose inode is there is the one; the other is not there.
   */
  #knownByName(folder: WalkedFolder): Map<string, LocalNode> {
    const byName = new Map<string, LocalNode>();
    for (const node of this.#setting.known.childrenOf(folder.nodeId)) {
      const other = byName.get(node.name);
      const isThis = other === undefined || this.isAtHome(node);
      if (isThis) byName.set(node.name, node);
      if (other !== undefined) this.#noteAbsent(isThis ? other : node);
    }
    return byName;
  }

  /**
   * Whether a known node is where it was known to be. On a disk that folds names what is `seen` answers to its old name too, if it was
   * renamed in case only: then it is not at home.
   */
  isAtHome(node: LocalNode, seen?: Pick<Seen, 'parentId' | 'name'>): boolean {
    const folder = this.#folders.get(node.parentId);
    if (folder === undefined) return false;
    if (seen !== undefined && this.#isOtherCaseOf(node, seen)) return false;
    const stat = this.#setting.fs.lstat(this.absolute(joinPath(folder.path, node.name)));
    return stat !== undefined && stat.kind === node.kind && sameInode(stat, node.stat);
  }

  #isOtherCaseOf(node: LocalNode, { parentId, name }: Pick<Seen, 'parentId' | 'name'>): boolean {
    if (!this.#setting.folds || node.parentId !== parentId) return false;
    return node.name !== name && aliasKey(node.name) === aliasKey(name);
  }

  absolute(path: string): string {
    return joinPath(this.#setting.root, path);
  }

  #noteAbsent(node: LocalNode): void {
    if (node.kind === 'symlink' && this.#setting.skipsLinks) return;
    if (!this.#setting.parked.has(node.nodeId)) this.absent.set(node.nodeId, node);
  }

  /** Undefined for a folder that cannot be listed: an error is never an empty listing (syncthing#10487). */
  #list(path: string): readonly string[] | undefined {
    try {
      const { names, unreadable } = this.#setting.fs.list(this.absolute(path));
      if (unreadable > 0) {
        this.problems.push({ path, code: 'name', detail: unreadableNames(unreadable) });
      }
      return withoutControlFolder(path, names);
    } catch (error) {
      this.problems.push({ ...errorToProblem(path, error), code: 'unreadable' });
      this.complete = false;
      return undefined;
    }
  }

  /** What is in a folder now, of what the walk looks at; undefined when it cannot be told. Notes nothing. */
  lookAgain(path: string): readonly Entry[] | undefined {
    const { fs } = this.#setting;
    try {
      const { names } = fs.list(this.absolute(path));
      return withoutControlFolder(path, names).flatMap((name) => {
        const at = joinPath(path, name);
        const stat = faultOf(at, name) === 'ok' ? fs.lstat(this.absolute(at)) : undefined;
        const isWalked =
          stat !== undefined && !this.#isLeftOut(stat) && !this.#isMountPoint(stat) && !this.#leftOut.has(at);
        return isWalked ? [{ name, path: at, stat }] : [];
      });
    } catch (error) {
      errorToProblem(path, error);
      return undefined;
    }
  }

  #isLeftOut({ kind }: FileStat): boolean {
    return kind === 'other' || (kind === 'symlink' && this.#setting.skipsLinks);
  }

  #isMountPoint(stat: FileStat): boolean {
    return stat.kind === 'folder' && stat.dev !== this.#dev;
  }

  /** On a file system that folds names, two names with one key cannot be: one of them is a lie of the listing. */
  #noteAliases(path: string, names: readonly string[]): void {
    if (!this.#setting.folds) return;
    const first = new Map<string, string>();
    for (const name of names) {
      const key = aliasKey(name);
      const other = first.get(key);
      if (other === undefined) first.set(key, name);
      else this.problems.push({ path: joinPath(path, name), code: 'alias', detail: `it is taken for ${other}` });
    }
  }

  /** A name that is there but cannot be synced says nothing about the known node of that name: it does not count as absent. */
  #look(folder: WalkedFolder, name: string, byName: LocalNode | undefined): void {
    const path = joinPath(folder.path, name);
    // The name of a known node was checked when it came to be known; where its folder is now may be too deep for it.
    const isChecked = byName !== undefined && path.length <= farPathCharacters;
    const fault = isChecked ? 'ok' : faultOf(path, name);
    if (fault !== 'ok') {
      this.problems.push({ path, code: 'name', detail: pathFaults[fault] });
      return;
    }
    let stat: FileStat | undefined;
    try {
      stat = this.#setting.fs.lstat(this.absolute(path));
    } catch (error) {
      this.problems.push(errorToProblem(path, error));
      // It may be any known node, moved here: nothing proves that one is missing.
      this.complete = false;
      return;
    }
    if (stat === undefined) return byName === undefined ? undefined : this.#noteAbsent(byName);
    this.#classify({ path, parentId: folder.nodeId, name, stat, byName });
  }

  #classify(seen: Seen): void {
    const { path, stat, byName } = seen;
    if (stat.kind === 'symlink' && this.#isLeftOut(stat)) {
      if (byName?.kind === 'symlink') return;
      this.problems.push({ path, code: 'special', detail: 'links are not synced from this folder' });
    } else if (this.#isLeftOut(stat)) {
      this.problems.push({ path, code: 'special', detail: 'a FIFO, socket or device is not synced' });
    } else if (this.#isMountPoint(stat)) {
      this.problems.push({ path, code: 'unreadable', detail: 'another file system is mounted here; it is not synced' });
    } else if (this.#isToLeave(seen)) {
      if (byName !== undefined) this.#noteAbsent(byName);
    } else if (byName === undefined || !isSameKind(byName, stat)) {
      if (byName !== undefined) this.#noteAbsent(byName);
      this.#noteOpen({ ...seen, byName: undefined });
    } else if (!sameInode(byName.stat, stat)) {
      this.#noteOpen(seen);
    } else {
      this.#settle({ path, stat, node: byName });
    }
  }

  /** Whether a name is dealt with: what is left out, or open in case it is a known node that was moved here. */
  #isToLeave(seen: Seen): boolean {
    const { byName, stat } = seen;
    const { known } = this.#setting;
    const isKnown = byName !== undefined && isSameKind(byName, stat);
    if (isKnown && (!this.#hasUntracked || known.isTracked(byName.nodeId))) return false;
    const why = this.#leftOut.why(seen);
    if (why === undefined) return false;
    const isMovedHere = known
      .byInode(stat.ino, stat.dev)
      .some((node) => node.kind === stat.kind && known.isTracked(node.nodeId) && !this.isAtHome(node, seen));
    if (isMovedHere) this.#noteOpen({ ...seen, byName: undefined, leftOut: why });
    else this.leave(seen, why);
    return true;
  }

  leave(seen: Seen, why: LeftOut): void {
    this.#leftOut.leave(seen, why);
    if (why === 'excluded') for (const stat of this.#leftOut.inodesAt(seen)) this.kept.push(stat);
  }

  /** Whether a folder that is new is left out for what is in it. */
  holdsOnlyIgnored({ path }: Seen): boolean {
    return this.#leftOut.holdsOnlyIgnored(path);
  }

  #settle({ path, stat, node }: Settled): void {
    if (node.kind === 'folder') return this.enter(path, node.nodeId, stat);
    this.#count(stat);
    const isRead = node.kind === 'symlink' || node.content !== null;
    if (!isRead || !sameMark(node.stat, stat)) this.changed.push({ path, stat, node });
  }

  #noteOpen(seen: Seen): void {
    if (seen.stat.kind === 'folder') {
      this.openFolders.push(seen);
    } else {
      this.#count(seen.stat);
      this.openFiles.push(seen);
    }
  }

  #count(stat: FileStat): void {
    this.files++;
    if (stat.kind === 'file') this.bytes += stat.size;
  }
}

/** Whether the file system takes `.TIDEMARK` for `.tidemark`. */
export function foldsNames(fs: FileSystem, root: string): boolean {
  const own = fs.lstat(joinPath(root, controlFolder));
  const upper = fs.lstat(joinPath(root, controlFolder.toUpperCase()));
  return own !== undefined && upper !== undefined && own.ino === upper.ino && own.dev === upper.dev;
}
