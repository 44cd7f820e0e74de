/**
 * Speed of the client's hot path: cutting, hashing, both, both from a file, and compressing, on one thread, next to what
 * copying the same bytes costs. Figures compare only within one run on one machine. `node bench/core-chunk.ts` prints them.
 */
import { createCipheriv } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chunker, createChunker } from '../shared/core/chunk/chunker.ts';
import { createPlainCutWindow } from '../shared/core/chunk/cut-wasm.ts';
import { type ChunkProfile, profiles } from '../shared/core/chunk/profiles.ts';
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { nodeCodecs } from '../shared/adapters/node/node-codecs.ts';
import { blake3, wasmBlake3 } from '../shared/core/hash/blake3.ts';
import { createXxh128, createXxh64 } from '../shared/core/hash/xxhash.ts';
import { figure, machineLine, printTable } from './table.ts';

export interface ChunkBenchRow {
  readonly name: string;
  /** What it was measured on: `random 16 KiB` is random bytes in chunks, or pieces, of that size on average. */
  readonly data: string;
  /** MB = 10^6 bytes. */
  readonly mbPerSecond: number;
  /** 1 is as fast as copying memory. */
  readonly ofMemcpy: number;
}

const sizeBytes = 64 * 1024 * 1024;
const repeats = 5;

type Measured = readonly [name: string, data: string, mbPerSecond: number];

function randomData(): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', new Uint8Array(16), new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(sizeBytes)));
}

/** Source-like lines from a small vocabulary, in an order that a fixed linear congruence gives. */
function textData(): Uint8Array {
  const words =
    'const return if (item) { for of let await this.state = new Map() } // keeps 0x7f import from export'.split(' ');
  let state = 1;
  let text = '';
  while (text.length < 1024 * 1024) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += words[(state >>> 8) % words.length]! + (state % 9 === 0 ? `\n  line${state >>> 16} ` : ' ');
  }
  const block = new TextEncoder().encode(text);
  const data = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += block.length) data.set(block.subarray(0, sizeBytes - at), at);
  return data;
}

/** The best of five runs, in MB/s: the others tell of the machine's other work. */
function bestSpeed(run: () => void): number {
  let best = 0;
  for (let i = 0; i < repeats; i++) {
    const start = process.hrtime.bigint();
    run();
    best = Math.max(best, (sizeBytes * 1000) / Number(process.hrtime.bigint() - start));
  }
  return best;
}

function cut(chunker: Chunker, profile: ChunkProfile, data: Uint8Array, use: (chunk: Uint8Array) => void): void {
  chunker.start(profile);
  for (const chunk of chunker.push(data)) use(chunk);
  for (const chunk of chunker.finish()) use(chunk);
}

function cutFile(chunker: Chunker, profile: ChunkProfile, path: string, use: (chunk: Uint8Array) => void): void {
  const file = openSync(path, 'r');
  chunker.start(profile);
  for (let n = readSync(file, chunker.space()); n > 0; n = readSync(file, chunker.space())) {
    for (const chunk of chunker.commit(n)) use(chunk);
  }
  for (const chunk of chunker.finish()) use(chunk);
  closeSync(file);
}

function inPieces(work: (bytes: Uint8Array) => Uint8Array, data: Uint8Array, pieceBytes: number): void {
  for (let at = 0; at < data.length; at += pieceBytes) work(data.subarray(at, at + pieceBytes));
}

const ignore = (): void => {};

/** Everything that depends on content, for one kind of data. Compressing is measured chunk by chunk; packs compress frames. */
function measureData(kind: string, data: Uint8Array): Measured[] {
  const chunker = createChunker();
  const plain = createChunker(createPlainCutWindow(1024 * 1024));
  const { lz4, zstd } = nodeCodecs;
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const path = join(folder, 'data');
  writeFileSync(path, data);
  const rows: Measured[] = [];
  try {
    for (const profile of [profiles.document, profiles.binary]) {
      const pieceBytes = profile.content?.avgBytes ?? profile.maxBytes;
      const add = (name: string, run: () => void): void => {
        rows.push([name, `${kind} ${pieceBytes / 1024} KiB`, bestSpeed(run)]);
      };
      add('chunk', () => cut(chunker, profile, data, ignore));
      add('chunk, no WebAssembly', () => cut(plain, profile, data, ignore));
      add('hash (BLAKE3)', () => inPieces(blake3, data, pieceBytes));
      add('chunk + hash', () => cut(chunker, profile, data, blake3));
      add('read file + chunk + hash', () => cutFile(chunker, profile, path, blake3));
      add('compress, LZ4', () => inPieces((bytes) => lz4.compress(bytes), data, pieceBytes));
      add('compress, zstd', () => inPieces((bytes) => zstd.compress(bytes), data, pieceBytes));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return rows;
}

/** The other hashes, on random bytes: content makes no difference to them. */
async function measureHashes(data: Uint8Array): Promise<Measured[]> {
  const seed = { low: 1, high: 2 };
  const [xxh64, xxh128] = [await createXxh64(seed), await createXxh128(seed)];
  const hashes: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    'BLAKE3 by hash-wasm': (bytes) => wasmBlake3.hash(bytes),
    'XXH64 (prefilter only)': (bytes) => xxh64.hash(bytes),
    'XXH3-128 (prefilter only)': (bytes) => xxh128.hash(bytes),
  };
  return Object.entries(hashes).flatMap(([name, hash]) =>
    [16, 64].map((kib): Measured => [name, `random ${kib} KiB`, bestSpeed(() => inPieces(hash, data, kib * 1024))]),
  );
}

/** All rows, copying memory first: some 15 seconds and 200 MB. Installs the native BLAKE3 if there is one. */
export async function measureChunking(): Promise<ChunkBenchRow[]> {
  await installNativeBlake3();
  const random = randomData();
  const target = new Uint8Array(sizeBytes);
  const memcpy = bestSpeed(() => target.set(random));
  const columns = ['random', 'text'].flatMap((kind) => [`${kind} 16 KiB`, `${kind} 64 KiB`]);
  const rows: Measured[] = [
    ...columns.map((data): Measured => ['memcpy, the limit', data, memcpy]),
    ...measureData('random', random),
    ...measureData('text', textData()),
    ...(await measureHashes(random)),
  ];
  return rows.map(([name, data, mbPerSecond]) => ({ name, data, mbPerSecond, ofMemcpy: mbPerSecond / memcpy }));
}

/** Measures and prints the table. */
export async function benchChunking(): Promise<void> {
  const rows = await measureChunking();
  printTable(
    'Cutting, hashing, compressing: MB/s on one thread, and the share of memcpy, by kind of data and average chunk size',
    rows.map(({ name, data, mbPerSecond, ofMemcpy }) => ({
      row: name,
      column: data,
      text: `${figure(mbPerSecond)} (${ofMemcpy.toFixed(3)})`,
    })),
  );
}

if (import.meta.main) {
  await benchChunking();
  console.log(machineLine());
}
