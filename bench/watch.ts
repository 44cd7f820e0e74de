/**
 * `node --expose-gc bench/watch.ts [FOLDERS]`: what watching a tree takes. Prints the time until all folders are watched, the memory of the
 * process for them, the time of a refresh, and how long it takes until a change deep inside is told.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStartWatcher } from '../client/agent/watch/node-watcher.ts';

const folders = Number(process.argv[2] ?? 20_000);
const root = mkdtempSync(join(tmpdir(), 'tidemark-bench-watch-'));

function memoryMiB(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 1024 / 1024;
}

function show(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(40)} ${value.toFixed(1).padStart(9)} ${unit}`);
}

try {
  for (let i = 1; i < folders; i++) mkdirSync(join(root, `${i % 100}/${i}`), { recursive: true });
  const before = memoryMiB();
  const lost: string[] = [];
  let told: () => void = () => undefined;
  let from = performance.now();
  const watcher = await createStartWatcher()(root, { changed: () => told(), lost: (reason) => lost.push(reason) });
  show('folders watched', watcher.folders, '');
  for (const reason of lost) console.log(`given up: ${reason}`);
  show('until all are watched', performance.now() - from, 'ms');
  show('memory for them', memoryMiB() - before, 'MiB');
  from = performance.now();
  await watcher.refresh();
  show('a refresh', performance.now() - from, 'ms');
  if (lost.length === 0) {
    const changed = new Promise<void>((resolve) => (told = resolve));
    from = performance.now();
    writeFileSync(join(root, '1/1/new.txt'), 'new');
    await changed;
    show('until a change is told', performance.now() - from, 'ms');
  }
  watcher.close();
} finally {
  rmSync(root, { recursive: true, force: true });
}
