/**
 * Whether the picture that a walk drew was ever true as a whole. A walk takes its time: a file that is moved meanwhile, from a
 * folder not listed yet into one listed already, is in neither listing. So before anything counts as gone it is proved that there
 * was one moment at which every folder held what the walk saw in it.
 *
 * A folder's mtime and ctime change whenever a name in it is made, removed, renamed or replaced. Folders whose stat is still that of
 * before they were listed hold at the moment between the walk's end and this look. The others are listed again, until a whole
 * pass finds nothing changed: then that moment is between the last two passes. If a known node turns up there at a place where
 * the walk did not see it, the picture is not true, and the scan must be repeated.
 *
 * A folder in which something changes all the time (a build, a database's journal) must not keep everything else waiting for ever. After
 * `passesMax` passes those that changed in the last one are left out of the picture: the rest holds, and a known node of the rest that was in
 * none of their listings either is gone. What is known to be in such a folder waits for a scan that finds it quiet.
 *
 * Times are coarse (some ms on Linux, 2 s on FAT): a folder changed in the tick in which it was listed proves nothing by its
 * stat. Such a folder is listed twice, and both times must show the same. What is not excluded: a file that moves to and fro
 * three times within one tick, each time right between two listings; nor one that is renamed in restless folders so often that none of
 * eight listings has it.
 *
 *     walk lists /, then d/; a user moves d/x to /y in between: neither has it. The root's mtime is another now: listed again, it
 *     has y, with the inode of x: nothing is told to be gone, and the next scan finds x moved.
 */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import type { LocalNode, StatMark } from '../model.ts';
import type { LocalKnowledge } from '../ports.ts';
import type { Executor } from '../workers/executor.ts';
import { errorToProblem } from './file-problem.ts';
import { inodeKey, sameInode, sameMark, toStatMark } from './stat-mark.ts';
import type { Entry, Walk } from './walk.ts';

export interface PictureSetting {
  readonly fs: FileSystem;
  readonly known: LocalKnowledge;
  readonly executor: Pick<Executor, 'breathe'>;
  /** Time of the file system, as it stamps files now. */
  readonly now: () => number;
}

/** A folder as it was last looked at. */
interface Looked {
  readonly path: string;
  /** Undefined for one that the walk did not meet. */
  readonly nodeId: NodeId | undefined;
  readonly stat: StatMark;
  /** Whether any later change must show in its stat. */
  readonly isSure: boolean;
  /** What was in it; undefined when only the walk has listed it. */
  readonly entries: string | undefined;
  /** Whether a known node is in it that the walk did not see there. */
  readonly hasStray: boolean;
}

/** What the picture does not prove. */
export interface Unproven {
  /** A folder in which it was seen. */
  readonly path: string;
  /** The folders that were changing to the end, if everything else is proved; null where nothing is. */
  readonly restless: ReadonlySet<string> | null;
}

/** A pass costs an lstat for each folder; a user at work is quiet for one after two or three. */
const passesMax = 8;
/** Folders looked at before other work of this thread gets a turn. */
const foldersPerBreath = 256;

function entryKey(path: string, stat: FileStat): string {
  return `${inodeKey(stat)}:${path}`;
}

class Picture {
  readonly #walk: Walk;
  readonly #setting: PictureSetting;
  readonly #folders = new Map<string, Looked>();
  /** What the walk saw and left to be decided: it is accounted for. */
  readonly #open: ReadonlySet<string>;
  /** Folders of known nodes that a listing had and the walk did not see there, though a later one may not have them. */
  readonly #strayHomes = new Set<NodeId>();

  constructor(walk: Walk, beganMs: number, setting: PictureSetting) {
    this.#walk = walk;
    this.#setting = setting;
    for (const { path, nodeId, stat, isListed } of walk.walked()) {
      if (!isListed) continue;
      const isSure = isBefore(stat, beganMs);
      this.#folders.set(path, { path, nodeId, stat, isSure, entries: undefined, hasStray: false });
    }
    this.#open = new Set(walk.openFiles.map(({ path, stat }) => entryKey(path, stat)));
  }

  /** Undefined when the picture is true. */
  async findMoving(signal: AbortSignal): Promise<Unproven | undefined> {
    let moving: ReadonlySet<string> = new Set();
    for (let pass = 0; pass < passesMax; pass++) {
      moving = await this.#pass(signal);
      if (moving.size === 0) break;
    }
    const [first] = moving;
    const looked = [...this.#folders.values()];
    if (first === undefined) {
      const stray = looked.find(({ hasStray }) => hasStray)?.path;
      return stray === undefined ? undefined : { path: stray, restless: null };
    }
    // What is at home in a restless folder may be about in it. Anything else was on its way while the walk went on.
    const restlessIds = new Set(looked.flatMap(({ path, nodeId }) => (moving.has(path) ? [nodeId] : [])));
    const isProven = [...this.#strayHomes].every((home) => restlessIds.has(home));
    return { path: first, restless: isProven ? moving : null };
  }

  /** Looks at every folder once. Where something was found other than at the last look. */
  async #pass(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const now = this.#setting.now();
    const moving = new Set<string>();
    const queue = [...this.#folders.values()];
    for (let looks = 1, folder = queue.pop(); folder !== undefined; folder = queue.pop(), looks++) {
      if (looks % foldersPerBreath === 0) {
        await this.#setting.executor.breathe();
        signal.throwIfAborted();
      }
      const stat = this.#statOf(folder.path);
      if (stat?.kind !== 'folder' || !sameInode(stat, folder.stat)) {
        // Moved or gone: that changed the folder that it was in, and the one where it is now.
        if (this.#folders.get(folder.path) === folder) this.#folders.delete(folder.path);
        moving.add(folder.path);
        continue;
      }
      if (folder.isSure && sameMark(stat, folder.stat)) continue;
      const entries = this.#walk.lookAgain(folder.path);
      const isAsBefore = entries !== undefined && sameMark(stat, folder.stat) && toText(entries) === folder.entries;
      if (!isAsBefore) moving.add(folder.path);
      if (entries === undefined) continue;
      this.#keep(folder, stat, entries, now);
      queue.push(...this.#enter(entries));
    }
    return moving;
  }

  #statOf(path: string): FileStat | undefined {
    try {
      return this.#setting.fs.lstat(this.#walk.absolute(path));
    } catch (error) {
      errorToProblem(path, error);
      return undefined;
    }
  }

  #keep({ path, nodeId }: Looked, stat: FileStat, entries: readonly Entry[], now: number): void {
    const strays = this.#strays(nodeId, entries);
    for (const stray of strays) this.#strayHomes.add(stray.parentId);
    const hasStray = strays.length > 0;
    const mark = toStatMark(stat);
    const isSure = isBefore(stat, now);
    this.#folders.set(path, { path, nodeId, stat: mark, isSure, entries: toText(entries), hasStray });
  }

  /** Folders in it that the walk did not meet at this path. */
  #enter(entries: readonly Entry[]): Looked[] {
    const found: Looked[] = [];
    for (const { path, stat } of entries) {
      const met = this.#folders.get(path);
      if (stat.kind !== 'folder' || (met !== undefined && sameInode(met.stat, stat))) continue;
      const looked = {
        path,
        nodeId: undefined,
        stat: toStatMark(stat),
        isSure: false,
        entries: undefined,
        hasStray: false,
      };
      this.#folders.set(path, looked);
      found.push(looked);
    }
    return found;
  }

  /** Known nodes in it that the walk did not see there. */
  #strays(nodeId: NodeId | undefined, entries: readonly Entry[]): LocalNode[] {
    const { known } = this.#setting;
    const here = new Map(nodeId === undefined ? [] : known.childrenOf(nodeId).map((node) => [node.name, node]));
    return entries.flatMap(({ name, path, stat }) => {
      if (stat.kind === 'folder' || this.#open.has(entryKey(path, stat))) return [];
      const home = here.get(name);
      if (home !== undefined && home.kind === stat.kind && sameInode(home.stat, stat)) return [];
      const nodes = known.byInode(stat.ino, stat.dev);
      return nodes.filter((node) => node.kind === stat.kind && !this.#walk.isAtHome(node));
    });
  }
}

function isBefore({ mtimeMs, ctimeMs }: StatMark, now: number): boolean {
  return mtimeMs < now && ctimeMs < now;
}

function toText(entries: readonly Entry[]): string {
  return entries.map(({ name, stat }) => `${inodeKey(stat)}:${stat.kind}:${name}`).join('/');
}

/**
 * What was moving while the walk went on, so that the walk's picture proves no absence there; undefined when it does everywhere.
 * @param walk after its end, with what it left open.
 * @param beganMs the file system's time when the walk began.
 */
export function findMoving(
  walk: Walk,
  beganMs: number,
  setting: PictureSetting,
  signal: AbortSignal,
): Promise<Unproven | undefined> {
  return new Picture(walk, beganMs, setting).findMoving(signal);
}
