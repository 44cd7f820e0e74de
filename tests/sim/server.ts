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
import type { ConflictPolicy, WorkspaceMode } from '../../shared/core/wire/workspace.ts';
import { type MemoryBlobStore, createMemoryBlobStore } from '../../shared/adapters/memory/memory-blob-store.ts';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { createStaticTokenVerifier } from '../../shared/adapters/memory/static-token-verifier.ts';
import { createEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import { type Api, type ApiDependencies, createApi } from '../../shared/api/api.ts';
import { silentLog } from '../../shared/ports/log.ts';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';
import type { Scope } from '../../shared/ports/token-verifier.ts';
import { commit } from '../../shared/services/commit.ts';
import { parsePackBlobName } from '../../shared/services/pack-name.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import type { Random } from './random.ts';
import type { Owner, Scheduler } from './scheduler.ts';

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
  /** Share of calls of the stores that fail, now. */
  readonly faultRate: () => number;
  /** Share of calls of the stores during which others go on. */
  readonly pauseRate: number;
  /** Changes the stores: for planted bugs. */
  readonly adapt?: (metadata: MetadataStore) => MetadataStore;
}

export interface SimulatedServer {
  readonly api: Api;
  /** As they are: without faults. */
  readonly metadata: MetadataStore;
  readonly blobs: MemoryBlobStore;
  /** Answers requests to the API and to signed URLs. */
  deliver(request: Request): Promise<Response>;
  createWorkspace(mode: WorkspaceMode, policy: ConflictPolicy): Promise<WorkspaceId>;
}

type Around = (name: string, call: () => unknown) => unknown;

/** The same store, every call of which goes through `around`. Streams are left alone. */
function wrapped<Store extends object>(store: Store, around: Around): Store {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || key === 'list' || key === 'fetch') {
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (...given: unknown[]) => around(String(key), () => Reflect.apply(value, target, given));
    },
  });
}

function wrapMetadata(metadata: MetadataStore, around: Around): MetadataStore {
  const { workspaces, devices, sessions, chunks, objects, journal } = metadata;
  return {
    workspaces: wrapped(workspaces, around),
    devices: wrapped(devices, around),
    sessions: wrapped(sessions, around),
    chunks: wrapped(chunks, around),
    objects: wrapped(objects, around),
    journal: wrapped(journal, around),
  };
}

export function createSimulatedServer(setting: ServerSetting): SimulatedServer {
  const { scheduler, random, world } = setting;
  const clock = { now: () => scheduler.nowMs };
  const blobs = createMemoryBlobStore({ clock });
  const plain = createMemoryMetadataStore();
  const metadata = setting.adapt?.(plain) ?? plain;

  const around: Around = async (name, call) => {
    if (random.chance(setting.pauseRate)) await scheduler.park(world, `server ${name}`);
    const fails = random.chance(setting.faultRate());
    if (fails && random.chance(0.5)) throw new TidemarkError('unavailable', 'the store did not answer');
    const result = await call();
    if (fails) throw new TidemarkError('unavailable', 'the store did it and did not say so');
    return result;
  };
  const deps: ApiDependencies = {
    blobs: wrapped(blobs, around),
    metadata: wrapMetadata(metadata, around),
    signer,
    clock,
    randomness: random.stream('server'),
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
    commit,
  };
  const api = createApi(deps);

  function announce(url: string): void {
    const name = new URL(url).pathname.replace(/^\/?chunks\//, '');
    const pack = parsePackBlobName(name);
    if (pack === undefined) throw new Error(`a blob under a name that no pack has: ${name}`);
    const times = setting.faultRate() > 0 ? random.pick([0, 1, 1, 2]) : 1;
    for (let i = 0; i < times; i++) {
      scheduler.later(world, `blob event`, () => void verifyPack(deps, pack).catch(() => undefined));
    }
  }

  return {
    api,
    metadata,
    blobs,
    deliver: async (request) => {
      if (!request.url.startsWith('memory:')) return api.handle(request);
      const response = await blobs.fetch(request);
      if (response.status === 201) announce(request.url);
      return response;
    },
    createWorkspace: async (mode, policy) => {
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
        },
        { seq: 0, root: emptyMapRoot, chain: firstChain(workspaceId) },
      );
      return workspaceId;
    },
  };
}
