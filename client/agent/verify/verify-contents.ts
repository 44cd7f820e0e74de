/**
 * Every file that is synced is read and held against the content that the signed tree gives it. Files with changes that wait to be synced
 * are passed over: what they hold is nobody's claim yet.
 */
import { hexToBytes } from '../../../shared/core/bytes.ts';
import { type Digest, type NodeId, digestBytes } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { Journal } from '../journal/journal.ts';
import { nodeIdOf } from '../journal/rows.ts';
import type { ContentChunks, LocalNode, StatMark } from '../model.ts';
import type { Problem } from '../ports.ts';
import type { VerifiedPart, VerifyPart } from '../folder/verify-chunks.ts';
import type { Executor } from '../workers/executor.ts';

export interface VerifyNeeds {
  readonly journal: Journal;
  readonly executor: Executor;
  readonly root: string;
  readonly progress: (done: { readonly files: number; readonly bytes: number; readonly total: number }) => void;
}

export interface FileOfFolder {
  readonly nodeId: NodeId;
  readonly path: string;
  readonly size: number;
  readonly content: Digest;
  /** By which it was known when it was read. */
  readonly stat: StatMark;
}

export interface VerifiedContents {
  /** That were read whole. */
  readonly files: number;
  readonly bytes: number;
  /** Changed here and not synced yet: not held against anything. */
  readonly waiting: number;
  /** Other bytes than the workspace has, and by its stat nobody wrote them. */
  readonly damaged: readonly FileOfFolder[];
  readonly problems: readonly Problem[];
}

/** One task: a few milliseconds to some tens. */
const taskBytesMax = 64 * 1024 * 1024;
const taskFilesMax = 256;
/** Nodes read from the journal at once. */
const pageNodes = 1_000;

function knownChunks(
  journal: Journal,
  { size, content }: FileOfFolder,
): Pick<ContentChunks, 'lengths' | 'hashes'> | undefined {
  const listed = journal.contents.get(content);
  if (listed !== undefined) return listed;
  if (size === 0) return { lengths: new Uint32Array(0), hashes: new Uint8Array(0) };
  // Without a list it is a content of one chunk, whose root is its hash.
  return size <= limits.chunkBytesMax ? { lengths: Uint32Array.of(size), hashes: hexToBytes(content) } : undefined;
}

function* partsOf(
  path: string,
  stat: LocalNode['stat'],
  { lengths, hashes }: Pick<ContentChunks, 'lengths' | 'hashes'>,
): Generator<VerifyPart> {
  let offset = 0;
  for (let from = 0; from === 0 || from < lengths.length;) {
    let bytes = 0;
    let to = from;
    while (to < lengths.length && (to === from || bytes + lengths[to]! <= taskBytesMax)) bytes += lengths[to++]!;
    const columns = { lengths: lengths.slice(from, to), hashes: hashes.slice(from * digestBytes, to * digestBytes) };
    yield { path, stat, offset, ...columns };
    offset += bytes;
    from = Math.max(to, 1);
  }
}

interface Check {
  readonly file: FileOfFolder;
  readonly part: VerifyPart;
  readonly isLast: boolean;
}

class Verification {
  readonly #needs: VerifyNeeds;
  readonly #signal: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  readonly #damaged = new Map<NodeId, FileOfFolder>();
  readonly #problems = new Map<NodeId, Problem>();
  #failure: { readonly cause: unknown } | undefined;
  #group: Check[] = [];
  #groupBytes = 0;
  #files = 0;
  #bytes = 0;
  #waiting = 0;

  constructor(needs: VerifyNeeds, signal: AbortSignal) {
    this.#needs = needs;
    this.#signal = signal;
  }

  async run(): Promise<VerifiedContents> {
    const { journal } = this.#needs;
    for (let after = ''; ;) {
      const rows = journal.database.all(
        `SELECT node_id FROM synced WHERE kind = 'file' AND node_id > ? ORDER BY node_id LIMIT ?`,
        after,
        pageNodes,
      );
      const ids = rows.map((row) => nodeIdOf(row));
      if (ids.length === 0) break;
      after = ids.at(-1)!;
      for (const nodeId of ids) await this.#add(nodeId);
    }
    await this.#launch();
    while (this.#running.size > 0) await Promise.race(this.#running);
    this.#rethrow();
    return {
      files: this.#files,
      bytes: this.#bytes,
      waiting: this.#waiting,
      damaged: [...this.#damaged.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
      problems: [...this.#problems.values()],
    };
  }

  async #add(nodeId: NodeId): Promise<void> {
    const { journal } = this.#needs;
    if (journal.trees.isUnselected(nodeId)) return;
    const node = journal.trees.getLocal(nodeId);
    if (node === undefined || node.content === null || journal.trees.isLocalChange(nodeId)) {
      this.#waiting++;
      return;
    }
    const path = journal.localPath(node);
    if (path === undefined) {
      this.#waiting++;
      return;
    }
    const file = { nodeId, path, size: node.stat.size, content: node.content, stat: node.stat };
    const chunks = knownChunks(journal, file);
    if (chunks === undefined) {
      const detail = 'which chunks it is made of is not known here; what was synced cannot be told from what is there';
      this.#problems.set(nodeId, { path, code: 'unreadable', detail });
      return;
    }
    const parts = [...partsOf(path, node.stat, chunks)];
    for (const [i, part] of parts.entries()) await this.#addPart({ file, part, isLast: i === parts.length - 1 });
  }

  async #addPart(check: Check): Promise<void> {
    this.#group.push(check);
    this.#groupBytes += check.part.lengths.reduce((sum, length) => sum + length, 0);
    if (this.#group.length >= taskFilesMax || this.#groupBytes >= taskBytesMax) await this.#launch();
  }

  async #launch(): Promise<void> {
    const [group, bytes] = [this.#group, this.#groupBytes];
    this.#group = [];
    this.#groupBytes = 0;
    while (this.#running.size >= 2 * this.#needs.executor.width) await Promise.race(this.#running);
    this.#rethrow();
    this.#signal.throwIfAborted();
    if (group.length === 0) return;
    const task = this.#verify(group, bytes)
      .catch((error: unknown) => void (this.#failure ??= { cause: error }))
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  async #verify(group: readonly Check[], bytes: number): Promise<void> {
    const { executor, root, progress, journal } = this.#needs;
    const output = await executor.run('verifyChunks', { root, parts: group.map(({ part }) => part) });
    for (const [i, { file, isLast }] of group.entries()) {
      this.#note(file, output.parts[i]!);
      if (isLast) this.#files++;
    }
    this.#bytes += bytes;
    progress({ files: this.#files, bytes: this.#bytes, total: journal.listings.countSyncedFiles() });
  }

  #note(file: FileOfFolder, verified: VerifiedPart): void {
    if ('problem' in verified) this.#problems.set(file.nodeId, verified.problem);
    else if (verified.state === 'damaged') this.#damaged.set(file.nodeId, file);
    else if (verified.state === 'changed' && !this.#damaged.has(file.nodeId)) {
      const detail = 'it was changed while everything was verified; the next sync takes it up';
      this.#problems.set(file.nodeId, { path: file.path, code: 'busy', detail });
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}

/** The folder must have been looked at just now, so that what waits to be synced is known. */
export function verifyContents(needs: VerifyNeeds, signal: AbortSignal): Promise<VerifiedContents> {
  return new Verification(needs, signal).run();
}
