/** A stack and devices of its own for one test file, in a temporary folder that goes with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Device } from '../../bench/demo/device.ts';
import { type SpawnedStack, spawnStack } from '../../local/spawn-stack.ts';

export interface World {
  readonly base: string;
  readonly data: string;
  stack: SpawnedStack;
  device(name: string): Device;
  /** kill -9 of the whole stack, then a new one on the same state and ports. */
  killAndRestart(): Promise<void>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-e2e-'));
  const data = join(base, 'server');
  const world: World = {
    base,
    data,
    stack: await spawnStack({ data }),
    device: (name) => new Device(name, base),
    killAndRestart: async () => {
      const { port } = world.stack.endpoints;
      await world.stack.kill();
      world.stack = await spawnStack({ data, port });
    },
    close: async () => {
      await world.stack.stop();
      rmSync(base, { recursive: true, force: true });
    },
  };
  return world;
}

/** Two devices of one user that share a new workspace. */
export async function openSharedFolder(world: World, workspace: string): Promise<readonly [Device, Device]> {
  const { server } = world.stack.endpoints;
  const [a, b] = [world.device(`${workspace}-a`), world.device(`${workspace}-b`)];
  await a.run('login', '--dev', '--server', server, '--user', 'ann');
  await a.run('create', workspace);
  await a.link(server, 'ann', workspace);
  await b.link(server, 'ann', workspace);
  return [a, b];
}
