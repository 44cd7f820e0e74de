/**
 * Speed of the client's hot path: cutting, hashing, both, and both from a file, on one thread, next to what copying the
 * same bytes costs. Figures compare only within one run on one machine. `node bench/core-chunk.ts` prints the table.
 */
import { createCipheriv } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chunker, createChunker } from '../shared/core/chunk/chunker.ts';
import { createPlainCutWindow } from '../shared/core/chunk/cut-wasm.ts';
import { type ChunkProfile, profiles } from '../shared/core/chunk/profiles.ts';
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { blake3, wasmBlake3 } from '../shared/core/hash/blake3.ts';
import { createXxh128, createXxh64 } from '../shared/core/hash/xxhash.ts';

export interface ChunkBenchRow {
  readonly name: string;
  /** MB = 10^6 bytes. */
  readonly mbPerSecond: number;
  /** 1 is as fast as copying memory. */
  readonly ofMemcpy: number;
}

const sizeBytes = 64 * 1024 * 1024;
const repeats = 3;

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

/** The best of a few runs, in MB/s: the others tell of the machine's other work. */
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

function hashInPieces(hash: (bytes: Uint8Array) => Uint8Array, data: Uint8Array, pieceBytes: number): void {
  for (let at = 0; at < data.length; at += pieceBytes) hash(data.subarray(at, at + pieceBytes));
}

const ignore = (): void => {};

/** Chunk, hash, chunk + hash and file -> chunk -> hash for one kind of data. */
function measureData(kind: string, data: Uint8Array): [name: string, mbPerSecond: number][] {
  const chunker = createChunker();
  const plain = createChunker(createPlainCutWindow(1024 * 1024));
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const path = join(folder, 'data');
  writeFileSync(path, data);
  const rows: [string, number][] = [];
  try {
    for (const profile of [profiles.document, profiles.binary]) {
      const about = `${kind}, ${(profile.content?.avgBytes ?? 0) / 1024} KiB`;
      rows.push(
        [`chunk (${about})`, bestSpeed(() => cut(chunker, profile, data, ignore))],
        [`chunk, no WebAssembly (${about})`, bestSpeed(() => cut(plain, profile, data, ignore))],
        [`chunk + hash (${about})`, bestSpeed(() => cut(chunker, profile, data, blake3))],
        [`read + chunk + hash (${about})`, bestSpeed(() => cutFile(chunker, profile, path, blake3))],
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return rows;
}

/** Hashing in pieces of the average chunk sizes. Content makes no difference to it. */
async function measureHashes(data: Uint8Array): Promise<[name: string, mbPerSecond: number][]> {
  const seed = { low: 1, high: 2 };
  const [xxh64, xxh128] = [await createXxh64(seed), await createXxh128(seed)];
  const hashes: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    blake3,
    'blake3 by hash-wasm': (bytes) => wasmBlake3.hash(bytes),
    xxh64: (bytes) => xxh64.hash(bytes),
    xxh128: (bytes) => xxh128.hash(bytes),
  };
  return Object.entries(hashes).flatMap(([name, hash]) =>
    [16, 64].map((kib): [string, number] => [
      `${name} (${kib} KiB)`,
      bestSpeed(() => hashInPieces(hash, data, kib * 1024)),
    ]),
  );
}

/** All rows, copying memory first: about 10 seconds and 200 MB. Installs the native BLAKE3 if there is one. */
export async function measureChunking(): Promise<ChunkBenchRow[]> {
  await installNativeBlake3();
  const random = randomData();
  const target = new Uint8Array(sizeBytes);
  const memcpy = bestSpeed(() => target.set(random));
  const rows: [string, number][] = [
    ['memcpy', memcpy],
    ...(await measureHashes(random)),
    ...measureData('random', random),
    ...measureData('text', textData()),
  ];
  return rows.map(([name, mbPerSecond]) => ({ name, mbPerSecond, ofMemcpy: mbPerSecond / memcpy }));
}

/** Measures and prints the table. */
export async function benchChunking(): Promise<void> {
  for (const { name, mbPerSecond, ofMemcpy } of await measureChunking()) {
    console.log(`${name.padEnd(39)} ${mbPerSecond.toFixed(0).padStart(6)} MB/s  ${ofMemcpy.toFixed(3)} of memcpy`);
  }
}

if (import.meta.main) await benchChunking();
