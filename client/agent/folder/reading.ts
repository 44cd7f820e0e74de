/** Reading what a walk has found other than known: from a stat and the node that it may be to a finding. */
import { utf8 } from '../../../shared/core/bytes.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { FileStat } from '../file-system.ts';
import type { LocalNode } from '../model.ts';
import type { Finding, Problem } from '../ports.ts';
import type { Claims } from './claims.ts';
import { errorToProblem } from './file-problem.ts';
import { type FileToHash, type FindingBatches, HashStage, type HashedContent } from './hash-stage.ts';
import { type MissingNodes, sharesChunk } from './missing-nodes.ts';
import type { ScanSetting } from './scan-setting.ts';
import { inodeKey, sameButForCtime, sameInode, sameMark, toStatMark, unsureMark } from './stat-mark.ts';
import type { Seen, Walk } from './walk.ts';

/** What a file that is being read may turn out to be. */
export interface Candidate {
  readonly seen: Pick<Seen, 'parentId' | 'name'>;
  readonly node: LocalNode | undefined;
}

export interface ReadingNeeds {
  readonly setting: ScanSetting;
  readonly walk: Walk;
  readonly claims: Claims;
  readonly batches: FindingBatches;
  /** Time of the file system when the scan began. */
  readonly beganMs: number;
  readonly signal: AbortSignal;
}

export class Reading {
  readonly #needs: ReadingNeeds;
  readonly #stage: HashStage<Candidate>;
  /** Inodes that were seen and were something else, or changed, when they were read. */
  readonly #busy = new Set<string>();
  /** Known when everything was walked; undefined too when nothing is proved to be missing. */
  missing: MissingNodes | undefined;

  constructor(needs: ReadingNeeds) {
    const { executor, root, preferFixed, wantsSha256 } = needs.setting;
    this.#needs = needs;
    const how = { root, preferFixed, wantsSha256 };
    this.#stage = new HashStage(executor, how, (file, hashed) => this.#noteHashed(file, hashed));
  }

  get bytesRead(): number {
    return this.#stage.bytesRead;
  }

  /** Resolves when all that was to be read is. */
  drain(): Promise<void> {
    return this.#stage.drain();
  }

  /** Whether this inode, seen at some name, was not there any more or changed when it was read. */
  wasBusy(node: LocalNode): boolean {
    return this.#busy.has(inodeKey(node.stat));
  }

  async read(path: string, stat: FileStat, candidate: Candidate): Promise<void> {
    const { node } = candidate;
    if (stat.kind === 'symlink') return this.#readLink(path, stat, candidate);
    if (node !== undefined && node.content !== null && sameMark(node.stat, stat)) {
      // Moved on a file system where renaming leaves even the ctime as it was.
      return this.#note(path, candidate, { stat: toStatMark(stat), content: node.content, chunks: null, sha256: null });
    }
    const previous = node?.content == null ? undefined : this.#needs.setting.known.chunksOf(node.content);
    const file = { path, stat: toStatMark(stat), profileId: previous?.profileId ?? 0, tag: candidate };
    await this.#stage.add(file);
  }

  async #readLink(path: string, stat: FileStat, candidate: Candidate): Promise<void> {
    let target: string;
    try {
      target = this.#needs.setting.fs.readLink(this.#needs.walk.absolute(path));
    } catch (error) {
      this.#needs.walk.problems.push({ ...errorToProblem(path, error), code: 'busy' });
      this.#busy.add(inodeKey(stat));
      this.#needs.claims.keepInode(stat);
      return;
    }
    if (target.includes('\ufffd') || utf8(target).length > limits.linkBytesMax) {
      this.#needs.walk.problems.push({ path, code: 'name', detail: 'its target is not valid UTF-8, or too long' });
      return;
    }
    const { seen, node } = candidate;
    await this.add({
      change: this.#changeOf(candidate, node?.target === target),
      node: {
        nodeId: node?.nodeId ?? this.#needs.setting.newNodeId(),
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

  async #noteHashed(file: FileToHash<Candidate>, hashed: HashedContent | Problem): Promise<void> {
    if ('code' in hashed) {
      this.#needs.walk.problems.push(hashed);
      if (hashed.code === 'busy') this.#busy.add(inodeKey(file.stat));
      else await this.#noteUnread(file);
      this.#needs.claims.keepInode(file.stat);
      return;
    }
    const { tag, path } = file;
    const stat = hashed.stat.ctimeMs >= this.#needs.beganMs ? unsureMark(hashed.stat) : hashed.stat;
    await this.#note(path, { ...tag, node: tag.node ?? this.#recognise(tag, hashed) }, { ...hashed, stat });
  }

  /**
   * A file that cannot be read is a known one, moved, whose name another file took: its own node is told to hold that one's content.
   * Rename left size and time as they were, so what it holds is known, and is told at its new place, or it would leave the workspace.
   * It is read as soon as that can be done.
   */
  async #noteUnread({ tag, path, stat }: FileToHash<Candidate>): Promise<void> {
    if (tag.node !== undefined && sameInode(tag.node.stat, stat)) return;
    const { claims, setting, walk } = this.#needs;
    const isMoved = (node: LocalNode): boolean =>
      node.kind === 'file' && sameButForCtime(node.stat, stat) && claims.isClaimed(node) && !walk.isAtHome(node);
    const content = setting.known.byInode(stat.ino, stat.dev).find(isMoved)?.content;
    if (content == null) return;
    await this.#note(path, tag, { stat: unsureMark(stat), content, chunks: null, sha256: null });
  }

  /** The missing node that a new file is, by its content, or by its inode and a chunk in common. */
  #recognise({ seen }: Candidate, { stat, content, chunks }: HashedContent): LocalNode | undefined {
    const { known } = this.#needs.setting;
    const byContent = this.missing?.takeByContent(content, stat.size, seen.name);
    if (byContent !== undefined || chunks === null) return byContent;
    const byInode = known
      .byInode(stat.ino, stat.dev)
      .find(
        (node) =>
          node.kind === 'file' &&
          node.content !== null &&
          sameInode(node.stat, stat) &&
          !this.#needs.claims.isClaimed(node) &&
          !this.#needs.walk.isAtHome(node, seen) &&
          sharesChunk(known.chunksOf(node.content), chunks),
      );
    if (byInode !== undefined) this.#needs.claims.claim(byInode);
    return byInode;
  }

  async #note(path: string, candidate: Candidate, hashed: HashedContent): Promise<void> {
    const { seen, node } = candidate;
    const { stat, content } = hashed;
    const isSame = node?.content === content && node.stat.mode === stat.mode;
    const change = this.#changeOf(candidate, isSame);
    await this.add({
      change,
      node: {
        nodeId: node?.nodeId ?? this.#needs.setting.newNodeId(),
        parentId: seen.parentId,
        name: seen.name,
        kind: 'file',
        content,
        target: null,
        stat,
      },
      path,
      chunks: hashed.chunks,
      sha256: hashed.sha256,
    });
  }

  #changeOf({ seen, node }: Candidate, isSame: boolean): Finding['change'] {
    if (node === undefined) return 'new';
    if (node.parentId !== seen.parentId || node.name !== seen.name) return 'moved';
    return isSame ? 'touched' : 'changed';
  }

  async add(finding: Finding): Promise<void> {
    this.#needs.signal.throwIfAborted();
    await this.#needs.batches.add(finding);
  }
}
