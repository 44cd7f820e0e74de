/** Connections that are refused, cut, stalled and garbled between client and server: every sync ends, and when it stops all converges. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { runTide } from '../e2e/tide-process.ts';
import { type World, openSharedFolder, openWorld } from '../e2e/world.ts';
import { type Fault, proxyEnvironment, startFaultProxy } from './fault-proxy.ts';
import { randomFrom, seed } from './random.ts';

let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world.close());

const kinds = ['none', 'cut-up', 'cut-down', 'stall-down', 'garble-down', 'refuse'] as const;

interface Faults {
  /** A new sync begins: its first connections are harmed for certain, early; later ones by chance, most early in a body. */
  begin(): void;
  next(): Fault;
}

const certain = 2;

function faultsFrom(random: () => number): Faults {
  let connections = 0;
  const harmful = () => kinds[1 + Math.floor(random() * (kinds.length - 1))]!;
  return {
    begin: () => (connections = 0),
    next: () => {
      if (connections++ < certain) return { kind: harmful(), after: Math.floor(200 * random()) };
      return { kind: random() < 0.4 ? 'none' : harmful(), after: Math.floor(400 + 200_000 * random() ** 4) };
    },
  };
}

test(
  `every sync through a harmful network ends, and afterwards all is as written, seed ${seed}`,
  { timeout: 120_000 },
  async () => {
    const random = randomFrom(seed);
    const [a, b] = await openSharedFolder(world, 'net');
    const faults = faultsFrom(random);
    const proxy = await startFaultProxy(() => faults.next());
    const env = proxyEnvironment(proxy);
    const written = new Map<string, Buffer>();
    const codes: (number | null)[] = [];
    for (let round = 0; round < 3; round++) {
      mkdirSync(join(a.folder, `round-${round}`));
      for (let i = 0; i < 40; i++)
        writeFileSync(join(a.folder, `round-${round}`, `${i}.txt`), `file ${i} of round ${round} `.repeat(1 + i * 20));
      writeNoise(join(a.folder, `round-${round}`, 'noise.bin'), 2 * 1024 * 1024, round + 1);
      for (const name of readdirSync(join(a.folder, `round-${round}`))) {
        written.set(`round-${round}/${name}`, readFileSync(join(a.folder, `round-${round}`, name)));
      }
      for (const device of [a, b]) {
        faults.begin();
        codes.push((await runTide(device, ['sync', device.folder], env)).code);
      }
    }
    proxy.close();
    const expected: readonly (number | null)[] = [
      exitCodes.ok,
      exitCodes.failed,
      exitCodes.notLoggedIn,
      exitCodes.unreachable,
      exitCodes.incomplete,
    ];
    assert.ok(
      codes.every((code) => expected.includes(code)),
      `exit codes ${codes.join(' ')}`,
    );
    assert.ok(proxy.harmed() >= 5, `only ${proxy.harmed()} connections were harmed`);
    for (const device of [a, b, a]) await device.sync();
    assert.deepEqual(compareFolders(a.folder, b.folder), []);
    for (const [path, bytes] of written) assert.ok(readFileSync(join(b.folder, path)).equals(bytes), path);
    const names = readdirSync(b.folder, { recursive: true }).map(String);
    assert.deepEqual(
      names.filter((name) => name.includes('conflicted')),
      [],
    );
  },
);
