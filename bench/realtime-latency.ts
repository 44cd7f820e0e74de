/**
 * From saving a file of 1 KiB on one device to its bytes on the other, `tide watch` on both, each a process of its own. The time begins before
 * the file is written and ends when the other folder shows the whole of it. `node bench/realtime-latency.ts` runs it alone.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Watching } from '../tests/e2e/watching.ts';
import { withStack } from './bench-stack.ts';
import { Device } from './demo/device.ts';
import { percentilesOf } from './percentiles.ts';
import { figure, machineLine, printTable } from './table.ts';

const saves = 100;
const warmUpSaves = 5;
/** Half of the saves make a file, half change one. */
const files = saves / 2;
/** A save that is not there by then was lost: the watches would find it when they poll, after an hour. */
const patienceMs = 60_000;
/** Between two saves: at least this, and up to twice as long, so that no save meets the end of the one before. */
const pauseMs = 400;

function shows(file: string, content: Buffer): boolean {
  try {
    return readFileSync(file).equals(content);
  } catch {
    return false;
  }
}

/** Milliseconds until the other folder shows what was saved. */
async function saveAndWait(from: Device, to: Device, name: string): Promise<number> {
  const content = Buffer.from(randomBytes(512).toString('hex'));
  const target = join(to.folder, name);
  const began = performance.now();
  const arrived = new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => {
      watcher.close();
      reject(new Error(`${name} did not arrive`));
    }, patienceMs);
    const watcher = watch(to.folder, () => {
      if (!shows(target, content)) return;
      clearTimeout(late);
      watcher.close();
      resolve(performance.now() - began);
    });
  });
  writeFileSync(join(from.folder, name), content);
  return arrived;
}

async function openDevices(base: string, server: string): Promise<readonly [Device, Device]> {
  const [a, b] = [new Device('a', base), new Device('b', base)];
  await a.run('login', '--dev', '--server', server, '--user', 'ann');
  await a.run('create', 'latency');
  await a.link(server, 'ann', 'latency');
  await b.link(server, 'ann', 'latency');
  return [a, b];
}

/** Until both are live: a save is there long before the first poll, which comes after an hour. */
async function watchBoth(devices: readonly Device[]): Promise<readonly Watching[]> {
  const watching = devices.map((device) => new Watching(device, [device.folder, '--poll', '3600']));
  while (!watching.every((each) => each.told('synced') && each.told('realtime', { state: 'connected' })))
    await sleep(20);
  return watching;
}

export async function benchLatency(): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-latency-'));
  try {
    await withStack(async ({ endpoints: { server } }) => {
      const [a, b] = await openDevices(base, server);
      const watching = await watchBoth([a, b]);
      try {
        for (let i = 0; i < warmUpSaves; i++) await saveAndWait(a, b, `warm-up-${i}.txt`);
        const latencies: number[] = [];
        for (let i = 0; i < saves; i++) {
          latencies.push(await saveAndWait(a, b, `note-${i % files}.txt`));
          await sleep(pauseMs * (1 + Math.random()));
        }
        const { p50, p95, max } = percentilesOf(latencies);
        const column = `${saves} saves`;
        printTable(
          'From saving 1 KiB on one device to its bytes on the other, `tide watch` on both',
          [
            ['median, ms', p50],
            ['p95, ms', p95],
            ['longest, ms', max],
          ].map(([row, value]) => ({ row: String(row), column, text: figure(Number(value)) })),
        );
      } finally {
        await Promise.all(watching.map((each) => each.stop()));
      }
    });
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  await benchLatency();
  console.log(machineLine());
}
