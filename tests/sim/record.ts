/** The record of a run: what was run, of which commit, what went wrong in the world, what was checked, and what failed. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { HistoryResult } from './history.ts';
import { invariants } from './invariants.ts';
import { type Counts, Tally } from './tally.ts';

export interface RunRecord {
  /** Of the working tree; `-dirty` when it has changes that are not committed, null outside a repository. */
  readonly commit: string | null;
  readonly firstSeed: number;
  readonly runs: number;
  /** How many of the runs were done: less than `runs` after a failure that ended it. */
  readonly histories: number;
  readonly steps: number;
  readonly seconds: number;
  readonly mutant: string | null;
  readonly faults: Counts;
  /** Every invariant, also those that were never checked. */
  readonly checks: Counts;
  readonly profiles: Counts;
  readonly failures: readonly { readonly seed: number; readonly failure: string; readonly shrunk?: string }[];
}

function git(...args: readonly string[]): string | undefined {
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const { status, stdout } = spawnSync('git', args, { cwd, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function currentCommit(): string | null {
  const commit = git('rev-parse', 'HEAD');
  if (commit === undefined) return null;
  return git('status', '--porcelain') === '' ? commit : `${commit}-dirty`;
}

export class Recorder {
  readonly #commit = currentCommit();
  readonly #began = performance.now();
  readonly #tally = new Tally();
  readonly #profiles = new Map<string, number>();
  readonly failures: { seed: number; failure: string; shrunk?: string }[] = [];
  #steps = 0;
  histories = 0;

  add({ seed, profile, faults, checks, steps, failure }: HistoryResult): void {
    this.histories++;
    this.#steps += steps;
    this.#tally.add({ faults, checks });
    const kind = `${profile.mode} ${profile.policy}`;
    this.#profiles.set(kind, (this.#profiles.get(kind) ?? 0) + 1);
    if (failure !== null) this.failures.push({ seed, failure });
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1_000;
  }

  toRecord(run: { readonly firstSeed: number; readonly runs: number; readonly mutant: string | null }): RunRecord {
    const { faults, checks } = this.#tally;
    const none = Object.fromEntries(Object.keys(invariants).map((invariant) => [invariant, 0]));
    return {
      commit: this.#commit,
      firstSeed: run.firstSeed,
      runs: run.runs,
      histories: this.histories,
      steps: this.#steps,
      seconds: Number(this.seconds.toFixed(1)),
      mutant: run.mutant,
      faults,
      checks: { ...none, ...checks },
      profiles: Object.fromEntries([...this.#profiles].sort(([a], [b]) => a.localeCompare(b))),
      failures: this.failures,
    };
  }
}
