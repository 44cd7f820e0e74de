/**
 * Download: writes temp files with given contents. What is on this disk already is copied from there, chunk by chunk and
 * verified; the rest is fetched, each chunk once. While one window is written, the next is fetched.
 *
 * A local chunk that turns out to be something else is forgotten, and its file is written again from the start.
 */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { bytesToHex } from '../../../shared/core/bytes.ts';
import { type Digest, type NodeId, digestBytes } from '../../../shared/core/ids.ts';
import type { FileHandle } from '../file-system.ts';
import type { PartialFile } from '../folder/partial-files.ts';
import type { PartResult, PartToWrite } from '../folder/write-files.ts';
import type { ContentChunks } from '../model.ts';
import type { LocalKnowledge, Problem } from '../ports.ts';
import { type DownloadWindow, type FileToWrite, type WindowPart, planDownloadWindows } from './download-window.ts';
import { fetchChunks } from './fetch-chunks.ts';
import { LocalChunks } from './local-chunks.ts';
import { MovedBytes } from './moved-bytes.ts';
import { type ResolvedContent, resolveChunks } from './resolve-chunks.ts';
import type { TransferSetting } from './services.ts';
import { settleAll } from './settle-all.ts';

/** A file to be written under a temporary name. */
export interface DownloadJob {
  readonly nodeId: NodeId;
  /** Where it will be. */
  readonly path: string;
  readonly content: Digest;
  readonly sha256?: Digest | null;
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  /** Where it is written: a path in the control folder. */
  readonly temp: string;
  /** What an earlier attempt wrote of it. */
  readonly partial?: PartialFile;
}

/** One task of the writing workers. */
const taskPartsMax = 128;
const taskBytesMax = 8 * 1024 * 1024;
/** Times that stale local chunks are looked for elsewhere before all of a file is fetched. */
const roundsMax = 4;

type Outcome = Problem | null | 'again';

function unreadable({ path }: DownloadJob, detail: string): Problem {
  return { path, code: 'unreadable', detail };
}

/**
 * Files that need chunks which the server says it does not have are given up, so that they do not keep the others waiting.
 * False when the error is another, or tells of no chunk that was asked for.
 */
function noteMissing(
  error: unknown,
  jobs: readonly DownloadJob[],
  files: readonly FileToWrite[],
  outcomes: Outcome[],
): boolean {
  if (!isTidemarkError(error, 'missing-chunks')) return false;
  const { missing } = error.data;
  const digests = new Set<string>(Array.isArray(missing) ? missing : []);
  const needy = files.filter(({ job, chunks }) => outcomes[job] === 'again' && holdsAny(chunks.hashes, digests));
  for (const { job } of needy) outcomes[job] = unreadable(jobs[job]!, 'the server does not have all of its content');
  return needy.length > 0;
}

function holdsAny(hashes: Uint8Array, digests: ReadonlySet<string>): boolean {
  for (let at = 0; at < hashes.length; at += digestBytes) {
    if (digests.has(bytesToHex(hashes.subarray(at, at + digestBytes)))) return true;
  }
  return false;
}

/** Downloads for one application: what it has written so far serves as a source for what comes. */
export class Download {
  readonly #setting: TransferSetting;
  readonly #knowledge: LocalKnowledge;
  readonly #local: LocalChunks;
  readonly #signal: AbortSignal;
  #resolved: ReadonlyMap<Digest, ResolvedContent> = new Map();

  constructor(setting: TransferSetting, knowledge: LocalKnowledge, signal: AbortSignal) {
    this.#setting = setting;
    this.#knowledge = knowledge;
    this.#local = new LocalChunks(knowledge);
    this.#signal = signal;
  }

  /**
   * Writes all temp files, complete but not flushed. A problem by place in `jobs`, null for a file that is written; the others
   * leave no temp file behind. Throws what the server and the network throw; temp files may be left then.
   */
  async writeTemps(jobs: readonly DownloadJob[]): Promise<(Problem | null)[]> {
    this.#setting.buffers.packs.drop();
    const outcomes: Outcome[] = jobs.map(() => 'again');
    const { resolved, faults } = await resolveChunks(this.#setting, jobs, this.#knowledge, this.#signal);
    this.#resolved = resolved;
    for (const [i, job] of jobs.entries()) {
      const chunks = resolved.get(job.content);
      if (chunks === undefined) {
        outcomes[i] = unreadable(job, faults.get(job.content) ?? 'its content is not known');
        continue;
      }
      this.#local.offer(job.nodeId, job.path, job.content, chunks);
      if (job.partial !== undefined) this.#local.offerPartial(job.partial, chunks);
    }
    const moved = new MovedBytes(jobs, this.#setting.progress);
    this.#local.search([...resolved.values()]);
    for (let round = 1; outcomes.includes('again'); round++) {
      const files: FileToWrite[] = [];
      for (const [job, { content }] of jobs.entries()) {
        const chunks = resolved.get(content);
        if (outcomes[job] === 'again' && chunks !== undefined) files.push({ job, chunks });
      }
      const local = round < roundsMax ? this.#local : new LocalChunks(this.#knowledge);
      try {
        await new Round(this.#setting, jobs, outcomes, local, moved, this.#signal).run(files);
      } catch (error) {
        if (!noteMissing(error, jobs, files, outcomes)) throw error;
        await this.#discard(
          files.map(({ job }) => job).filter((job) => outcomes[job] !== null),
          jobs,
        );
      }
    }
    return outcomes.map((outcome) => (outcome === 'again' ? null : outcome));
  }

  async #discard(places: readonly number[], jobs: readonly DownloadJob[]): Promise<void> {
    const { executor, root } = this.#setting;
    const paths = places.map((place) => jobs[place]!.temp);
    await executor.run('discardFiles', { root, handles: [], paths });
  }

  /** The chunks of a content of the last call; null for one of at most one chunk. */
  chunksOf({ content, size }: DownloadJob): ContentChunks | null {
    const resolved = this.#resolved.get(content);
    if (resolved === undefined || resolved.profileId === null) return null;
    const { profileId, hashes, lengths } = resolved;
    return { root: content, profileId, size, hashes, lengths };
  }

  /** A file of the last call is at its place now, and may serve as a source. */
  noteInPlace({ path, content }: DownloadJob): void {
    const chunks = this.#resolved.get(content);
    if (chunks !== undefined) this.#local.noteWritten(path, content, chunks);
  }
}

/** One pass over the files that are still to be written. */
class Round {
  readonly #setting: TransferSetting;
  readonly #jobs: readonly DownloadJob[];
  readonly #outcomes: Outcome[];
  readonly #local: LocalChunks;
  readonly #moved: MovedBytes;
  readonly #signal: AbortSignal;
  /** Of files that are written in several parts. */
  readonly #handles = new Map<number, FileHandle>();

  constructor(
    setting: TransferSetting,
    jobs: readonly DownloadJob[],
    outcomes: Outcome[],
    local: LocalChunks,
    moved: MovedBytes,
    signal: AbortSignal,
  ) {
    this.#setting = setting;
    this.#jobs = jobs;
    this.#outcomes = outcomes;
    this.#local = local;
    this.#moved = moved;
    this.#signal = signal;
  }

  async run(files: readonly FileToWrite[]): Promise<void> {
    const failed = new Set<number>();
    const { arenas } = this.#setting.buffers;
    let writing: Promise<unknown> = Promise.resolve();
    try {
      for (const window of planDownloadWindows(files, this.#local, (job) => failed.has(job))) {
        // The window before is being written in the other arena. That of the window before it is free: it was waited for.
        const arena = await arenas.take(window.arenaBytes);
        try {
          await settleAll([fetchChunks(this.#setting, window.fetch, arena.memory, this.#signal), writing]);
          this.#signal.throwIfAborted();
        } catch (error) {
          arenas.give(arena);
          throw error;
        }
        writing = this.#write(window, arena.memory, failed).finally(() => arenas.give(arena));
      }
    } finally {
      try {
        await writing;
      } finally {
        await this.#closeHandles();
      }
    }
  }

  async #write(window: DownloadWindow, arena: SharedArrayBuffer, failed: Set<number>): Promise<void> {
    const parts = window.parts.filter((part) => !failed.has(part.job));
    const { count, executor, root } = this.#setting;
    count.chunksNew += window.fetch.lengths.length;
    count.chunksReused += window.lengths.length - window.fetch.lengths.length;
    const tasks = groupParts(parts, window).map(async (group) => {
      const input = group.map((part): PartToWrite => {
        const { path, temp, mode, mtimeMs, sha256 = null } = this.#jobs[part.job]!;
        const { position, isLast, from, to } = part;
        const first = part.first - group[0]!.first;
        const handle = this.#handles.get(part.job) ?? null;
        return { path, temp, mode, mtimeMs, sha256, handle, position, first, count: to - from, isLast };
      });
      const columns = columnsOf(window, group);
      const output = await executor.run('writeFiles', { root, ...columns, parts: input, arena });
      for (const [i, result] of output.parts.entries()) {
        this.#note(group[i]!, result, window, failed, group[0]!.first);
      }
    });
    await settleAll(tasks);
  }

  /** @param base of the columns that the task had, in those of the window. */
  #note(part: WindowPart, result: PartResult, window: DownloadWindow, failed: Set<number>, base: number): void {
    const { job, isLast } = part;
    this.#handles.delete(job);
    if (result.written) {
      this.#moved.add(job, bytesOf(part, window));
      if (result.handle !== null) this.#handles.set(job, result.handle);
      if (isLast) this.#outcomes[job] = null;
      return;
    }
    failed.add(job);
    if ('problem' in result) {
      this.#outcomes[job] = result.problem;
    } else if ('stale' in result) {
      for (const place of result.stale) {
        const at = (base + place) * digestBytes;
        this.#local.forget(bytesToHex(window.hashes.subarray(at, at + digestBytes)));
      }
    } else {
      this.#outcomes[job] = unreadable(this.#jobs[job]!, 'what the server sent for it is corrupt');
    }
  }

  /** Of files that were not finished, after an error. */
  async #closeHandles(): Promise<void> {
    const handles = [...this.#handles.values()];
    this.#handles.clear();
    const { executor, root } = this.#setting;
    if (handles.length > 0) await executor.run('discardFiles', { root, handles, paths: [] });
  }
}

function bytesOf({ first, from, to }: WindowPart, { lengths }: DownloadWindow): number {
  let bytes = 0;
  for (let i = first; i < first + to - from; i++) bytes += lengths[i]!;
  return bytes;
}

/** The columns of some parts, which follow one another. */
function columnsOf(window: DownloadWindow, group: readonly WindowPart[]) {
  const from = group[0]!.first;
  const last = group.at(-1)!;
  const to = last.first + last.to - last.from;
  return {
    hashes: window.hashes.slice(from * digestBytes, to * digestBytes),
    lengths: window.lengths.slice(from, to),
    source: window.source.slice(from, to),
    at: window.at.slice(from, to),
    sources: window.sources,
  };
}

/** Parts in groups for one task each, in order. */
function groupParts(parts: DownloadWindow['parts'], window: DownloadWindow): DownloadWindow['parts'][] {
  const groups: DownloadWindow['parts'][] = [];
  let group: DownloadWindow['parts'][number][] = [];
  let bytes = 0;
  for (const part of parts) {
    group.push(part);
    bytes += bytesOf(part, window);
    if (group.length < taskPartsMax && bytes < taskBytesMax) continue;
    groups.push(group);
    group = [];
    bytes = 0;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
