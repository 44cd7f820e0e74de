/**
 * Reading the history of a workspace without following it: its newest point, any earlier one, and runs of commits. Every point is
 * checked by its signature (history-trust.ts), every commit by the chain from one signed point to the next, and so every tree by its
 * root. Which commit is the last one of a time is the server's word for what lies between two commits that are checked.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, type WorkspaceId, parseDigestColumn } from '../../../shared/core/ids.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';
import type { ChangesResponse } from '../../../shared/core/wire/changes.ts';
import { type JournalEntry, firstChain, nextChain } from '../../../shared/core/wire/journal-entry.ts';
import type { TreeListing } from '../../../shared/core/wire/tree-listing.ts';
import type { HistoryTrust } from './history-trust.ts';
import type { TreeSyncApi } from './remote-nodes.ts';

export interface HistoryApi extends TreeSyncApi {
  changes(workspaceId: WorkspaceId, after: number, signal?: AbortSignal): Promise<ChangesResponse>;
  treeAt(
    workspaceId: WorkspaceId,
    at: number | string,
    page: { readonly path: string; readonly after: string | null },
    signal?: AbortSignal,
  ): Promise<TreeListing>;
}

/** When: now, after a commit, or after the last one that is not later than a time. */
export type HistoryPoint = 'now' | { readonly seq: number } | { readonly timeMs: number };

export interface TreePoint {
  /** 0 before the first commit. */
  readonly seq: number;
  readonly root: Digest;
  /** When the commit was made; null before the first, and where it was not asked for. */
  readonly timeMs: number | null;
}

export interface HistorySetting {
  readonly api: HistoryApi;
  readonly workspaceId: WorkspaceId;
  readonly trust: HistoryTrust;
  readonly nodes: NodeSource;
  readonly signal: AbortSignal;
}

const start: TreePoint = { seq: 0, root: emptyMapRoot, timeMs: null };
const noHashes = parseDigestColumn(new Uint8Array(0));

function distrust(message: string): TidemarkError {
  return new TidemarkError('bad-signature', message);
}

/** Commits that follow one another, each bound to the one before. */
interface Run {
  readonly entries: readonly JournalEntry[];
  /** The chain before the first of them. */
  readonly chain: Digest;
}

export class History {
  readonly #setting: HistorySetting;

  constructor(setting: HistorySetting) {
    this.#setting = setting;
  }

  /** Any tree of this history. */
  get nodes(): NodeSource {
    return this.#setting.nodes;
  }

  async head(): Promise<TreePoint> {
    const { api, workspaceId, trust, signal } = this.#setting;
    const { seq, root, head } = await api.treeSync({ workspaceId, hashes: noHashes }, signal);
    trust.checkNewest(seq);
    if (head === null) {
      if (seq !== 0 || root !== emptyMapRoot) throw distrust('the server does not prove its newest tree');
      return start;
    }
    if (head.seq !== seq || head.root !== root) throw distrust('the server does not prove its newest tree');
    await trust.check(head);
    return { seq, root, timeMs: head.timeMs };
  }

  /** Throws `not-found` for a commit that was not made yet. */
  async point(point: HistoryPoint): Promise<TreePoint> {
    if (point === 'now') return this.head();
    if ('timeMs' in point) return this.#pointAtTime(point.timeMs);
    const { seq } = point;
    if (seq === 0) return start;
    const { entries } = await this.#run(seq, seq);
    const { root, timeMs } = entries[0]!;
    return { seq, root, timeMs };
  }

  async #pointAtTime(timeMs: number): Promise<TreePoint> {
    const { api, workspaceId, signal } = this.#setting;
    const time = new Date(timeMs).toISOString();
    const { seq } = await api.treeAt(workspaceId, time, { path: '', after: null }, signal);
    const head = await this.head();
    if (seq > head.seq) throw distrust('the server names a commit that it does not have');
    const next = Math.min(seq + 1, head.seq);
    const entries = next === 0 ? [] : (await this.#run(Math.max(1, seq), next)).entries;
    const found = entries.find((entry) => entry.seq === seq);
    const later = entries.find((entry) => entry.seq === seq + 1);
    if ((found?.timeMs ?? 0) > timeMs || (later !== undefined && later.timeMs <= timeMs)) {
      throw distrust('the server names another commit than the last one of that time');
    }
    return found === undefined ? start : { seq, root: found.root, timeMs: found.timeMs };
  }

  /**
   * Commits from `from` down to the first, newest first, read in runs of `atOnce`. Nothing comes twice, and nothing between is left
   * out.
   */
  async *backwards(from: number, atOnce: number): AsyncGenerator<JournalEntry> {
    let chain: Digest | undefined;
    for (let to = from; to > 0;) {
      const first = Math.max(1, to - atOnce + 1);
      const run = await this.#run(first, to);
      if (chain !== undefined && run.entries.at(-1)!.chain !== chain) throw distrust('the history has two versions');
      ({ chain } = run);
      yield* run.entries.toReversed();
      to = first - 1;
    }
  }

  /** Commits `from` to `to`, checked from the signed one before them to the last, which is signed too. */
  async #run(from: number, to: number): Promise<Run> {
    const { trust, workspaceId } = this.#setting;
    const entries = await this.#read(Math.max(0, from - 2), to);
    let chain = firstChain(workspaceId);
    let root: Digest = emptyMapRoot;
    const base = from === 1 ? undefined : entries.shift();
    if (base !== undefined) {
      await trust.check(base);
      ({ chain, root } = base);
    }
    const run = { entries, chain };
    for (const entry of entries) {
      chain = nextChain(chain, entry);
      if (entry.previousRoot !== root || entry.chain !== chain) {
        throw distrust('a commit of the history does not follow from the one before it');
      }
      ({ root } = entry);
    }
    await trust.check(entries.at(-1)!);
    return run;
  }

  /** Entries `after + 1` to `to`, all of them. Throws `not-found` when the history ends before. */
  async #read(after: number, to: number): Promise<JournalEntry[]> {
    const { api, workspaceId, signal } = this.#setting;
    const entries: JournalEntry[] = [];
    while (after + entries.length < to) {
      const page = await api.changes(workspaceId, after + entries.length, signal);
      if (page.entries.length === 0) {
        const what = page.headSeq === 0 ? 'nothing was committed yet' : `its newest commit is ${page.headSeq}`;
        throw new TidemarkError('not-found', `the workspace has no commit ${to} yet: ${what}`, {
          data: { seq: to, headSeq: page.headSeq },
        });
      }
      for (const entry of page.entries) {
        if (entry.seq !== after + entries.length + 1) throw distrust('the history of the workspace has a gap');
        if (entry.seq > to) break;
        entries.push(entry);
      }
    }
    return entries;
  }
}
