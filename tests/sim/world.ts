/**
 * The world of a history: devices with their users, the network, the server, and what is watched while they go on. Every step of it is
 * one event; after each the workspace is looked at, and the syncs that have ended.
 */
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { Ended } from './agent.ts';
import { Broken } from './broken.ts';
import { type Truth, checkFailure, checkUpToDate, checkView } from './checks.ts';
import { Contents } from './contents.ts';
import { type Device, type DeviceSetting, createDevice } from './device.ts';
import { createNetwork, toTransport } from './network.ts';
import { type Notifications, createNotifications } from './notifications.ts';
import type { Profile } from './profile.ts';
import type { Random } from './random.ts';
import { type Owner, Scheduler } from './scheduler.ts';
import { ServerView } from './server-view.ts';
import { type SimulatedServer, createSimulatedServer, users } from './server.ts';
import { Tally } from './tally.ts';
import { filesOf, readTree, root } from './tree.ts';
import { elsewhere } from './weather.ts';

/** Steps of one sync without faults; far more than any takes. */
const stepsMax = 20_000;
const neverOwner: Owner = { name: 'world', isDead: false };

export class World {
  readonly random: Random;
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly contents: Contents;
  readonly server: SimulatedServer;
  readonly devices: Device[] = [];
  readonly tally = new Tally();
  /** What users may still do. */
  operationsLeft: number;
  /** Whether the faults have ended. */
  isCalm = false;
  /** Whether devices are linked and the faults have not ended. */
  isWorking = false;
  /** A device ended with changes that a consistency-first workspace refuses: where the client cannot rebase, a person has to. */
  isRefused = false;
  /** A sync has ended. */
  onEnd: (device: Device, end: Ended) => void = () => undefined;
  readonly #notifications: Notifications;
  #view: ServerView | undefined;
  #broken: Broken | undefined;

  constructor(random: Random, profile: Profile) {
    this.random = random;
    this.profile = profile;
    this.operationsLeft = profile.operations;
    this.contents = new Contents({ merges: profile.policy === 'merge' });
    this.scheduler = new Scheduler(random.stream('schedule'));
    const { stores, pauses, serverCrashes } = profile;
    this.#notifications = this.#createNotifications();
    this.server = createSimulatedServer({
      scheduler: this.scheduler,
      random: random.stream('stores'),
      world: neverOwner,
      faultRate: () => (this.isCalm ? 0 : stores),
      pauseRate: pauses,
      crashRate: () => (this.isWorking ? serverCrashes : 0),
      tally: this.tally,
      onAnswer: (commit) => this.#mustGetView().noteAnswer(commit),
      notify: (group, message) => this.#notifications.send(group, message),
    });
  }

  #createNotifications(): Notifications {
    const { delivery } = this.profile;
    return createNotifications({
      scheduler: this.scheduler,
      random: this.random.stream('notifications'),
      world: neverOwner,
      tally: this.tally,
      delivery: delivery ?? 0,
      isCalm: () => this.isCalm,
      devices: this.devices,
      hear: ({ watch }, message) => watch.hear(message, this.#mustGetView().seq),
    });
  }

  get truth(): Truth {
    return { view: this.#mustGetView(), contents: this.contents, tally: this.tally };
  }

  get hasRunning(): boolean {
    return this.devices.some(({ agent }) => agent.running !== undefined);
  }

  /** Questions of all devices whether there is news, so far. */
  questions(): number {
    return this.devices.reduce((sum, { watch }) => sum + watch.questions, 0);
  }

  /** The workspace, and its devices linked to it. */
  async begin(): Promise<void> {
    const { mode, policy, sha256, agents } = this.profile;
    this.scheduler.note(JSON.stringify(this.profile));
    const workspaceId = await this.server.createWorkspace({ mode, policy, sha256 });
    const isInView = (bytes: Uint8Array): boolean => this.#isInView(bytes);
    const shared = { contents: this.contents, tally: this.tally, isInView };
    this.#view = new ServerView({ server: this.server, workspaceId, mode, policy, ...shared });
    const network = createNetwork({
      scheduler: this.scheduler,
      random: this.random.stream('network'),
      deliver: this.server.deliver,
      isCut: (owner) => this.devices.some(({ agent, isCut }) => isCut && agent.name === owner.name),
      tally: this.tally,
      faultRate: () => (this.isCalm ? 0 : this.profile.network),
      world: neverOwner,
    });
    for (let i = 0; i < agents; i++) {
      const device = this.#newDevice(i, { workspaceId, network });
      this.devices.push(device);
      await this.whileRunning(device.agent.link(toTransport(this.server.deliver)));
    }
  }

  #newDevice(i: number, given: Pick<DeviceSetting, 'workspaceId' | 'network'>): Device {
    const device: Device = createDevice({
      ...given,
      name: `a${i}`,
      user: users[i % users.length]!,
      profile: this.profile,
      scheduler: this.scheduler,
      random: this.random,
      contents: this.contents,
      clockSkewMs: this.profile.clockSkewsMs[i]!,
      report: (what) => (this.#broken ??= what),
      isKept: (bytes) => this.#mustGetView().isKept(bytes),
      tally: this.tally,
      interrupt: (near) => this.act(device, ' meanwhile', near),
    });
    return device;
  }

  #isInView(bytes: Uint8Array): boolean {
    const digest = this.contents.digest(bytes);
    return this.devices.some(({ agent, user, isMounted }) => {
      const tree = user.quietly(() => readTree(agent.fs, isMounted ? root : elsewhere));
      const files = filesOf(tree);
      const isThere = files.some((there) => this.contents.digest(there) === digest);
      return isThere || this.contents.isMergedInto(bytes, files);
    });
  }

  /** A user does something; not when nothing is left to do, or the folder is not there. */
  act(device: Device, when: string, near?: string): void {
    if (this.operationsLeft <= 0 || !device.isMounted) return;
    this.operationsLeft--;
    device.acts++;
    this.scheduler.note(`${device.agent.name} user ${device.user.act(near)}${when}`);
  }

  /** A device is told what is not so. */
  lie(device: Device): void {
    const { workspaceId, seq, root: mark } = this.#mustGetView();
    const { deviceId } = this.devices.find((other) => other !== device)!.agent;
    this.#notifications.lie(device, { kind: 'commit', workspaceId, seq, root: mark, deviceId });
  }

  /** Begins a sync, unless one is under way. `isChanged`: only because the folder may have changed. */
  startSync(device: Device, isChanged = false): void {
    if (device.agent.running !== undefined) return;
    device.actsAtStart = device.acts;
    device.isCalm = this.isCalm;
    const looksFirst = device.watch.beginSync(this.#mustGetView().seq, isChanged);
    this.scheduler.note(`${device.agent.name} ${looksFirst ? 'looks at the disk' : 'syncs'}`);
    device.agent.startSync({ massDeletionAllowed: true, looksFirst });
  }

  #startQuestion(device: Device): void {
    device.isCalm = this.isCalm;
    this.scheduler.note(`${device.agent.name} asks for news`);
    device.watch.beginQuestion(this.#mustGetView().seq);
    device.agent.startQuestion();
  }

  /** What a device that does nothing does by itself. */
  #goOn(device: Device): void {
    if (device.agent.running !== undefined) return;
    const what = device.watch.next();
    if (what === undefined) return;
    if (what === 'poll') this.#startQuestion(device);
    else this.startSync(device);
  }

  /** Something that no fault disturbs, while the rest of the world may go on. */
  async whileRunning<T>(work: Promise<T>): Promise<T> {
    const state = { isOver: false };
    const ended = work.finally(() => (state.isOver = true));
    for (let steps = 0; steps < stepsMax; steps++) {
      await this.scheduler.rest();
      await this.#lookAtWorkspace();
      if (state.isOver) return ended;
      await this.scheduler.step();
    }
    throw new Broken('I23', 'a sync without faults does not end');
  }

  /** What follows from an event, looked at. Throws `Broken`. */
  async afterStep(): Promise<void> {
    await this.scheduler.rest();
    await this.#lookAtWorkspace();
    for (const device of this.devices) await this.#lookAt(device);
    for (const device of this.devices) this.#goOn(device);
  }

  /** Until nothing moves any more. */
  async drain(): Promise<void> {
    for (let steps = 0; this.scheduler.hasParked() || this.hasRunning; steps++) {
      if (steps > stepsMax) throw new Broken('I23', 'the syncs under way do not end');
      await this.scheduler.step();
      await this.afterStep();
    }
  }

  /** Who had seen what is asked as of now: so commits are looked at as they come. */
  async #lookAtWorkspace(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.#mustGetView().catchUp();
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
    await this.noteEnd(device, end);
  }

  #bury({ agent, user, watch }: Device): void {
    const random = this.random;
    const isPowerCut = this.profile.powerCuts && random.chance(0.5);
    this.scheduler.note(`${agent.name} ${isPowerCut ? 'loses power' : 'is killed'}`);
    const share = random.pick([0, 0.5, 0.9]);
    if (isPowerCut) this.tally.fault('power cut');
    if (isPowerCut) user.forgetSlowWrite();
    const wasWatching = watch.close();
    agent.bury(isPowerCut ? () => random.chance(share) : null);
    if (wasWatching) watch.open();
    this.tally.check('I17');
    checkView({ agent, user }, this.truth);
  }

  /** Notes how a sync ended, or a question, and holds it to what it says. */
  async noteEnd(device: Device, end: Ended): Promise<void> {
    const { name } = device.agent;
    device.watch.ended(end);
    if (end.end === 'answered') {
      this.scheduler.note(`${name} is told that there is ${end.hasNews ? 'news' : 'none'}`);
      return;
    }
    this.onEnd(device, end);
    if (end.end === 'failed') {
      this.scheduler.note(`${name} failed: ${end.error instanceof Error ? end.error.message : String(end.error)}`);
      this.#checkFailure(device, end.error);
      return;
    }
    const { report } = end;
    this.scheduler.note(
      `${name} synced: ${report.operations} operations, ${report.applied} applied, seq ${report.seq}${report.upToDate ? ', up to date' : ''}${report.asked ? '' : ', asked nothing'}`,
    );
    this.tally.check('I6');
    if (this.#mustGetView().rootAt(report.seq) !== report.root) {
      throw new Broken('I6', `${name} follows ${report.seq} as another head than the workspace has`);
    }
    if (report.upToDate && device.acts === device.actsAtStart) await checkUpToDate(device, this.truth, report);
  }

  #checkFailure({ agent: { name }, isCalm }: Device, error: unknown): void {
    const { mode, diskErrors, fullDisks, unmounts } = this.profile;
    const hasDiskErrors = diskErrors > 0 || fullDisks || unmounts;
    if (mode === 'shared' && isTidemarkError(error, 'busy')) this.isRefused ||= isCalm;
    else checkFailure(name, error, { isCalm, hasDiskErrors, tally: this.tally });
  }

  #mustGetView(): ServerView {
    if (this.#view === undefined) throw new Error('the history has not begun');
    return this.#view;
  }
}
