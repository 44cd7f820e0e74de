/** A watch over a folder that is played by the test: what syncs answer, what the server has, when the system tells of changes. */
import { type ProgressEvent, type SyncReport, type SyncStatus, newTally } from '../../../client/agent/engine/report.ts';
import { Turns } from '../../../client/agent/watch/turns.ts';
import { WatchLoop } from '../../../client/agent/watch/watch-loop.ts';
import type { WatchEvent } from '../../../client/agent/watch/watch-needs.ts';
import type { Pause } from '../../../client/agent/watch/pause.ts';
import type { WatchTarget } from '../../../client/agent/watch/watch-target.ts';
import type { WatchListener } from '../../../client/agent/watch/watcher.ts';
import type { ChannelListener, ChannelSeat } from '../../../client/agent/realtime/channel.ts';
import {
  type DeviceId,
  type SessionId,
  type WorkspaceId,
  parseDeviceId,
  parseSessionId,
  parseWorkspaceId,
} from '../../../shared/core/ids.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import { VirtualTime } from './virtual-time.ts';

export const fine: SyncReport = {
  ...newTally(),
  files: 3,
  chunksNew: 0,
  bytesSent: 10,
  bytesReceived: 20,
  requests: 1,
  operations: 1,
  rounds: 1,
  seq: 1,
  root: emptyMapRoot,
  asked: true,
  upToDate: true,
  problems: [],
};

const atRest: SyncStatus = {
  state: { name: 'idle' },
  seq: 1,
  marks: { local: emptyMapRoot, synced: emptyMapRoot, remote: emptyMapRoot },
  pending: { local: 0, remote: 0 },
  problems: [],
  conflicts: [],
  excluded: 0,
  upToDate: true,
};

const workspaceId = parseWorkspaceId('7'.repeat(32));
export const thisDevice = parseDeviceId('a'.repeat(32));
const otherDevice = parseDeviceId('b'.repeat(32));

export class WatchedWorld {
  readonly time = new VirtualTime();
  readonly events: WatchEvent[] = [];
  /** Reasons of the syncs that were begun, with the second they were begun in. */
  readonly begun: string[] = [];
  polls = 0;
  /** The seq that syncs follow the journal to, as the server has it. */
  headSeq = 1;
  /** The channel that the folder joins; false: it has none. */
  hasChannel = false;
  listening: ChannelListener | undefined;
  /** What the seat was told. */
  readonly seatTold: string[] = [];
  followedSeq = 1;
  #progress: ((event: ProgressEvent) => void) | undefined;
  #upload: ((sessionId: SessionId, percent: number) => void) | undefined;
  opened = 0;
  closed = 0;
  watchers = 0;
  refreshed = 0;
  listener: WatchListener | undefined;
  pause: Pause | undefined;
  readonly turns = new Turns();
  /** What the next syncs do; fine for ever when it is empty. */
  readonly answers: (SyncReport | Error | Promise<SyncReport>)[] = [];
  openError: Error | undefined;
  pollError: Error | undefined;
  watcherLost: string | undefined;
  news = false;
  /** Whether syncs that look first find that the folder differs. */
  differs = true;
  /** Whether each sync was to look first. */
  readonly lookedFirst: boolean[] = [];
  /** What the answer to a question waits for on its way here. */
  answering: Promise<void> = Promise.resolve();
  readonly loop: WatchLoop;
  readonly #stop = new AbortController();
  #run: Promise<void> | undefined;

  constructor(needs: { readonly pollMs?: number } = {}) {
    this.loop = new WatchLoop({
      ...needs,
      timers: this.time,
      open: async () => {
        if (this.openError !== undefined) throw this.openError;
        this.opened++;
        return this.#target();
      },
      startWatcher: async (_root, listener) => {
        this.watchers++;
        this.listener = listener;
        if (this.watcherLost !== undefined) listener.lost(this.watcherLost);
        return { folders: 4, refresh: async () => void this.refreshed++, close: () => undefined };
      },
      tell: (event) => {
        this.events.push(event);
        if (event.type === 'state' && event.state.name === 'syncing') {
          this.begun.push(`${event.state.reason} ${Math.round(this.time.now() / 1_000)}`);
        }
      },
    });
  }

  async start(): Promise<void> {
    this.#run = this.loop.run(this.#stop.signal);
    await this.time.settle();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#run;
  }

  get state(): string {
    return this.loop.view().state.name;
  }

  async changed(path?: string): Promise<void> {
    this.listener?.changed(path);
    await this.time.settle();
  }

  async live(isLive: boolean): Promise<void> {
    this.listening?.live(isLive);
    await this.time.settle();
  }

  /** An event of a commit, of another device if it is not said. */
  async heard(seq: number, deviceId: DeviceId = otherDevice, of: WorkspaceId = workspaceId): Promise<void> {
    this.listening?.heard({ kind: 'commit', workspaceId: of, seq, root: emptyMapRoot, deviceId });
    await this.time.settle();
  }

  /** Another device commits, and it is told of. */
  async committed(): Promise<void> {
    await this.heard(++this.headSeq);
  }

  progressed(event: Partial<ProgressEvent>): void {
    this.#progress?.({ phase: 'scanning', done: 0, total: 0, bytes: 0, ...event });
  }

  uploaded(percent: number): void {
    this.#upload?.(parseSessionId('5'.repeat(32)), percent);
  }

  #target(): WatchTarget {
    return {
      root: '/folder',
      workspaceId,
      deviceId: thisDevice,
      turns: this.turns,
      sync: (signal, options) => this.#sync(signal, options.looksFirst ?? false),
      status: async () => atRest,
      hasNews: async () => {
        this.polls++;
        if (this.pollError !== undefined) throw this.pollError;
        const hasNews = this.news || this.headSeq > this.followedSeq;
        const { answering } = this;
        this.answering = Promise.resolve();
        await answering;
        return hasNews;
      },
      followedSeq: () => this.followedSeq,
      ...(this.hasChannel ? { join: (listener: ChannelListener) => this.#join(listener) } : {}),
      onProgress: (listener) => {
        this.#progress = listener;
        return () => (this.#progress = undefined);
      },
      onUpload: (listener) => {
        this.#upload = listener;
        return () => (this.#upload = undefined);
      },
      getPause: () => this.pause,
      clearPause: () => (this.pause = undefined),
      explain: (error) => error,
      close: async () => void this.closed++,
    };
  }

  #join(listener: ChannelListener): ChannelSeat {
    this.listening = listener;
    this.seatTold.push('join');
    return {
      report: (state) => void this.seatTold.push(state),
      progress: (_sessionId, percent) => void this.seatTold.push(`${percent} %`),
      leave: () => {
        this.listening = undefined;
        this.seatTold.push('leave');
      },
    };
  }

  async #sync(signal: AbortSignal, looksFirst: boolean): Promise<SyncReport> {
    this.lookedFirst.push(looksFirst);
    const answer = this.answers.shift() ?? fine;
    if (answer instanceof Error) throw answer;
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    const seq = this.headSeq;
    const report = await Promise.race([answer, aborted]);
    if (looksFirst && !this.differs)
      return { ...report, asked: false, operations: 0, requests: 0, seq: this.followedSeq };
    this.followedSeq = Math.max(this.followedSeq, seq);
    return { ...report, seq: this.followedSeq };
  }
}
