/** A watch over a folder that is played by the test: what syncs answer, what the server has, when the system tells of changes. */
import { type ProgressEvent, type SyncReport, type SyncStatus, newTally } from '../../../client/agent/engine/report.ts';
import { Turns } from '../../../client/agent/watch/turns.ts';
import { WatchLoop } from '../../../client/agent/watch/watch-loop.ts';
import type { WatchEvent } from '../../../client/agent/watch/watch-needs.ts';
import type { Pause } from '../../../client/agent/watch/pause.ts';
import type { WatchTarget } from '../../../client/agent/watch/watch-target.ts';
import type { WatchListener } from '../../../client/agent/watch/watcher.ts';
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

export class WatchedWorld {
  readonly time = new VirtualTime();
  readonly events: WatchEvent[] = [];
  /** Reasons of the syncs that were begun, with the second they were begun in. */
  readonly begun: string[] = [];
  polls = 0;
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
  readonly loop: WatchLoop;
  readonly #stop = new AbortController();
  #run: Promise<void> | undefined;

  constructor() {
    this.loop = new WatchLoop({
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

  async changed(): Promise<void> {
    this.listener?.changed();
    await this.time.settle();
  }

  #target(): WatchTarget {
    return {
      root: '/folder',
      turns: this.turns,
      sync: (signal) => this.#sync(signal),
      status: async () => atRest,
      hasNews: async () => {
        this.polls++;
        if (this.pollError !== undefined) throw this.pollError;
        return this.news;
      },
      onProgress: (_listener: (event: ProgressEvent) => void) => () => undefined,
      getPause: () => this.pause,
      clearPause: () => (this.pause = undefined),
      explain: (error) => error,
      close: async () => void this.closed++,
    };
  }

  async #sync(signal: AbortSignal): Promise<SyncReport> {
    const answer = this.answers.shift() ?? fine;
    if (answer instanceof Error) throw answer;
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    return Promise.race([answer, aborted]);
  }
}
