/**
 * One history: devices whose users work while agents sync, over a network, stores and disks that fail; then the faults end, every
 * agent syncs until nothing is left to do, and the world is checked against the invariants. All of it follows from the seed.
 */
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { SyncEnd } from './agent.ts';
import { Broken } from './broken.ts';
import { checkFailure, checkRest, checkUpToDate, checkView } from './checks.ts';
import { Contents } from './contents.ts';
import { type Device, type DeviceSetting, createDevice } from './device.ts';
import { createNetwork } from './network.ts';
import { type Planted, type PlantedBug, plantedBugs } from './planted-bugs.ts';
import { type Profile, type ProfileLimits, drawProfile } from './profile.ts';
import { Random } from './random.ts';
import { type Owner, Scheduler } from './scheduler.ts';
import { ServerView } from './server-view.ts';
import { type SimulatedServer, createSimulatedServer, users } from './server.ts';

export interface HistoryOptions extends ProfileLimits {
  readonly seed: number;
  /** A fault of ours, put in on purpose. */
  readonly bug?: PlantedBug | undefined;
  readonly onTrace?: ((line: string) => void) | undefined;
}

export interface HistoryResult {
  readonly seed: number;
  readonly profile: Profile;
  readonly steps: number;
  readonly traceHash: string;
  /** The trace's end. */
  readonly trace: readonly string[];
  /** What went wrong; null when nothing did. */
  readonly failure: string | null;
}

/** I5: the last of them finds nothing to do. */
const settlingRoundsMax = 3;
/** Steps of one sync without faults; far more than any takes. */
const stepsMax = 20_000;
const neverOwner: Owner = { name: 'world', isDead: false };

class History {
  readonly #random: Random;
  readonly #profile: Profile;
  readonly #scheduler: Scheduler;
  readonly #contents = new Contents();
  readonly #server: SimulatedServer;
  readonly #devices: Device[] = [];
  readonly #options: HistoryOptions;
  readonly #planted: Planted;
  #view: ServerView | undefined;
  #operationsLeft: number;
  #isCalm = false;
  /** A device ended with changes that a consistency-first workspace refuses: where the client cannot rebase, a person has to. */
  #isRefused = false;
  #broken: string | undefined;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#planted = options.bug === undefined ? {} : plantedBugs[options.bug];
    this.#random = new Random(String(options.seed));
    this.#profile = { ...drawProfile(this.#random.stream('profile'), options), ...this.#planted.profile };
    this.#operationsLeft = this.#profile.operations;
    this.#scheduler = new Scheduler(this.#random.stream('schedule'));
    if (options.onTrace !== undefined) this.#scheduler.onTrace = options.onTrace;
    const { stores, pauses } = this.#profile;
    this.#server = createSimulatedServer({
      scheduler: this.#scheduler,
      random: this.#random.stream('stores'),
      world: neverOwner,
      faultRate: () => (this.#isCalm ? 0 : stores),
      pauseRate: pauses,
      adapt: this.#planted.metadata ?? ((metadata) => metadata),
    });
  }

  async run(): Promise<HistoryResult> {
    let failure: string | null = null;
    try {
      await this.#begin();
      await this.#work();
      await this.#settle();
    } catch (error) {
      failure =
        error instanceof Error ? `${error.message}${error instanceof Broken ? '' : `\n${error.stack}`}` : String(error);
    }
    const { steps, trace } = this.#scheduler;
    const { seed } = this.#options;
    return { seed, profile: this.#profile, steps, traceHash: this.#scheduler.hash(), trace, failure };
  }

  async #begin(): Promise<void> {
    const { mode, policy, agents } = this.#profile;
    this.#scheduler.note(JSON.stringify(this.#profile));
    const workspaceId = await this.#server.createWorkspace(mode, policy);
    this.#view = new ServerView(this.#server, workspaceId, this.#contents);
    const network = createNetwork({
      scheduler: this.#scheduler,
      random: this.#random.stream('network'),
      deliver: (request) => this.#server.deliver(request),
      faultRate: () => (this.#isCalm ? 0 : this.#profile.network),
      world: neverOwner,
    });
    for (let i = 0; i < agents; i++) {
      const device = this.#newDevice(i, { workspaceId, network });
      this.#devices.push(device);
      await this.#whileRunning(device.agent.link((request) => this.#server.deliver(request)));
    }
  }

  #newDevice(i: number, given: Pick<DeviceSetting, 'workspaceId' | 'network'>): Device {
    const device: Device = createDevice({
      ...given,
      name: `a${i}`,
      user: users[i % users.length]!,
      profile: this.#profile,
      planted: this.#planted,
      scheduler: this.#scheduler,
      random: this.#random,
      contents: this.#contents,
      clockSkewMs: this.#profile.clockSkewsMs[i]!,
      report: (what) => (this.#broken ??= what),
      interrupt: () => this.#act(device, ' meanwhile'),
    });
    return device;
  }

  /** Users work, agents sync, things fail, in any order. */
  async #work(): Promise<void> {
    for (const { faults } of this.#devices) faults.go();
    const random = this.#random.stream('work');
    while (this.#operationsLeft > 0) {
      const what = random.weighted({
        event: 60,
        act: 14,
        sync: 14,
        kill: this.#profile.kills > 0 ? 0.6 : 0,
        clock: 0.5,
        lose: 0.5,
      });
      const device = random.pick(this.#devices);
      if (what === 'act') this.#act(device, '');
      else if (what === 'sync') this.#startSync(device);
      else if (what === 'kill' && device.agent.running !== undefined) device.agent.kill();
      else if (what === 'clock') this.#scheduler.nowMs += random.pick([700_000, 90_000_000]);
      else if (what === 'lose' && this.#profile.losesJournals) await this.#loseJournal(device);
      else await this.#scheduler.step();
      await this.#afterStep();
    }
  }

  #act(device: Device, when: string): void {
    if (this.#operationsLeft <= 0) return;
    this.#operationsLeft--;
    device.acts++;
    this.#scheduler.note(`${device.agent.name} user ${device.user.act()}${when}`);
  }

  #startSync(device: Device): void {
    if (device.agent.running !== undefined) return;
    device.actsAtStart = device.acts;
    device.isCalm = this.#isCalm;
    this.#scheduler.note(`${device.agent.name} syncs`);
    device.agent.startSync({ massDeletionAllowed: true });
  }

  async #loseJournal(device: Device): Promise<void> {
    if (device.agent.running !== undefined) return;
    this.#scheduler.note(`${device.agent.name} loses its journal`);
    device.faults.pause();
    await this.#whileRunning(device.agent.loseJournal((request) => this.#server.deliver(request)));
    device.faults.go();
  }

  /** Something that no fault disturbs, while the rest of the world may go on. */
  async #whileRunning<T>(work: Promise<T>): Promise<T> {
    const state = { isOver: false };
    const ended = work.finally(() => (state.isOver = true));
    for (let steps = 0; steps < stepsMax; steps++) {
      await this.#scheduler.rest();
      if (state.isOver) return ended;
      await this.#scheduler.step();
    }
    throw new Broken('I23: a sync without faults does not end');
  }

  async #afterStep(): Promise<void> {
    await this.#scheduler.rest();
    if (this.#broken !== undefined) throw new Broken(this.#broken);
    await this.#mustGetView().catchUp();
    for (const device of this.#devices) await this.#lookAt(device);
  }

  async #lookAt(device: Device): Promise<void> {
    const { agent } = device;
    if (agent.isDead) {
      this.#bury(device);
      return;
    }
    if (agent.running === undefined) return;
    const end = await Promise.race([agent.running, Promise.resolve(undefined)]);
    if (end === undefined) return;
    agent.running = undefined;
    await this.#noteEnd(device, end);
  }

  #bury({ agent, user }: Device): void {
    const random = this.#random;
    const isPowerCut = this.#profile.powerCuts && random.chance(0.5);
    this.#scheduler.note(`${agent.name} ${isPowerCut ? 'loses power' : 'is killed'}`);
    const share = random.pick([0, 0.5, 0.9]);
    if (isPowerCut) user.forgetSlowWrite();
    agent.bury(isPowerCut ? () => random.chance(share) : null);
    checkView({ agent, user }, this.#contents);
  }

  async #noteEnd(device: Device, end: SyncEnd): Promise<void> {
    const { name } = device.agent;
    if (end.end === 'failed') {
      this.#scheduler.note(`${name} failed: ${end.error instanceof Error ? end.error.message : String(end.error)}`);
      this.#checkFailure(device, end.error);
      return;
    }
    const { report } = end;
    this.#scheduler.note(
      `${name} synced: ${report.operations} operations, ${report.applied} applied, seq ${report.seq}${report.upToDate ? ', up to date' : ''}`,
    );
    if (report.upToDate && device.acts === device.actsAtStart) {
      await checkUpToDate(device, this.#mustGetView(), this.#contents, report);
    }
  }

  #checkFailure({ agent: { name }, isCalm }: Device, error: unknown): void {
    const { mode, diskErrors } = this.#profile;
    if (mode === 'shared' && isTidemarkError(error, 'busy')) this.#isRefused ||= isCalm;
    else checkFailure(name, error, { isCalm, hasDiskErrors: diskErrors > 0 });
  }

  /** The faults end. Every agent syncs, one after another, until none has anything to do. */
  async #settle(): Promise<void> {
    this.#isCalm = true;
    this.#scheduler.note('calm');
    for (const device of this.#devices) {
      device.faults.pause();
      const ended = device.user.finish();
      if (ended !== undefined) this.#scheduler.note(`${device.agent.name} user ${ended}`);
      device.acts++;
    }
    await this.#drain();
    for (let round = 1; ; round++) {
      let done = 0;
      for (const device of this.#devices) done += await this.#syncInCalm(device, round);
      if (done === 0 || this.#isRefused) break;
      if (round >= settlingRoundsMax) throw new Broken('I23: the devices do not come to rest');
    }
    await checkRest(this.#devices, this.#mustGetView(), this.#contents, !this.#isRefused);
  }

  #mustGetView(): ServerView {
    if (this.#view === undefined) throw new Error('the history has not begun');
    return this.#view;
  }

  async #drain(): Promise<void> {
    for (
      let steps = 0;
      this.#scheduler.hasParked() || this.#devices.some(({ agent }) => agent.running !== undefined);
      steps++
    ) {
      if (steps > stepsMax) throw new Broken('I23: the syncs under way do not end');
      await this.#scheduler.step();
      await this.#afterStep();
    }
  }

  async #syncInCalm(device: Device, round: number): Promise<number> {
    // Time enough for the coarsest disk to tell two writes apart.
    this.#scheduler.nowMs += 2_001;
    this.#startSync(device);
    const end = await this.#whileRunning(device.agent.running!);
    device.agent.running = undefined;
    await this.#noteEnd(device, end);
    if (end.end === 'failed') return 1;
    const { upToDate, problems, operations, applied } = end.report;
    if (round > 1 && !upToDate && !this.#profile.folds && !this.#isRefused) {
      throw new Broken(`I5: ${device.agent.name} is not up to date: ${JSON.stringify(problems)}`);
    }
    return operations + applied;
  }
}

/** Runs one history. Never rejects: what goes wrong is its failure. */
export function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  return new History(options).run();
}
