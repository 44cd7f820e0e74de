/** A device of a history: a disk, a person who works on it, what goes wrong there, and the agent. */
import { utf8 } from '../../shared/core/bytes.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import { Agent } from './agent.ts';
import type { Broken } from './broken.ts';
import type { Contents } from './contents.ts';
import { DiskFaults } from './disk-faults.ts';
import type { Network } from './network.ts';
import type { Profile } from './profile.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { UserName } from './server.ts';
import { SimulatedFileSystem } from './simulated-file-system.ts';
import type { Tally } from './tally.ts';
import { outside, root } from './tree.ts';
import { User } from './user.ts';
import { DeviceWatch } from './watch.ts';

export interface Device {
  readonly agent: Agent;
  readonly user: User;
  readonly faults: DiskFaults;
  /** User operations so far: a sync during which there were none can be held to its report. */
  acts: number;
  actsAtStart: number;
  /** Nothing gets from here to the server. */
  isCut: boolean;
  /** Whether its folder is there. */
  isMounted: boolean;
  /** Whether the sync under way began after the faults had ended. */
  isCalm: boolean;
  /** What begins syncs and questions by itself, because of what the device hears or how long it has heard nothing. */
  readonly watch: DeviceWatch;
}

export interface DeviceSetting {
  readonly name: string;
  readonly user: UserName;
  readonly workspaceId: WorkspaceId;
  readonly network: Network;
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly contents: Contents;
  readonly clockSkewMs: number;
  /** A promise that the agent broke. */
  readonly report: (what: Broken) => void;
  /** Whether the workspace has or had these bytes. */
  readonly isKept: (bytes: Uint8Array) => boolean;
  readonly tally: Tally;
  /** Lets the user act in the middle of a call of the agent. */
  readonly interrupt: (near: string) => void;
}

function createDisk({ profile, scheduler }: DeviceSetting): SimulatedFileSystem {
  const { fileTimeMs, reusesInodes, folds } = profile;
  let now = 0;
  const tick = (): number => {
    // Time goes on a little with every change, and the disk knows it as finely as it does.
    now = Math.max(now + 0.25, scheduler.nowMs);
    return fileTimeMs === 1 ? now : Math.floor(now / fileTimeMs) * fileTimeMs;
  };
  const fs = new SimulatedFileSystem({ tick, reusesInodes, folds });
  fs.makeFolder(root);
  fs.makeFolder(outside);
  fs.writeFile(`${outside}/secret`, utf8('not for the agent'));
  fs.flushAll('/');
  return fs;
}

export function createDevice(setting: DeviceSetting): Device {
  const { name, profile, scheduler, random, contents, report, isKept, tally } = setting;
  const fs = createDisk(setting);
  const user = new User(name, fs, contents, random.stream(`${name} user`));
  const faults = new DiskFaults({
    fs,
    user,
    contents,
    random: random.stream(`${name} disk`),
    rates: { errors: profile.diskErrors, kills: profile.kills, interruptions: profile.interruptions },
    name,
    report,
    isKept,
    tally,
    note: (line) => scheduler.note(`${name}   ${line}`),
    interrupt: setting.interrupt,
  });
  const agent = new Agent({
    ...setting,
    fs,
    faults,
    folds: profile.folds,
    wantsSha256: profile.sha256,
  });
  const watch = new DeviceWatch({
    agent,
    faults,
    workspaceId: setting.workspaceId,
    scheduler,
    random: random.stream(`${name} watch`),
    tally,
    hasChannel: profile.delivery !== null,
  });
  return { agent, user, faults, watch, acts: 0, actsAtStart: 0, isCut: false, isMounted: true, isCalm: false };
}
