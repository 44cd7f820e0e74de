/** What kind of history a seed is: how many devices, which faults and how many, drawn once at its beginning. */
import type { ConflictPolicy, WorkspaceMode } from '../../shared/core/wire/workspace.ts';
import { type Delivery, deliveries } from './notifications.ts';
import type { Random } from './random.ts';

export interface Profile {
  readonly agents: number;
  readonly mode: WorkspaceMode;
  readonly policy: ConflictPolicy;
  /** What users do while things go wrong. */
  readonly operations: number;
  /** What one of them has made before, and all have. */
  readonly filesAtFirst: number;
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
  /** Share of calls of the stores at which the server dies, with all that it had under way. */
  readonly serverCrashes: number;
  /** Devices are cut off for a while. */
  readonly partitions: boolean;
  /** Disks run full for a while. */
  readonly fullDisks: boolean;
  /** The disk with the folder is taken away for a while. */
  readonly unmounts: boolean;
  /** Clocks of devices jump, forwards and back. */
  readonly clockSteps: boolean;
  /** The workspace wants the SHA-256 of each file. */
  readonly sha256: boolean;
  /** Copies of a notification that a device gets, on average; null without a realtime service: devices poll. */
  readonly delivery: Delivery | null;
  /** How often devices are told what is not so, as a share of how often users do something. */
  readonly lies: number;
}

/** Faults by kind, so that a failure can be tried without each of them. */
export const faultKinds = [
  'network',
  'stores',
  'pauses',
  'diskErrors',
  'kills',
  'interruptions',
  'folds',
  'powerCuts',
  'losesJournals',
  'serverCrashes',
  'partitions',
  'fullDisks',
  'unmounts',
  'clockSteps',
  'clockSkews',
  'lies',
  'notifications',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export function isFaultKind(text: string): text is FaultKind {
  return (faultKinds as readonly string[]).includes(text);
}

export interface ProfileLimits {
  readonly operations?: number | undefined;
  readonly without?: ReadonlySet<string> | undefined;
  /** Instead of the one that is drawn. */
  readonly delivery?: Delivery | undefined;
}

/** Milliseconds by which a device's clock goes wrong. */
export const clockSkews = [0, 0, 0, -Date.UTC(2026, 10, 22), 10 * 365 * 86_400_000, -86_400_000] as const;

export function drawProfile(random: Random, limits: ProfileLimits): Profile {
  const rate = (kind: FaultKind, share: number, rates: readonly number[]): number => {
    const drawn = random.chance(share) ? random.pick(rates) : 0;
    return limits.without?.has(kind) === true ? 0 : drawn;
  };
  const flag = (kind: FaultKind, share: number): boolean => {
    const drawn = random.chance(share);
    return drawn && limits.without?.has(kind) !== true;
  };
  const agents = random.chance(0.7) ? 2 : 3;
  // Most faults show with few operations; what takes many has its share.
  const operations = random.chance(0.75) ? 4 + random.below(12) : 16 + random.below(24);
  const drawn = {
    agents,
    mode: random.chance(0.8) ? 'personal' : 'shared',
    policy: random.pick(['copy', 'copy', 'latest', 'merge'] as const),
    operations: Math.min(operations, limits.operations ?? operations),
    fileTimeMs: random.pick([1, 1, 4, 2_000]),
    reusesInodes: random.chance(0.5),
    folds: flag('folds', 0.15),
    network: rate('network', 0.5, [0.02, 0.1, 0.3]),
    stores: rate('stores', 0.3, [0.005, 0.03]),
    pauses: rate('pauses', 0.3, [0.05, 0.3]),
    diskErrors: rate('diskErrors', 0.25, [0.002, 0.02]),
    kills: rate('kills', 0.4, [0.001, 0.01]),
    interruptions: rate('interruptions', 0.5, [0.004, 0.04]),
    powerCuts: flag('powerCuts', 0.5),
    losesJournals: flag('losesJournals', 0.15),
    serverCrashes: rate('serverCrashes', 0.2, [0.002, 0.01]),
    partitions: flag('partitions', 0.2),
    fullDisks: flag('fullDisks', 0.15),
    unmounts: flag('unmounts', 0.1),
    clockSteps: flag('clockSteps', 0.2),
    sha256: random.chance(0.15),
    filesAtFirst: random.pick([0, 3, 6]),
  } as const;
  const skews = Array.from({ length: agents }, () => random.pick(clockSkews));
  const delivery = random.pick([null, ...deliveries]);
  return {
    ...drawn,
    clockSkewsMs: limits.without?.has('clockSkews') === true ? skews.map(() => 0) : skews,
    delivery: limits.without?.has('notifications') === true ? null : (limits.delivery ?? delivery),
    lies: rate('lies', 0.5, [0.1, 0.4]),
  };
}
