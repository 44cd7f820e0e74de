/** What kind of history a seed is: how many devices, which faults and how many, drawn once at its beginning. */
import type { ConflictPolicy, WorkspaceMode } from '../../shared/core/wire/workspace.ts';
import type { Random } from './random.ts';

export interface Profile {
  readonly agents: number;
  readonly mode: WorkspaceMode;
  readonly policy: ConflictPolicy;
  readonly operations: number;
  /** Milliseconds between two times that a file can have. */
  readonly fileTimeMs: number;
  readonly reusesInodes: boolean;
  readonly folds: boolean;
  readonly network: number;
  readonly stores: number;
  readonly pauses: number;
  readonly diskErrors: number;
  readonly kills: number;
  readonly interruptions: number;
  readonly powerCuts: boolean;
  readonly losesJournals: boolean;
  readonly clockSkewsMs: readonly number[];
}

/** Faults by kind, so that a failure can be tried without each of them. */
export const faultKinds = ['network', 'stores', 'pauses', 'diskErrors', 'kills', 'interruptions'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ProfileLimits {
  readonly operations?: number | undefined;
  readonly without?: ReadonlySet<string> | undefined;
}

const clockSkews = [0, 0, 0, -Date.UTC(2026, 10, 22), 10 * 365 * 86_400_000, -86_400_000] as const;

export function drawProfile(random: Random, limits: ProfileLimits): Profile {
  const rate = (kind: FaultKind, share: number, rates: readonly number[]): number => {
    const drawn = random.chance(share) ? random.pick(rates) : 0;
    return limits.without?.has(kind) === true ? 0 : drawn;
  };
  const flag = (kind: string, share: number): boolean => {
    const drawn = random.chance(share);
    return drawn && limits.without?.has(kind) !== true;
  };
  const agents = random.chance(0.7) ? 2 : 3;
  const operations = 6 + random.below(30);
  return {
    agents,
    mode: random.chance(0.8) ? 'personal' : 'shared',
    policy: 'copy',
    operations: Math.min(operations, limits.operations ?? operations),
    fileTimeMs: random.pick([1, 1, 4, 2_000]),
    reusesInodes: random.chance(0.5),
    folds: flag('folds', 0.15),
    network: rate('network', 0.5, [0.02, 0.1, 0.3]),
    stores: rate('stores', 0.3, [0.005, 0.03]),
    pauses: rate('pauses', 0.3, [0.05, 0.3]),
    diskErrors: rate('diskErrors', 0.25, [0.001, 0.01]),
    kills: rate('kills', 0.4, [0.0005, 0.005]),
    interruptions: rate('interruptions', 0.5, [0.002, 0.02]),
    powerCuts: flag('powerCuts', 0.5),
    losesJournals: flag('losesJournals', 0.15),
    clockSkewsMs: Array.from({ length: agents }, () => random.pick(clockSkews)),
  };
}
