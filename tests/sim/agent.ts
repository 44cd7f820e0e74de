/**
 * One device: the real engine, folder and transfer over a simulated file system and network, with the real journal. Its
 * process can be killed at any call of the file system, any transaction of the journal and any wait for the network; the
 * machine's power can go with it. What was committed in the journal's database survives both, as SQLite promises.
 */
import { createEngine } from '../../client/agent/engine/engine.ts';
import type { SyncReport, SyncStatus } from '../../client/agent/engine/report.ts';
import type { SyncOptions } from '../../client/agent/engine/sync-run.ts';
import {
  type Link,
  checkControlFolder,
  linkFolder,
  makeControlFolder,
  relinkFolder,
} from '../../client/agent/folder/control-folder.ts';
import { createSyncedFolder } from '../../client/agent/folder/synced-folder.ts';
import { Journal, createJournal } from '../../client/agent/journal/journal.ts';
import { pinKeys } from '../../client/agent/journal/meta-table.ts';
import { createTransferBuffers } from '../../client/agent/transfer/buffers.ts';
import { type TransferSetting, createTransferCount } from '../../client/agent/transfer/services.ts';
import { createTransfer } from '../../client/agent/transfer/transfer.ts';
import { createApiClient } from '../../client/sdk/api-client.ts';
import { createBlobClient } from '../../client/sdk/blob-client.ts';
import type { RetryPolicy } from '../../client/sdk/retry.ts';
import type { Transport } from '../../client/sdk/transport.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { DeviceId, WorkspaceId } from '../../shared/core/ids.ts';
import { silentLog } from '../../shared/ports/log.ts';
import { verifySignature } from './verify-signature.ts';
import { linesOfCommit, linesOfRequest } from './trace-lines.ts';
import type { DiskFaults } from './disk-faults.ts';
import type { Random } from './random.ts';
import type { Owner, Scheduler } from './scheduler.ts';
import { type UserName, signingKeys } from './server.ts';
import { createSimulatedExecutor } from './simulated-executor.ts';
import type { SimulatedFileSystem } from './simulated-file-system.ts';
import { root } from './tree.ts';

/** The process is gone. Carries no `code`, so that nobody takes it for an error of the file system. */
export class Killed extends Error {
  constructor() {
    super('the process was killed');
  }
}

/** One life of the agent's process. */
class Process implements Owner {
  readonly name: string;
  isDead = false;

  constructor(name: string) {
    this.name = name;
  }
}

export interface AgentSetting {
  readonly name: string;
  readonly user: UserName;
  readonly workspaceId: WorkspaceId;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: (owner: Owner) => Transport;
  readonly fs: SimulatedFileSystem;
  readonly faults: DiskFaults;
  /** How wrong its clock goes at first. */
  readonly clockSkewMs: number;
  readonly folds: boolean;
  /** Whether the workspace asks for the SHA-256 of each file. */
  readonly wantsSha256: boolean;
}

/** How a sync ended, or a question whether there is news. */
export type Ended =
  | { readonly end: 'done'; readonly report: SyncReport }
  | { readonly end: 'answered'; readonly hasNews: boolean }
  | { readonly end: 'failed'; readonly error: unknown };

const retry: RetryPolicy = { attempts: 4, baseMs: 100, capMs: 1_000, retryAfterMaxMs: 60_000 };

export class Agent {
  readonly name: string;
  readonly fs: SimulatedFileSystem;
  readonly #setting: AgentSetting;
  readonly #randomness: Random;
  #process: Process;
  #journal: Journal | undefined;
  #link: Link | undefined;
  #incarnations = 0;
  /** How wrong its clock goes now. */
  clockSkewMs: number;
  /** The sync under way, or the question. */
  running: Promise<Ended> | undefined;

  constructor(setting: AgentSetting) {
    this.#setting = setting;
    this.name = setting.name;
    this.fs = setting.fs;
    this.clockSkewMs = setting.clockSkewMs;
    this.#process = new Process(setting.name);
    this.#randomness = setting.random.stream(`${setting.name} ids`);
    setting.faults.onKill = () => {
      this.#process.isDead = true;
      throw new Killed();
    };
    setting.faults.beAlive = () => this.#beAlive();
  }

  /** Killed in the middle of something; `bury` it before anything else. */
  get isDead(): boolean {
    return this.#process.isDead;
  }

  /** Whether its disk takes names that differ in case for one. */
  get folds(): boolean {
    return this.#setting.folds;
  }

  /** This life of the process: another one after each death. */
  get process(): Owner {
    return this.#process;
  }

  /** As which it is registered now. */
  get deviceId(): DeviceId {
    return this.#mustGetLink().deviceId;
  }

  get journal(): Journal {
    if (this.#journal === undefined) throw new Error('the agent was not linked');
    return this.#journal;
  }

  /** Links the folder, on a network without faults. */
  async link(transport: Transport): Promise<void> {
    const { fs } = this;
    makeControlFolder(fs, root);
    await this.#newIncarnation(transport);
    linkFolder(fs, root, this.#mustGetLink());
    fs.flushAll(root);
  }

  /** As the command line does when it finds no journal: a new device over what is there. */
  async loseJournal(transport: Transport): Promise<void> {
    await this.#newIncarnation(transport);
    relinkFolder(this.fs, root, this.#mustGetLink());
  }

  async #newIncarnation(transport: Transport): Promise<void> {
    const { workspaceId, user } = this.#setting;
    const { api } = this.#clients(transport);
    const token = this.#randomness.bytes(16);
    const { deviceId } = await api.registerDevice({ token, name: `${this.name}-${++this.#incarnations}` });
    this.#journal = createJournal(':memory:', { workspaceId, deviceId, server: 'http://server.test/api', user });
    pinKeys(this.#journal.meta, signingKeys);
    this.#journal.meta.wantsSha256 = this.#setting.wantsSha256;
    this.#link = { workspaceId, deviceId };
    this.#guardJournal(this.#journal);
  }

  /** The process may be killed before and after each transaction, and writes nothing when it is dead. */
  #guardJournal({ database }: Journal): void {
    const { faults } = this.#setting;
    const transaction = database.transaction.bind(database);
    const run = database.run.bind(database);
    let depth = 0;
    database.transaction = (work) => {
      if (depth > 0) return transaction(work);
      this.#beAlive();
      faults.passTransaction();
      depth++;
      try {
        return transaction(work);
      } finally {
        depth--;
        if (!this.isDead) faults.passTransaction();
      }
    };
    database.run = (sql, ...values) => {
      this.#beAlive();
      return run(sql, ...values);
    };
  }

  #beAlive(): void {
    if (this.isDead) throw new Killed();
  }

  /** Begins a sync by a new process. */
  startSync(options: SyncOptions = {}): void {
    const engine = this.#compose(this.#process);
    this.running = engine.sync(new AbortController().signal, options).then(
      (report) => ({ end: 'done', report }),
      (error: unknown) => ({ end: 'failed', error }),
    );
  }

  /** Asks whether the workspace has moved on from what was followed, as a watch does. */
  startQuestion(): void {
    this.running = this.#hasNews(this.#process).then(
      (hasNews) => ({ end: 'answered', hasNews }),
      (error: unknown) => ({ end: 'failed', error }),
    );
  }

  async #hasNews(process: Process): Promise<boolean> {
    const link = this.#mustGetLink();
    checkControlFolder(this.fs, root, link);
    const { seq } = this.journal.meta.head;
    const { api } = this.#clients(this.#setting.network(process));
    return (await api.changes(link.workspaceId, seq)).headSeq > seq;
  }

  status(): Promise<SyncStatus> {
    return this.#compose(this.#process).status();
  }

  /** The process dies where it stands. */
  kill(): void {
    this.#process.isDead = true;
  }

  /** After `kill`: what the process had open is closed, and with `powerCut` the page cache is gone too. A new process can start. */
  bury(powerCut: (() => boolean) | null): void {
    this.fs.cut(powerCut ?? (() => true));
    this.running = undefined;
    this.#process = new Process(this.name);
    this.#setting.faults.reset();
    if (this.#journal !== undefined) this.#journal = new Journal(this.#journal.database, ':memory:');
  }

  #mustGetLink(): Link {
    if (this.#link === undefined) throw new Error('the agent was not linked');
    return this.#link;
  }

  #clients(transport: Transport) {
    const { scheduler, user } = this.#setting;
    const process = this.#process;
    const waiter = {
      sleep: async (ms: number): Promise<void> => {
        await scheduler.park(process, `sleeps`);
        scheduler.nowMs += Math.floor(ms);
      },
      random: () => 0.5,
    };
    const common = { transport, waiter, now: () => scheduler.nowMs, retry };
    const tokens = { token: async () => user, renew: async () => user };
    return {
      api: createApiClient({ ...common, baseUrl: 'http://server.test/api', tokens, lz4: nodeCodecs.lz4 }),
      blobs: createBlobClient(common),
    };
  }

  #compose(process: Process) {
    const { scheduler, network, wantsSha256 } = this.#setting;
    const { journal, fs } = this;
    const link = this.#mustGetLink();
    const executor = createSimulatedExecutor({ process, scheduler, fs, faults: this.#setting.faults });
    const { api, blobs } = this.#clients(network(process));
    const transfer: TransferSetting = {
      api,
      blobs,
      executor,
      ...link,
      root,
      buffers: createTransferBuffers(),
      count: createTransferCount(),
    };
    const folder = createSyncedFolder({
      fs,
      executor,
      root,
      link,
      transfer,
      randomness: this.#randomness,
      wantsSha256,
    });
    return createEngine({
      journal,
      folder,
      transfer: createTransfer(transfer),
      api: {
        changes: (...given) => api.changes(...given),
        signingKeys: (...given) => api.signingKeys(...given),
        getWorkspace: (...given) => api.getWorkspace(...given),
        listDevices: (...given) => api.listDevices(...given),
        commit: async (request, ...given) => {
          for (const line of linesOfRequest(request)) scheduler.note(`${process.name}   ${line}`);
          const answer = await api.commit(request, ...given);
          for (const line of linesOfCommit(request, answer)) scheduler.note(`${process.name}   ${line}`);
          return answer;
        },
      },
      verify: async (...given) => verifySignature(...given),
      clock: { now: () => scheduler.nowMs + this.clockSkewMs },
      randomness: this.#randomness,
      sleep: async (ms) => {
        await scheduler.park(process, 'waits');
        scheduler.nowMs += Math.floor(ms);
      },
      log: silentLog,
      progress: () => undefined,
    });
  }
}
