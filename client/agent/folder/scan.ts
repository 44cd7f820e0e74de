/**
 * The scan: what on this disk is not as known. Walks (walk.ts), decides which node is which (match.ts), reads what may have
 * changed (hash-files.ts), and delivers findings as they come, a folder before what is in it.
 *
 * Nodes are missing only when every folder could be listed; then a new file with the content of a missing one of the same size
 * is that node, moved (across file systems, or by a tool that copies and deletes).
 *
 * Times of files are coarse, so a file could be written twice and show the same stat. A file touched since the scan began
 * (by a probe file's ctime, not by any clock) therefore gets a mark that no stat equals, and is read once more next time.
 */
import { utf8 } from '../../../shared/core/bytes.ts';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { FileStat, FileSystem } from '../file-system.ts';
import type { LocalNode } from '../model.ts';
import type { Finding, LocalKnowledge, Problem, ScanReport } from '../ports.ts';
import type { Executor } from '../workers/executor.ts';
import { tempPath } from './control-folder.ts';
import { errorToProblem } from './file-problem.ts';
import { type FileToHash, FindingBatches, HashStage, type HashedContent } from './hash-stage.ts';
import { type Match, matchFiles, matchFoldersByInode } from './match.ts';
import { MissingNodes, sharesChunk } from './missing-nodes.ts';
import { sameInode, sameMark, toStatMark, unsureMark } from './stat-mark.ts';
import { type Seen, Walk, foldsNames } from './walk.ts';

export interface ScanSetting {
  readonly fs: FileSystem;
  readonly executor: Executor;
  readonly root: string;
  readonly known: LocalKnowledge;
  readonly parked: ReadonlySet<NodeId>;
  readonly newNodeId: () => NodeId;
  /** Cut at fixed places, for the least CPU time. */
  readonly preferFixed: boolean;
}

/** What a file that is being read may turn out to be. */
interface Candidate {
  readonly seen: Pick<Seen, 'parentId' | 'name'>;
  readonly node: LocalNode | undefined;
}

/** Folders walked before other work of this thread gets a turn. */
const foldersPerBreath = 64;

/** Time of this file system, as it stamps files now. */
function fileTime(fs: FileSystem, root: string): number {
  const path = `${root}/${tempPath('probe')}`;
  const handle = fs.openNew(path, 0);
  try {
    fs.write(handle, utf8('now'), 0);
    return fs.stat(handle).ctimeMs;
  } finally {
    fs.close(handle);
    fs.removeFile(path);
  }
}

class Scan {
  readonly #setting: ScanSetting;
  readonly #walk: Walk;
  readonly #stage: HashStage<Candidate>;
  readonly #batches: FindingBatches;
  readonly #claimed = new Set<NodeId>();
  readonly #beganMs: number;
  /** Whether nothing is known yet. */
  readonly #isFirst: boolean;
  readonly #signal: AbortSignal;
  #missing: MissingNodes | undefined;

  constructor(setting: ScanSetting, found: (batch: readonly Finding[]) => void | Promise<void>, signal: AbortSignal) {
    const { fs, root, known, executor, preferFixed, parked } = setting;
    this.#setting = setting;
    this.#signal = signal;
    this.#beganMs = fileTime(fs, root);
    this.#isFirst = parked.size === 0 && known.childrenOf(rootNodeId).length === 0;
    const dev = fs.lstat(root)?.dev ?? 0;
    this.#walk = new Walk({ fs, root, known, parked, folds: foldsNames(fs, root) }, dev);
    this.#batches = new FindingBatches(found);
    this.#stage = new HashStage(executor, root, preferFixed, (file, hashed) => this.#noteHashed(file, hashed));
  }

  async run(): Promise<Omit<ScanReport, 'findings'>> {
    await this.#walkAll();
    await this.#walkOpenFolders();
    await this.#matchOpenFiles();
    await this.#stage.drain();
    await this.#batches.flush();
    const { complete, files, folders, bytes, problems } = this.#walk;
    const missing = complete ? (this.#missing?.rest() ?? []) : [];
    return { missing, problems, complete, files, folders, bytes, bytesRead: this.#stage.bytesRead };
  }

  readonly #isClaimed = (node: LocalNode): boolean => this.#claimed.has(node.nodeId);

  #claim(node: LocalNode): void {
    this.#claimed.add(node.nodeId);
    this.#walk.absent.delete(node.nodeId);
  }

  async #walkAll(): Promise<void> {
    for (let steps = 1; this.#walk.step(); steps++) {
      const { changed } = this.#walk;
      this.#walk.changed = [];
      for (const { path, stat, node } of changed) await this.#read(path, stat, { seen: node, node });
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
    for (const seen of openFiles.splice(0)) await this.#read(seen.path, seen.stat, { seen, node: undefined });
  }

  /** First those that were moved, wherever they are, then those known by name or new: see walk.ts. */
  async #walkOpenFolders(): Promise<void> {
    const { fs, known } = this.#setting;
    while (this.#walk.openFolders.length > 0) {
      const matches = matchFoldersByInode(this.#walk, fs, known, this.#isClaimed);
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
    if (byName !== undefined && byName !== node && !this.#isClaimed(byName)) {
      this.#walk.absent.set(byName.nodeId, byName);
    }
    const isFree = node !== undefined && !this.#isClaimed(node);
    if (isFree) this.#claim(node);
    const nodeId = isFree ? node.nodeId : this.#setting.newNodeId();
    const isMoved = isFree && (node.parentId !== seen.parentId || node.name !== seen.name);
    const { parentId, name, path } = seen;
    await this.#add({
      change: !isFree ? 'new' : isMoved ? 'moved' : 'touched',
      node: { nodeId, parentId, name, kind: 'folder', content: null, target: null, stat: toStatMark(seen.stat) },
      path,
      chunks: null,
    });
    this.#walk.enter(path, nodeId);
  }

  async #matchOpenFiles(): Promise<void> {
    const { known } = this.#setting;
    const claim = (node: LocalNode): void => this.#claim(node);
    const matches = matchFiles(this.#walk, known, this.#isClaimed, claim);
    this.#walk.openFiles.length = 0;
    for (const { seen, node } of matches) {
      const { byName } = seen;
      if (byName !== undefined && byName !== node && !this.#isClaimed(byName)) {
        this.#walk.absent.set(byName.nodeId, byName);
      }
    }
    if (this.#walk.complete) this.#missing = new MissingNodes(this.#walk.absent, known, this.#isClaimed);
    for (const { seen, node } of matches) {
      await this.#read(seen.path, seen.stat, { seen, node });
    }
  }

  async #read(path: string, stat: FileStat, candidate: Candidate): Promise<void> {
    const { node } = candidate;
    if (stat.kind === 'symlink') return this.#readLink(path, stat, candidate);
    if (node !== undefined && node.content !== null && sameMark(node.stat, stat)) {
      // Moved on a file system where renaming leaves even the ctime as it was.
      return this.#note(path, candidate, { stat: toStatMark(stat), content: node.content, chunks: null });
    }
    const previous = node?.content == null ? undefined : this.#setting.known.chunksOf(node.content);
    const file = { path, stat: toStatMark(stat), profileId: previous?.profileId ?? 0, tag: candidate };
    await this.#stage.add(file);
  }

  async #readLink(path: string, stat: FileStat, candidate: Candidate): Promise<void> {
    let target: string;
    try {
      target = this.#setting.fs.readLink(this.#walk.absolute(path));
    } catch (error) {
      this.#walk.problems.push({ ...errorToProblem(path, error), code: 'busy' });
      return;
    }
    if (target.includes('\ufffd') || utf8(target).length > limits.linkBytesMax) {
      this.#walk.problems.push({ path, code: 'name', detail: 'its target is not valid UTF-8, or too long' });
      return;
    }
    const { seen, node } = candidate;
    await this.#add({
      change: this.#changeOf(candidate, node?.target === target),
      node: {
        nodeId: node?.nodeId ?? this.#setting.newNodeId(),
        parentId: seen.parentId,
        name: seen.name,
        kind: 'symlink',
        content: null,
        target,
        stat: toStatMark(stat),
      },
      path,
      chunks: null,
    });
  }

  /** A file that could not be read may be a known one, moved: by its inode it is still here, and so not missing. */
  #keepMoved({ stat }: FileToHash<Candidate>): void {
    const { known } = this.#setting;
    for (const kept of known.byInode(stat.ino, stat.dev)) {
      // Its folders stay with it, though they may be gone: a node in a folder that counts as missing is met by no later scan.
      for (let node: LocalNode | undefined = kept; node !== undefined; node = known.get(node.parentId))
        this.#claim(node);
    }
  }

  async #noteHashed(file: FileToHash<Candidate>, hashed: HashedContent | Problem): Promise<void> {
    if ('code' in hashed) {
      this.#walk.problems.push(hashed);
      this.#keepMoved(file);
      return;
    }
    const { tag, path } = file;
    const stat = hashed.stat.ctimeMs >= this.#beganMs ? unsureMark(hashed.stat) : hashed.stat;
    await this.#note(path, { ...tag, node: tag.node ?? this.#recognise(tag, hashed) }, { ...hashed, stat });
  }

  /** The missing node that a new file is, by its content, or by its inode and a chunk in common. */
  #recognise({ seen }: Candidate, { stat, content, chunks }: HashedContent): LocalNode | undefined {
    const { known } = this.#setting;
    const byContent = this.#missing?.takeByContent(content, stat.size, seen.name);
    if (byContent !== undefined || chunks === null) return byContent;
    const byInode = known
      .byInode(stat.ino, stat.dev)
      .find(
        (node) =>
          node.kind === 'file' &&
          node.content !== null &&
          sameInode(node.stat, stat) &&
          !this.#isClaimed(node) &&
          !this.#walk.isAtHome(node, seen) &&
          sharesChunk(known.chunksOf(node.content), chunks),
      );
    if (byInode !== undefined) this.#claim(byInode);
    return byInode;
  }

  async #note(path: string, candidate: Candidate, hashed: HashedContent): Promise<void> {
    const { seen, node } = candidate;
    const { stat, content } = hashed;
    const isSame = node?.content === content && node.stat.mode === stat.mode;
    const change = this.#changeOf(candidate, isSame);
    await this.#add({
      change,
      node: {
        nodeId: node?.nodeId ?? this.#setting.newNodeId(),
        parentId: seen.parentId,
        name: seen.name,
        kind: 'file',
        content,
        target: null,
        stat,
      },
      path,
      chunks: hashed.chunks,
    });
  }

  #changeOf({ seen, node }: Candidate, isSame: boolean): Finding['change'] {
    if (node === undefined) return 'new';
    if (node.parentId !== seen.parentId || node.name !== seen.name) return 'moved';
    return isSame ? 'touched' : 'changed';
  }

  async #add(finding: Finding): Promise<void> {
    this.#signal.throwIfAborted();
    await this.#batches.add(finding);
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
