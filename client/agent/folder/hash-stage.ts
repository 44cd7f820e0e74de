/**
 * Files on their way through the hashing workers: gathered into tasks, at most twice as many under way as run at once, and
 * delivered in batches. Whoever adds waits while all places are taken: that is the backpressure of a scan.
 */
import type { Digest } from '../../../shared/core/ids.ts';
import { digestBytes } from '../../../shared/core/ids.ts';
import type { ContentChunks, StatMark } from '../model.ts';
import type { Finding, Problem } from '../ports.ts';
import type { Executor } from '../workers/executor.ts';
import type { HashFilesOutput } from './hash-files.ts';

export interface FileToHash<Tag> {
  readonly path: string;
  readonly stat: StatMark;
  readonly profileId: number;
  /** What the caller knows of the file. */
  readonly tag: Tag;
}

export interface HashedContent {
  readonly stat: StatMark;
  readonly content: Digest;
  readonly chunks: ContentChunks | null;
  /** Null where it is not asked for, or the file was not read. */
  readonly sha256: Digest | null;
}

export interface HashSetting {
  readonly root: string;
  readonly preferFixed: boolean;
  readonly wantsSha256: boolean;
}

/** One task: enough to make its message worth while, small enough to share the work between workers. */
const taskFilesMax = 256;
const taskBytesMax = 8 * 1024 * 1024;
/** One delivery. */
const batchFindingsMax = 2_000;
const batchBytesMax = 64 * 1024 * 1024;

function chunksOf(output: HashFilesOutput, i: number): ContentChunks | null {
  const file = output.files[i]!;
  if ('problem' in file || file.chunks <= 1) return null;
  const end = file.first + file.chunks;
  return {
    root: file.content,
    profileId: file.profileId,
    size: file.stat.size,
    hashes: output.hashes.slice(file.first * digestBytes, end * digestBytes),
    lengths: output.lengths.slice(file.first, end),
  };
}

export class HashStage<Tag> {
  readonly #executor: Executor;
  readonly #setting: HashSetting;
  readonly #take: (file: FileToHash<Tag>, hashed: HashedContent | Problem) => Promise<void>;
  readonly #running = new Set<Promise<void>>();
  #group: FileToHash<Tag>[] = [];
  #groupBytes = 0;
  #failure: { readonly cause: unknown } | undefined;
  bytesRead = 0;

  /** @param take is called for each file, in no order; adding waits for it. */
  constructor(
    executor: Executor,
    setting: HashSetting,
    take: (file: FileToHash<Tag>, hashed: HashedContent | Problem) => Promise<void>,
  ) {
    this.#executor = executor;
    this.#setting = setting;
    this.#take = take;
  }

  async add(file: FileToHash<Tag>): Promise<void> {
    this.#group.push(file);
    this.#groupBytes += file.stat.size;
    if (this.#group.length >= taskFilesMax || this.#groupBytes >= taskBytesMax) await this.#launch();
  }

  /** Resolves when everything added was taken. */
  async drain(): Promise<void> {
    await this.#launch();
    while (this.#running.size > 0) await Promise.race(this.#running);
    this.#rethrow();
  }

  async #launch(): Promise<void> {
    const group = this.#group;
    this.#group = [];
    this.#groupBytes = 0;
    while (this.#running.size >= 2 * this.#executor.width) await Promise.race(this.#running);
    this.#rethrow();
    if (group.length === 0) return;
    const task = this.#hash(group)
      .catch((error: unknown) => void (this.#failure ??= { cause: error }))
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  async #hash(group: readonly FileToHash<Tag>[]): Promise<void> {
    const files = group.map(({ path, stat, profileId }) => ({ path, ino: stat.ino, dev: stat.dev, profileId }));
    const output = await this.#executor.run('hashFiles', { ...this.#setting, files });
    for (const [i, file] of group.entries()) {
      const hashed = output.files[i]!;
      if ('problem' in hashed) {
        await this.#take(file, hashed.problem);
        continue;
      }
      this.bytesRead += hashed.stat.size;
      const { stat, content, sha256 } = hashed;
      await this.#take(file, { stat, content, chunks: chunksOf(output, i), sha256 });
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}

/** Delivers findings one batch after another. */
export class FindingBatches {
  readonly #found: (batch: readonly Finding[]) => void | Promise<void>;
  #batch: Finding[] = [];
  #bytes = 0;
  #delivery: Promise<void> = Promise.resolve();

  constructor(found: (batch: readonly Finding[]) => void | Promise<void>) {
    this.#found = found;
  }

  async add(finding: Finding): Promise<void> {
    this.#batch.push(finding);
    if (finding.node.kind === 'file' && finding.change !== 'touched') this.#bytes += finding.node.stat.size;
    if (this.#batch.length >= batchFindingsMax || this.#bytes >= batchBytesMax) await this.flush();
  }

  /** Resolves when all that was added is delivered. A delivery that fails fails every later one. */
  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    this.#delivery = this.#delivery.then(async () => {
      if (batch.length > 0) await this.#found(batch);
    });
    await this.#delivery;
  }
}
