/**
 * One history: devices whose users work while agents sync, over a network, stores and disks that fail; then the faults end, every
 * agent syncs until nothing is left to do, and the world is checked against the invariants (invariants.ts). All of it follows from the seed.
 */
import { pace } from '../../client/agent/watch/pace.ts';
import { Broken } from './broken.ts';
import { checkStorage } from './check-storage.ts';
import { checkRest } from './checks.ts';
import type { Device } from './device.ts';
import { toTransport } from './network.ts';
import { type Profile, type ProfileLimits, drawProfile } from './profile.ts';
import { Random } from './random.ts';
import type { Counts } from './tally.ts';
import { type Weather, changeWeather, clearWeather, weatherOf } from './weather.ts';
import { World } from './world.ts';

export interface HistoryOptions extends ProfileLimits {
  readonly seed: number;
  readonly onTrace?: ((line: string) => void) | undefined;
}

export interface HistoryResult {
  readonly seed: number;
  readonly profile: Profile;
  readonly steps: number;
  readonly traceHash: string;
  /** How often each fault happened, and how often each invariant was checked. */
  readonly faults: Counts;
  readonly checks: Counts;
  /** The trace's end. */
  readonly trace: readonly string[];
  /** What went wrong; null when nothing did. */
  readonly failure: string | null;
}

/** I5: the last of them finds nothing to do. */
const settlingRoundsMax = 3;
/** Most workspaces have something in them when things begin to go wrong. */
async function fill(world: World): Promise<void> {
  const { profile, devices, scheduler } = world;
  if (profile.filesAtFirst === 0) return;
  const [first] = devices;
  for (let i = 0; i < profile.filesAtFirst; i++) scheduler.note(`${first!.agent.name} user ${first!.user.actNew()}`);
  world.isCalm = true;
  for (const device of devices) await syncInCalm(world, device);
  world.isCalm = false;
}

/** Users work, agents sync, things fail, in any order. */
async function work(world: World): Promise<void> {
  const { profile, scheduler } = world;
  for (const { faults, watch } of world.devices) {
    faults.go();
    watch.open();
  }
  world.isWorking = true;
  const random = world.random.stream('work');
  const weights = {
    event: 60,
    act: 14,
    sync: 14,
    kill: profile.kills > 0 ? 0.6 : 0,
    clock: 0.5,
    lose: profile.losesJournals ? 0.5 : 0,
    lie: profile.delivery === null ? 0 : 14 * profile.lies,
    ...weatherOf(profile),
  };
  while (world.operationsLeft > 0) {
    const what = random.weighted(weights);
    const device = random.pick(world.devices);
    if (what === 'act') world.act(device, '');
    else if (what === 'sync') world.startSync(device, random.chance(0.7));
    else if (what === 'kill') kill(world, device);
    else if (what === 'clock') scheduler.nowMs += random.pick([700_000, 90_000_000]);
    else if (what === 'lose') await loseJournal(world, device);
    else if (what === 'lie') world.lie(device);
    else if (what === 'event') await scheduler.step();
    else change(world, device, what, random);
    await world.afterStep();
  }
}

/** A device that is not syncing can only lose its power. */
function kill({ tally, profile }: World, { agent }: Device): void {
  if (agent.running === undefined && !profile.powerCuts) return;
  tally.fault(agent.running === undefined ? 'kill at rest' : 'kill while waiting');
  agent.kill();
}

function change({ scheduler, tally }: World, device: Device, weather: Weather, random: Random): void {
  scheduler.note(`${device.agent.name} ${changeWeather(device, weather, random, tally)}`);
}

async function loseJournal(world: World, device: Device): Promise<void> {
  const { agent, faults, watch, isMounted } = device;
  if (agent.running !== undefined || !isMounted) return;
  world.tally.fault('journal lost');
  world.scheduler.note(`${agent.name} loses its journal`);
  faults.pause();
  watch.close();
  await world.whileRunning(agent.loseJournal(toTransport(world.server.deliver)));
  watch.open();
  faults.go();
}

/** The faults end. Every agent syncs, one after another, until none has anything to do. */
async function settle(world: World): Promise<void> {
  world.isCalm = true;
  world.isWorking = false;
  world.scheduler.note('calm');
  for (const device of world.devices) {
    device.faults.pause();
    clearWeather(device);
    const ended = device.user.finish();
    if (ended !== undefined) world.scheduler.note(`${device.agent.name} user ${ended}`);
    device.acts++;
  }
  await world.drain();
  await answerDoubts(world);
  for (let round = 1; ; round++) {
    const done = await settleOnce(world, round);
    if (done === 0 || world.isRefused) break;
    // A disk that folds names takes one only in the sync after its namesake has gone.
    if (round >= settlingRoundsMax + (world.profile.folds ? 1 : 0))
      throw new Broken('I5', 'the devices do not come to rest');
  }
  await checkRest(world.devices, world.truth, !world.isRefused);
  await checkStorage(world.server, world.tally);
  if (world.tally.hasFault('event ') || world.tally.hasFault('notification ')) world.tally.check('I8');
}

/** Who failed tries again, and who was told what was not so, perhaps while it waited for that, asks before believing anything again. */
async function answerDoubts(world: World): Promise<void> {
  if (world.profile.delivery === null) return;
  for (const waitMs of [pace.refusedMs, pace.pollMs]) {
    world.scheduler.nowMs += 1.25 * waitMs;
    await world.afterStep();
    await world.drain();
  }
}

/** Every device syncs once by itself, and as often as it hears that it should. Returns how much there was to do. */
async function settleOnce(world: World, round: number): Promise<number> {
  const questions = world.questions();
  let done = 0;
  world.onEnd = ({ agent }, end) => {
    if (end.end !== 'done') {
      done++;
      return;
    }
    const { upToDate, problems, operations, applied } = end.report;
    done += operations + applied;
    if (round > 1 && !upToDate && !world.profile.folds && !world.isRefused) {
      throw new Broken('I5', `${agent.name} is not up to date: ${JSON.stringify(problems)}`);
    }
  };
  for (const device of world.devices) await syncInCalm(world, device);
  if (round === 1) checkHeard(world, questions);
  return done;
}

/** I8: who is told of every commit, and asks nothing, follows the head: also those that synced by themselves before the last commit. */
function checkHeard(world: World, questions: number): void {
  const { delivery } = world.profile;
  if (delivery === null || delivery < 1 || world.isRefused || world.questions() !== questions) return;
  world.tally.check('I8');
  const { seq } = world.truth.view;
  for (const { agent } of world.devices) {
    const followed = agent.journal.meta.head.seq;
    if (followed !== seq) throw new Broken('I8', `${agent.name} was told of ${seq} and follows ${followed}`);
  }
}

/** A device syncs; then whoever hears of it, until nothing moves any more. */
async function syncInCalm(world: World, device: Device): Promise<void> {
  // Time enough for the coarsest disk to tell two writes apart.
  world.scheduler.nowMs += 2_001;
  world.startSync(device);
  world.tally.check('I23');
  await world.drain();
}

/** What people are told of a failure: an invariant speaks for itself, any other error needs its stack. */
function toFailure(error: unknown): string {
  if (error instanceof Broken) return error.message;
  return error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
}

/** Runs one history. Never rejects: what goes wrong is its failure. */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const { seed, onTrace } = options;
  const random = new Random(String(seed));
  const profile = drawProfile(random.stream('profile'), options);
  const world = new World(random, profile);
  const { scheduler } = world;
  if (onTrace !== undefined) scheduler.onTrace = onTrace;
  let failure: string | null = null;
  try {
    await world.begin();
    await fill(world);
    await work(world);
    await settle(world);
  } catch (error) {
    failure = toFailure(error);
  }
  const { steps, trace } = scheduler;
  const { faults, checks } = world.tally;
  return { seed, profile, steps, traceHash: scheduler.hash(), trace, failure, faults, checks };
}
