/** A stack and devices of its own for one test file, in a temporary folder that goes with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { Device } from '../../bench/demo/device.ts';
import { type SpawnedStack, spawnStack } from '../../local/spawn-stack.ts';
import { NearDevice } from './near-device.ts';
import { type CosmosProcess, startCosmosProcess } from './cosmos-process.ts';

/**
 * What keeps a stack's state: `local`, plain files and SQLite; or `azure`, the adapters of production over an embedded Azurite and the
 * emulator of Cosmos DB.
 */
export type StorageKind = 'local' | 'azure';

export interface World {
  readonly base: string;
  readonly data: string;
  stack: SpawnedStack;
  /** Undefined on local storage. */
  readonly cosmos: CosmosProcess | undefined;
  device(name: string): Device;
  /** The same, with its commands in this process. */
  near(name: string): NearDevice;
  /**
   * kill -9 of the whole stack, then a new one on the same state and ports. On `azure` the API alone is killed: Azurite keeps some
   * seconds of acknowledged writes in memory, so it is let end in peace, and Cosmos DB is no part of the stack.
   */
  killAndRestart(): Promise<void>;
  close(): Promise<void>;
}

export type OpenWorld = (env?: Readonly<Record<string, string>>) => Promise<World>;

/** `env`: settings of the stack, the restarted one's too. */
export async function openWorld(
  env: Readonly<Record<string, string>> = {},
  storage: StorageKind = 'local',
): Promise<World> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-e2e-'));
  const data = join(base, 'server');
  const azurite = storage === 'azure';
  const cosmos = azurite ? await startCosmosProcess() : undefined;
  const options = { data, azurite, env: { ...env, ...cosmos?.settings } };
  const world: World = {
    base,
    data,
    cosmos,
    stack: await spawnStack(options),
    device: (name) => new Device(name, base),
    near: (name) => new NearDevice(name, base),
    killAndRestart: async () => {
      const { port } = world.stack.endpoints;
      await world.stack.kill();
      world.stack = await spawnStack({ ...options, port });
    },
    close: async () => {
      await world.stack.stop();
      await cosmos?.stop();
      rmSync(base, { recursive: true, force: true });
    },
  };
  return world;
}

const titles: Readonly<Record<StorageKind, string>> = {
  local: 'on files and SQLite',
  azure: 'on Azurite and the Cosmos emulator',
};

/** Runs a suite once on each kind of storage. Each opens worlds of its own, one kind after the other. */
export function onEachStorage(suite: (open: OpenWorld, storage: StorageKind) => void): void {
  for (const storage of ['local', 'azure'] as const) {
    describe(titles[storage], () => suite((env) => openWorld(env, storage), storage));
  }
}

/** Two devices of one user that share a new workspace; `near`: their commands run in this process. */
export async function openSharedFolder(
  world: World,
  workspace: string,
  near?: 'near',
): Promise<readonly [Device, Device]> {
  const { server } = world.stack.endpoints;
  const names = [`${workspace}-a`, `${workspace}-b`] as const;
  const [a, b] = [world.near(names[0]), world.near(names[1])];
  await a.run('login', '--dev', '--server', server, '--user', 'ann');
  await a.run('create', workspace);
  await a.link(server, 'ann', workspace);
  await b.link(server, 'ann', workspace);
  return near === 'near' ? [a, b] : [world.device(names[0]), world.device(names[1])];
}
