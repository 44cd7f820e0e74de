/**
 * The real server over stores in memory that fail as stores do: refuse, do it and fail to say so, take their time while another
 * request goes on. Events of new blobs are lost, doubled and late.
 */
import { concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import { type WorkspaceId, bytesToWorkspaceId, parseUserId } from '../../shared/core/ids.ts';
import { emptyMapRoot } from '../../shared/core/merkle/map-node.ts';
import { firstChain } from '../../shared/core/wire/journal-entry.ts';
import type { CommitResponse } from '../../shared/core/wire/commit.ts';
import type { ConflictPolicy, WorkspaceMode } from '../../shared/core/wire/workspace.ts';
import { type MemoryBlobStore, createMemoryBlobStore } from '../../shared/adapters/memory/memory-blob-store.ts';
import { createMemoryChangeFeed } from '../../shared/adapters/memory/memory-change-feed.ts';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { createMemoryQueue } from '../../shared/adapters/memory/memory-queue.ts';
import { createStaticTokenVerifier } from '../../shared/adapters/memory/static-token-verifier.ts';
import { createTokenBucketLimiter } from '../../shared/adapters/memory/token-bucket-limiter.ts';
import { createEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { type Api, type ApiDependencies, createApi } from '../../shared/api/api.ts';
import { silentLog } from '../../shared/ports/log.ts';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';
import { noMetrics } from '../../shared/ports/metrics.ts';
import { noRequestScope } from '../../shared/ports/request-scope.ts';
import type { Scope } from '../../shared/ports/token-verifier.ts';
import { type CommitInput, type CommitNeeds, commit } from '../../shared/services/commit.ts';
import { createAnnouncer } from '../../shared/services/realtime/create-announcer.ts';
import { reportsPolicy } from '../../shared/services/realtime/reports-policy.ts';
import { withAnnouncements } from '../../shared/services/realtime/with-announcements.ts';
import { restore } from '../../shared/services/restore.ts';
import { parsePackBlobName } from '../../shared/services/pack-name.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import type { Deliver } from './network.ts';
import type { Random } from './random.ts';
import type { AnsweredCommit } from './replay-outcomes.ts';
import type { Owner, Scheduler } from './scheduler.ts';
import { createSimulatedNotifier, createSimulatedTimers } from './simulated-notifier.ts';
import type { Tally } from './tally.ts';

export const users = ['ann', 'bob'] as const;
export type UserName = (typeof users)[number];

const scopes: ReadonlySet<Scope> = new Set<Scope>(['sync.read', 'sync.write', 'sync.admin']);
const signer = createEd25519Signer(blake3(utf8('simulation')));
/** Public, of the one signer of all simulations. */
export const signingKeys = await signer.publicKeys();

export interface ServerSetting {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly world: Owner;
  readonly tally: Tally;
  /** Share of calls of the stores that fail, now. */
  readonly faultRate: () => number;
  /** Share of calls of the stores during which others go on. */
  readonly pauseRate: number;
  /** Share of calls of the stores at which the server dies, now. */
  readonly crashRate: () => number;
  /** A commit was answered, by the service: whether the answer gets through is another matter. */
  readonly onAnswer: (commit: AnsweredCommit) => void;
  /** Takes what the realtime service was given for a group. */
  readonly notify: (group: string, message: Uint8Array) => void;
}

export interface WorkspaceSetting {
  readonly mode: WorkspaceMode;
  readonly policy: ConflictPolicy;
  readonly sha256: boolean;
}

export interface SimulatedServer {
  /** As they are: without faults. */
  readonly metadata: MetadataStore;
  readonly blobs: MemoryBlobStore;
  /** Answers requests to the API and to signed URLs; undefined when the server died over it. */
  readonly deliver: Deliver;
  createWorkspace(setting: WorkspaceSetting): Promise<WorkspaceId>;
}

/** One life of the server's process: with it ends all that it had under way. What the stores have, they keep. */
class Life implements Owner {
  readonly name = 'server';
  isDead = false;
  readonly ended: Promise<undefined>;
  #end: (value: undefined) => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  end(): void {
    this.isDead = true;
    this.#end(undefined);
  }
}

/** What a dead process waits for. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}

type Around = (name: string, call: () => unknown) => unknown;

/** The same store, every call of which goes through `around`. Streams are left alone. */
function wrapped<Store extends object>(store: Store, around: Around): Store {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || key === 'list' || key === 'listBlobs' || key === 'fetch') {
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (...given: unknown[]) => around(String(key), () => Reflect.apply(value, target, given));
    },
  });
}

function wrapMetadata(metadata: MetadataStore, around: Around): MetadataStore {
  const { workspaces, devices, sessions, chunks, objects, journal, versions, quarantine, leases, presence } = metadata;
  const purgeWorkspace: MetadataStore['purgeWorkspace'] = (...given) => metadata.purgeWorkspace(...given);
  return {
    purgeWorkspace: wrapped({ purgeWorkspace }, around).purgeWorkspace,
    workspaces: wrapped(workspaces, around),
    devices: wrapped(devices, around),
    sessions: wrapped(sessions, around),
    chunks: wrapped(chunks, around),
    objects: wrapped(objects, around),
    journal: wrapped(journal, around),
    versions: wrapped(versions, around),
    quarantine: wrapped(quarantine, around),
    leases: wrapped(leases, around),
    presence: wrapped(presence, around),
  };
}

/** The stores as one life of the server has them. */
function around(setting: ServerSetting, life: Life, crash: () => void): Around {
  const { scheduler, random, tally } = setting;
  return async (name, call) => {
    if (random.chance(setting.pauseRate)) await scheduler.park(life, `server ${name}`);
    if (life.isDead) return never();
    if (random.chance(setting.crashRate())) {
      tally.fault('server crash');
      scheduler.note(`server dies at ${name}`);
      if (random.chance(0.5)) await call();
      crash();
      return never();
    }
    const fails = random.chance(setting.faultRate());
    if (fails) tally.fault('store refuses or succeeds silently');
    if (fails && random.chance(0.5)) throw new TidemarkError('unavailable', 'the store did not answer');
    const result = await call();
    if (life.isDead) return never();
    if (fails) throw new TidemarkError('unavailable', 'the store did it and did not say so');
    return result;
  };
}

export function createSimulatedServer(setting: ServerSetting): SimulatedServer {
  const { scheduler, random, world, tally } = setting;
  const clock = { now: () => scheduler.nowMs };
  const blobs = createMemoryBlobStore({ clock });
  const metadata = createMemoryMetadataStore();
  const queue = createMemoryQueue({ clock });
  const randomness = random.stream('server');
  // Nothing waits for it, so it may fail often.
  const notifierFaultRate = (): number => Math.min(1, 10 * setting.faultRate());
  let running = start();

  function start(): { readonly life: Life; readonly deps: ApiDependencies; readonly api: Api } {
    const life = new Life();
    const crash = (): void => {
      if (life.isDead) return;
      life.end();
      running = start();
    };
    const through = around(setting, life, crash);
    const announcer = createAnnouncer({
      notifier: createSimulatedNotifier({ ...setting, faultRate: notifierFaultRate, take: setting.notify }, life),
      clock,
      timers: createSimulatedTimers(scheduler, life),
      log: silentLog,
      metrics: noMetrics,
    });
    const deps: ApiDependencies = {
      blobs: wrapped(blobs, through),
      metadata: wrapMetadata(metadata, through),
      signer,
      clock,
      randomness,
      log: silentLog,
      codecs: nodeCodecs,
      region: 'sim',
      tokens: createStaticTokenVerifier(
        new Map(users.map((name) => [name, { userId: parseUserId(`sim|${name}`), scopes }])),
      ),
      configuration: {
        protocol: 1,
        issuer: 'https://issuer.test',
        audience: 'tidemark',
        clientId: 'tide',
        development: true,
      },
      version: '0.0.0-sim',
      commit: withAnnouncements(answering, announcer),
      restore,
      queue,
      changeFeed: createMemoryChangeFeed(),
      metrics: noMetrics,
      scope: noRequestScope,
      rateLimiter: null,
      operators: new Set(),
      defaultQuota: { filesMax: null, bytesMax: null },
      notifier: null,
      announcer,
      reportLimiter: createTokenBucketLimiter(reportsPolicy),
    };
    return { life, deps, api: createApi(deps) };
  }

  async function answering(deps: CommitNeeds, input: CommitInput): Promise<CommitResponse> {
    const answer = await commit(deps, input);
    const { request, requestId } = input;
    const device = await metadata.devices.get(request.deviceId);
    setting.onAnswer({ request, requestId, answer, deviceName: device?.name ?? '' });
    return answer;
  }

  function announce(url: string): void {
    const name = new URL(url).pathname.replace(/^\/?chunks\//, '');
    const pack = parsePackBlobName(name);
    if (pack === undefined) throw new Error(`a blob under a name that no pack has: ${name}`);
    const times = setting.faultRate() > 0 || setting.crashRate() > 0 ? random.pick([0, 1, 1, 2]) : 1;
    if (times !== 1) tally.fault(times === 0 ? 'event lost' : 'event doubled');
    for (let i = 0; i < times; i++) {
      scheduler.later(world, `blob event`, () => void verifyPack(running.deps, pack).catch(() => undefined));
    }
  }

  return {
    metadata,
    blobs,
    deliver: async (request) => {
      const { api, life } = running;
      if (!request.url.startsWith('memory:')) return Promise.race([api.handle(request), life.ended]);
      const response = await blobs.fetch(request);
      if (response.status === 201) announce(request.url);
      return response;
    },
    createWorkspace: async ({ mode, policy, sha256 }) => {
      const workspaceId = bytesToWorkspaceId(blake3(concatBytes(utf8('workspace'))).slice(0, 16));
      await metadata.workspaces.create(
        {
          workspaceId,
          name: 'Simulated',
          mode,
          policy,
          region: 'sim',
          createdMs: clock.now(),
          members: users.map((name, i) => ({ userId: parseUserId(`sim|${name}`), role: i === 0 ? 'owner' : 'editor' })),
          version: 1,
          deletedMs: null,
          quota: { filesMax: null, bytesMax: null },
          sha256,
        },
        { seq: 0, root: emptyMapRoot, chain: firstChain(workspaceId), timeMs: 0, tally: { files: 0, bytes: 0 } },
      );
      return workspaceId;
    },
  };
}
