/**
 * The Merkle map from memory: building it, applying a batch of 1,000 edits, and the difference of two roots. By itself:
 * `node bench/core-map.ts [entries …]`. Keys and values have the sizes of a workspace's tree: 1,000 files a folder.
 */
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { utf8 } from '../shared/core/bytes.ts';
import { blake3, blake3BackendName } from '../shared/core/hash/blake3.ts';
import type { Digest } from '../shared/core/ids.ts';
import { type MapEdit, mapApply } from '../shared/core/merkle/map-apply.ts';
import { mapDiff } from '../shared/core/merkle/map-diff.ts';
import { emptyMapRoot } from '../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../shared/core/merkle/memory-node-source.ts';
import type { NodeSource } from '../shared/core/merkle/node-source.ts';
import { figure, machineLine, printTable } from './table.ts';

export interface MapBenchRow {
  readonly what: string;
  readonly entries: number;
  /** Median of the runs. */
  readonly milliseconds: number;
  /** Nodes that were written or, for a difference, pairs that were found. */
  readonly count: number;
  readonly hash: string;
}

const filesPerFolder = 1_000;
const valueBytes = 90;
const repeats = 9;

function keyOf(i: number): Uint8Array {
  const name = utf8(`file-${String(i).padStart(8, '0')}.txt`);
  const key = new Uint8Array(17 + name.length);
  key[0] = 1;
  key.set(blake3(utf8(`folder ${Math.floor(i / filesPerFolder)}`)).subarray(0, 16), 1);
  key.set(name, 17);
  return key;
}

function valueOf(i: number, salt: number): Uint8Array {
  const value = new Uint8Array(valueBytes).fill(salt);
  new DataView(value.buffer).setUint32(0, i);
  return value;
}

/** Sorted by key: numbers of entries, or of new ones above them. */
function editsOf(numbers: readonly number[], salt: number): MapEdit[] {
  const edits = numbers.map((i) => ({ key: keyOf(i), value: valueOf(i, salt) }));
  return edits.sort((a, b) => Buffer.compare(a.key, b.key));
}

async function timed<T>(runs: number, work: () => Promise<T>): Promise<readonly [milliseconds: number, result: T]> {
  const times: number[] = [];
  let result: T;
  do {
    const start = performance.now();
    result = await work();
    times.push(performance.now() - start);
  } while (times.length < runs);
  times.sort((a, b) => a - b);
  return [times[Math.floor(times.length / 2)]!, result];
}

async function countDifferences(source: NodeSource, before: Digest, after: Digest): Promise<number> {
  let count = 0;
  for await (const _ of mapDiff(source, before, after)) count++;
  return count;
}

function numbers(count: number, numberOf: (i: number) => number = (i) => i): number[] {
  return Array.from({ length: count }, (_, i) => numberOf(i));
}

/** Builds a map of this many entries and measures what is done with it. */
async function measureSize(entries: number): Promise<MapBenchRow[]> {
  const rows: MapBenchRow[] = [];
  const add = (what: string, milliseconds: number, count: number) =>
    rows.push({ what, entries, milliseconds: Math.round(milliseconds * 10) / 10, count, hash: blake3BackendName() });
  const source = new MemoryNodeSource();

  const all = editsOf(numbers(entries), 0);
  const [buildTime, built] = await timed(1, () => mapApply(source, emptyMapRoot, all));
  source.add(built.nodes);
  add('build from sorted edits', buildTime, built.nodes.size);

  const step = Math.floor(entries / 1_000);
  const spread = editsOf(
    numbers(1_000, (i) => (i % 2 === 0 ? i * step : entries + i * step)),
    1,
  );
  const [spreadTime, edited] = await timed(repeats, () => mapApply(source, built.root, spread));
  source.add(edited.nodes);
  add('apply 1,000 edits, spread', spreadTime, edited.nodes.size);

  const close = editsOf(numbers(1_000), 2);
  const [closeTime, replaced] = await timed(repeats, () => mapApply(source, built.root, close));
  add('apply 1,000 edits, one folder', closeTime, replaced.nodes.size);

  const [fewTime, few] = await timed(repeats, () => countDifferences(source, built.root, edited.root));
  add('diff of 1,000 edits, spread', fewTime, few);
  const [allTime, everything] = await timed(1, () => countDifferences(source, emptyMapRoot, built.root));
  add('diff of everything', allTime, everything);
  return rows;
}

/** Measures maps of these sizes, with the BLAKE3 backend that is installed. Some ten seconds for a million entries. */
export async function measureMap(sizes: readonly number[] = [100_000, 1_000_000]): Promise<MapBenchRow[]> {
  const rows: MapBenchRow[] = [];
  for (const entries of sizes) rows.push(...(await measureSize(entries)));
  return rows;
}

/** Prints `measureMap` with the fastest BLAKE3 there is. */
export async function benchMap(sizes?: readonly number[]): Promise<void> {
  await installNativeBlake3();
  printTable(
    'Merkle map in memory: ms (median of nine; build and diff of everything once), and the nodes written or pairs found',
    (await measureMap(sizes)).map(({ what, entries, milliseconds, count }) => ({
      row: what,
      column: `${figure(entries)} entries`,
      text: `${figure(milliseconds)} (${figure(count)})`,
    })),
  );
}

if (import.meta.main) {
  const sizes = process.argv.slice(2).map(Number);
  await benchMap(sizes.length > 0 ? sizes : undefined);
  console.log(machineLine());
}
