/**
 * The scan: what on this disk is not as known. Walks (walk.ts), decides which node is which (match.ts), reads what may have
 * changed (hash-files.ts), and delivers findings as they come, a folder before what is in it.
 *
 * Nodes are missing only when every folder could be listed, and nothing was moved about under the walk (steady-picture.ts); then a
 * new file with the content of a missing one of the same size is that node, moved (across file systems, or by a tool that copies
 * and deletes). A name whose file gave way to another one (an atomic save) is told under the same condition: else the file that was
 * there may be one that was moved where the walk had been already.
 *
 * Times of files are coarse, so a file could be written twice and show the same stat. A file touched since the scan began
 * (by a probe file's ctime, not by any clock) therefore gets a mark that no stat equals, and is read once more next time.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import type { LocalNode } from '../model.ts';
import type { Finding, ScanReport } from '../ports.ts';
import { Claims } from './claims.ts';
import { fileTime } from './file-time.ts';
import { errorToProblem } from './file-problem.ts';
import { FindingBatches } from './hash-stage.ts';
import { type Match, matchFiles, matchFoldersByInode } from './match.ts';
import { MissingNodes } from './missing-nodes.ts';
import { Reading } from './reading.ts';
import type { ScanSetting } from './scan-setting.ts';
import { toStatMark } from './stat-mark.ts';
import { findMoving } from './steady-picture.ts';
import { type Seen, Walk, foldsNames } from './walk.ts';

/** Folders walked before other work of this thread gets a turn. */
const foldersPerBreath = 64;

function mustStat(fs: FileSystem, root: string): FileStat {
  const stat = fs.lstat(root);
  if (stat === undefined) throw new TidemarkError('halted', `${root} went away while it was scanned`);
  return stat;
}

class Scan {
  readonly #setting: ScanSetting;
  readonly #walk: Walk;
  readonly #claims: Claims;
  readonly #reading: Reading;
  readonly #batches: FindingBatches;
  readonly #beganMs: number;
  readonly #foldsNames: boolean;
  /** Whether nothing is known yet. */
  readonly #isFirst: boolean;
  readonly #signal: AbortSignal;
  /** Whether nothing was moved about meanwhile, as far as anything depends on it. */
  #isSettled = true;
  /** Whether what was not seen was not there: everywhere, or but for folders that never came to rest. */
  #isProven = true;

  constructor(setting: ScanSetting, found: (batch: readonly Finding[]) => void | Promise<void>, signal: AbortSignal) {
    const { fs, root, known, parked, skipsLinks } = setting;
    this.#setting = setting;
    this.#signal = signal;
    this.#beganMs = fileTime(fs, root);
    this.#isFirst = parked.size === 0 && known.childrenOf(rootNodeId).length === 0;
    this.#foldsNames = foldsNames(fs, root);
    this.#walk = new Walk({ fs, root, known, parked, folds: this.#foldsNames, skipsLinks }, mustStat(fs, root));
    this.#batches = new FindingBatches(found);
    this.#claims = new Claims(known, this.#walk.absent);
    const beganMs = this.#beganMs;
    this.#reading = new Reading({
      setting,
      walk: this.#walk,
      claims: this.#claims,
      batches: this.#batches,
      beganMs,
      signal,
    });
  }

  async run(): Promise<Omit<ScanReport, 'findings'>> {
    await this.#walkAll();
    await this.#walkOpenFolders();
    for (const stat of this.#walk.kept) this.#claims.keepInode(stat);
    await this.#proveSettled();
    await this.#matchOpenFiles();
    await this.#reading.drain();
    await this.#batches.flush();
    const { complete, files, folders, bytes, problems } = this.#walk;
    const missing = this.#reading.missing?.rest() ?? [];
    const isSettled = this.#isSettled;
    return {
      missing,
      problems,
      complete,
      isSettled,
      foldsNames: this.#foldsNames,
      files,
      folders,
      bytes,
      bytesRead: this.#reading.bytesRead,
    };
  }

  /** Finds out whether what the walk did not see was not there. Asked only when something depends on it. */
  async #proveSettled(): Promise<void> {
    const { fs, root, known, executor } = this.#setting;
    const { absent, openFiles, problems } = this.#walk;
    if (absent.size === 0 && openFiles.every(({ byName }) => byName === undefined)) return;
    const setting = { fs, known, executor, now: () => fileTime(fs, root) };
    const unproven = await findMoving(this.#walk, this.#beganMs, setting, this.#signal);
    if (unproven === undefined) return;
    const { path, restless } = unproven;
    this.#isSettled = false;
    this.#isProven = restless !== null;
    problems.push({
      path: path === '' ? '.' : path,
      code: 'busy',
      detail: 'files were moved about in it while it was scanned',
    });
    const isOpenToDoubt = this.#inRestless(restless);
    for (const node of absent.values()) if (isOpenToDoubt(node)) absent.delete(node.nodeId);
    const left = openFiles.filter((seen) => seen.byName !== undefined && isOpenToDoubt(seen));
    for (const seen of left) this.#leaveReplaced(seen);
    this.#walk.openFiles = openFiles.filter((seen) => !left.includes(seen));
  }

  /** Whether what is known to be in a folder may be elsewhere in what never came to rest. */
  #inRestless(restless: ReadonlySet<string> | null): (child: { readonly parentId: NodeId }) => boolean {
    if (restless === null) return () => true;
    const folders = [...this.#walk.walked()].filter(({ path }) => restless.has(path));
    const ids = new Set(folders.map(({ nodeId }) => nodeId));
    return ({ parentId }) => ids.has(parentId);
  }

  /** A file that took the place of another one waits for the next scan. It is here, so it is not missing. */
  #leaveReplaced({ stat }: Seen): void {
    this.#isSettled = false;
    this.#claims.keepInode(stat);
  }

  async #walkAll(): Promise<void> {
    for (let steps = 1; this.#walk.step(); steps++) {
      const { changed } = this.#walk;
      this.#walk.changed = [];
      for (const { path, stat, node } of changed) await this.#reading.read(path, stat, { seen: node, node });
      if (this.#isFirst) await this.#takeAllAsNew();
      if (steps % foldersPerBreath === 0) {
        await this.#setting.executor.breathe();
        this.#signal.throwIfAborted();
      }
    }
  }

  /** With nothing known there is nothing to match with: so nothing is kept, and a first scan of any tree takes little memory. */
  async #takeAllAsNew(): Promise<void> {
    const { openFolders, openFiles } = this.#walk;
    for (const seen of openFolders.splice(0)) await this.#noteFolder({ seen, node: undefined });
    for (const seen of openFiles.splice(0)) await this.#reading.read(seen.path, seen.stat, { seen, node: undefined });
  }

  /** First those that were moved, wherever they are, then those known by name or new: see walk.ts. */
  async #walkOpenFolders(): Promise<void> {
    const { fs, known } = this.#setting;
    while (this.#walk.openFolders.length > 0) {
      const matches = matchFoldersByInode(this.#walk, fs, known, this.#claims.isClaimed);
      this.#walk.openFolders.length = 0;
      const moved = matches.filter(({ node }) => node !== undefined);
      if (moved.length > 0) {
        for (const match of moved) await this.#noteFolder(match);
        for (const { seen, node } of matches) if (node === undefined) this.#walk.openFolders.push(seen);
      } else {
        for (const { seen } of matches) await this.#noteFolder({ seen, node: seen.byName });
      }
      await this.#walkAll();
    }
  }

  async #noteFolder({ seen, node }: Match): Promise<void> {
    const { byName } = seen;
    if (byName !== undefined && byName !== node) this.#claims.noteAbsent(byName);
    const isFree = node !== undefined && !this.#claims.isClaimed(node);
    const why = isFree ? undefined : (seen.leftOut ?? (this.#walk.holdsOnlyIgnored(seen) ? 'ignored' : undefined));
    if (why !== undefined) return this.#walk.leave(seen, why);
    if (isFree) this.#claims.claim(node);
    const nodeId = isFree ? node.nodeId : this.#setting.newNodeId();
    const isMoved = isFree && (node.parentId !== seen.parentId || node.name !== seen.name);
    const { parentId, name, path } = seen;
    await this.#reading.add({
      change: !isFree ? 'new' : isMoved ? 'moved' : 'touched',
      node: { nodeId, parentId, name, kind: 'folder', content: null, target: null, stat: toStatMark(seen.stat) },
      path,
      chunks: null,
    });
    this.#walk.enter(path, nodeId, seen.stat);
  }

  async #matchOpenFiles(): Promise<void> {
    const { known } = this.#setting;
    const matched = matchFiles(this.#walk, known, this.#claims.isClaimed, this.#claims.claim);
    const matches = matched.filter((match) => !this.#isLeft(match));
    this.#walk.openFiles.length = 0;
    for (const { seen, node } of matches) {
      const { byName } = seen;
      if (byName !== undefined && byName !== node) this.#claims.noteAbsent(byName);
    }
    if (this.#isProven && this.#walk.complete)
      this.#reading.missing = new MissingNodes(this.#walk.absent, known, this.#claims.isClaimed);
    const isReplaced = ({ seen: { byName }, node }: Match): boolean => node !== undefined && node === byName;
    for (const match of matches) if (!isReplaced(match)) await this.#readMatch(match);
    // What was there before may be one of those: it must be told where it is now before its name is told to hold another content.
    await this.#reading.drain();
    for (const match of matches.filter(isReplaced)) {
      const isBusy = match.node !== undefined && this.#reading.wasBusy(match.node);
      if (isBusy || this.#mayBeSwapped(match.seen)) this.#leaveReplaced(match.seen);
      else await this.#readMatch(match);
    }
  }

  /**
   * Whether a known file lies under the name of another, whose own file was not seen, while something could not be looked at: the two may have
   * changed names, and the other is where nobody could look. An editor's new file has an inode that nobody knew.
   */
  #mayBeSwapped({ stat, byName }: Seen): boolean {
    if (this.#walk.complete) return false;
    return this.#setting.known
      .byInode(stat.ino, stat.dev)
      .some((node) => node.kind === stat.kind && node.nodeId !== byName?.nodeId && !this.#isSeenAtHome(node));
  }

  #isSeenAtHome(node: LocalNode): boolean {
    try {
      return this.#walk.isAtHome(node);
    } catch (error) {
      errorToProblem(node.name, error);
      return false;
    }
  }

  /** Whether a file or link is left out after all: it is no known one that was moved to an ignored name. */
  #isLeft({ seen, node }: Match): boolean {
    if (node !== undefined || seen.leftOut === undefined) return false;
    this.#walk.leave(seen, seen.leftOut);
    for (const stat of seen.leftOut === 'excluded' ? [seen.stat] : []) this.#claims.keepInode(stat);
    return true;
  }

  #readMatch({ seen, node }: Match): Promise<void> {
    return this.#reading.read(seen.path, seen.stat, { seen, node });
  }
}

/** One scan. Delivers findings in batches, waiting for each delivery. Throws the signal's reason, and what `found` throws. */
export function scanFolder(
  setting: ScanSetting,
  found: (batch: readonly Finding[]) => void | Promise<void>,
  signal: AbortSignal,
): Promise<Omit<ScanReport, 'findings'>> {
  return new Scan(setting, found, signal).run();
}
