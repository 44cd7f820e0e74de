/** Devices with real engines and journals over the real service in memory; folder and transfer of content are in memory too. */
import assert from 'node:assert/strict';
import { createEngine } from '../../../client/agent/engine/engine.ts';
import type { EngineApi } from '../../../client/agent/engine/needs.ts';
import type { SyncReport } from '../../../client/agent/engine/report.ts';
import type { SyncOptions } from '../../../client/agent/engine/sync-run.ts';
import { type Journal, createJournal } from '../../../client/agent/journal/journal.ts';
import { pinKeys } from '../../../client/agent/journal/meta-table.ts';
import type { Transfer, Upload } from '../../../client/agent/ports.ts';
import { createApiClient } from '../../../client/sdk/api-client.ts';
import { keysInOrder, verifySignature } from '../../../client/sdk/signatures.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type Digest, type WorkspaceId, digestsToColumn } from '../../../shared/core/ids.ts';
import { buildPack } from '../../../shared/core/pack/pack-writer.ts';
import type { UploadSessionResponse } from '../../../shared/core/wire/upload-session.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { silentLog } from '../../../shared/ports/log.ts';
import { must } from '../../api/world/calls.ts';
import { type NewWorkspace, TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { type TestWorld, countedRandomness, createTestWorld } from '../../api/world/test-world.ts';
import { Crash, CrashPoint, MemoryFolder } from './memory-folder.ts';
import { RotatingSigner } from './rotating-signer.ts';

const never = new AbortController().signal;

export class EngineWorld {
  readonly server: TestWorld;
  readonly signer: RotatingSigner;
  readonly workspaceId: WorkspaceId;
  /** Devices so far: each folder's clock begins elsewhere. */
  clocks = 0;
  readonly contents = new Map<Digest, Uint8Array>();
  readonly #options: NewWorkspace;

  private constructor(server: TestWorld, signer: RotatingSigner, workspaceId: WorkspaceId, options: NewWorkspace) {
    this.server = server;
    this.signer = signer;
    this.workspaceId = workspaceId;
    this.#options = options;
  }

  static async create(options: NewWorkspace = {}): Promise<EngineWorld> {
    const signer = new RotatingSigner();
    const server = createTestWorld({ adapt: (deps) => ({ ...deps, signer }) });
    const { workspaceId } = await createWorkspaceAs(server, 'ann', options);
    return new EngineWorld(server, signer, workspaceId, options);
  }

  get mode(): string {
    return this.#options.mode ?? 'personal';
  }

  /** A new device with an empty folder. */
  async device(name: string): Promise<EngineDevice> {
    return EngineDevice.create(this, await TestDevice.register(this.server, 'ann', this.workspaceId, name), name);
  }

  async devices(...names: readonly string[]): Promise<EngineDevice[]> {
    const devices: EngineDevice[] = [];
    for (const name of names) devices.push(await this.device(name));
    return devices;
  }
}

export class EngineDevice {
  readonly world: EngineWorld;
  readonly device: TestDevice;
  readonly crash = new CrashPoint();
  readonly folder: MemoryFolder;
  readonly count = { bytesSent: 0, bytesReceived: 0, requests: 0, chunksNew: 0, chunksReused: 0 };
  readonly randomness: { bytes(length: number): Uint8Array };
  /** Stands between the engine and the server; a test may put a liar in. */
  api: EngineApi;
  journal: Journal;
  /** What the engine does when it waits. */
  sleep: (ms: number) => Promise<void> = async () => {};
  /** Called with the files of each upload, before they are read. */
  onUpload: (files: readonly Upload[]) => void = () => {};

  private constructor(world: EngineWorld, device: TestDevice, name: string) {
    this.world = world;
    this.device = device;
    this.randomness = countedRandomness(name);
    this.folder = new MemoryFolder(
      this.crash,
      (content) => world.contents.get(content),
      () => this.randomness.bytes(16),
      1_000_000 * (1 + world.clocks++),
    );
    this.api = createApiClient({
      baseUrl: 'http://server.test/api',
      transport: async (request) => {
        this.crash.pass();
        const response = await world.server.api.handle(request);
        this.crash.pass();
        return response;
      },
      tokens: { token: async () => 'ann', renew: async () => 'ann' },
      lz4: nodeCodecs.lz4,
      waiter: { sleep: async () => {}, random: () => 0 },
      now: () => world.server.clock.now(),
      retry: { attempts: 1, baseMs: 1, capMs: 1, retryAfterMaxMs: 1 },
    });
    this.journal = this.newJournal();
  }

  static async create(world: EngineWorld, device: TestDevice, name: string): Promise<EngineDevice> {
    return new EngineDevice(world, device, name);
  }

  newJournal(): Journal {
    const { workspaceId, deviceId } = this.device;
    return createJournal(':memory:', { workspaceId, deviceId, server: 'http://server.test', user: 'test|ann' });
  }

  /** A transfer that puts single chunks straight into the workspace. */
  readonly #transfer: Transfer = {
    count: this.count,
    upload: async (files) => {
      this.crash.pass();
      this.onUpload(files);
      const changed = new Set<Digest>();
      const chunks: Uint8Array[] = [];
      for (const { path, content } of files) {
        const bytes = this.folder.items.get(path)?.bytes;
        if (bytes === undefined || blake3Digest(bytes) !== content) changed.add(content);
        else chunks.push(bytes);
      }
      if (chunks.length === 0) return { sessions: [], changed };
      const session = await this.#putChunks(chunks);
      for (const bytes of chunks) this.world.contents.set(blake3Digest(bytes), bytes);
      this.count.chunksNew += session.missing.length;
      this.count.bytesSent += chunks.reduce((sum, bytes) => sum + bytes.length, 0);
      this.crash.pass();
      return { sessions: [session.sessionId], changed };
    },
  };

  /** A pack that an earlier run put already answers 409, and is as good. */
  async #putChunks(chunks: readonly Uint8Array[]): Promise<UploadSessionResponse> {
    const session = await must(this.device.openSession(chunks));
    for (const { first, count, url } of session.packs) {
      const packed = session.missing.slice(first, first + count).map((place) => chunks[place]!);
      const { bytes } = buildPack(nodeCodecs, digestsToColumn(packed.map(blake3Digest)), (i) => packed[i]!);
      const { status } = await this.device.putBlob(url, bytes);
      assert.ok(status === 201 || status === 409);
    }
    return session;
  }

  async engine(): Promise<ReturnType<typeof createEngine>> {
    const { meta } = this.journal;
    if (meta.pinnedKeys.length === 0) pinKeys(meta, keysInOrder(await this.world.server.deps.signer.publicKeys()));
    return createEngine({
      journal: this.journal,
      folder: this.folder,
      transfer: this.#transfer,
      api: {
        commit: (...all) => this.api.commit(...all),
        changes: (...all) => this.api.changes(...all),
        signingKeys: (...all) => this.api.signingKeys(...all),
        getWorkspace: (...all) => this.api.getWorkspace(...all),
        listDevices: (...all) => this.api.listDevices(...all),
      },
      verify: verifySignature,
      clock: this.world.server.clock,
      randomness: this.randomness,
      sleep: (ms) => this.sleep(ms),
      log: silentLog,
      progress: () => {},
    });
  }

  /** One sync by a fresh engine, as after a restart of the agent. */
  async sync(options: SyncOptions = {}): Promise<SyncReport> {
    return (await this.engine()).sync(never, options);
  }

  /** Syncs with a crash at the n-th step; false when the sync ended before it. */
  async crashAt(n: number): Promise<boolean> {
    this.crash.left = n;
    try {
      await this.sync();
      return false;
    } catch (error) {
      if (!isCrash(error)) throw error;
      return true;
    } finally {
      this.crash.left = null;
    }
  }

  tree(): Record<string, string> {
    return this.folder.tree();
  }
}

function isCrash(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof Crash) return true;
  return false;
}

/** Syncs all devices until none has anything to do, and checks that they are equal, by their trees and by their marks. */
export async function settle(...devices: readonly EngineDevice[]): Promise<Record<string, string>> {
  const roundsMax = 6;
  for (let round = 0; ; round++) {
    let operations = 0;
    let applied = 0;
    for (const device of devices) {
      const report = await device.sync();
      operations += report.operations;
      applied += report.applied;
      assert.ok(report.upToDate, `not up to date: ${JSON.stringify(report.problems)}`);
    }
    if (operations + applied === 0) break;
    assert.ok(round < roundsMax, 'devices do not settle');
  }
  const [first, ...others] = devices;
  const marks = await Promise.all(devices.map(async (device) => (await (await device.engine()).status()).marks));
  for (const mark of marks) assert.deepEqual(mark, { ...marks[0]!, local: mark.remote, synced: mark.remote });
  assert.equal(new Set(marks.map(({ remote }) => remote)).size, 1);
  for (const other of others) assert.deepEqual(other.tree(), first!.tree());
  return first!.tree();
}
