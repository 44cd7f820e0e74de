/**
 * `npm run bench:rescan`: what reading a changed file again costs, with and without an XXH128 prefilter against the chunk list before,
 * on one thread, from the page cache. Each way ends with the BLAKE3 of every chunk proved: nothing less decides that content is
 * known. Figures compare only within one run on one machine.
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { type Chunker, createChunker } from '../shared/core/chunk/chunker.ts';
import { type ChunkProfile, profiles } from '../shared/core/chunk/profiles.ts';
import { bytesToHex, equalBytes } from '../shared/core/bytes.ts';
import { blake3, blake3BackendName, useBlake3, wasmBlake3 } from '../shared/core/hash/blake3.ts';
import { createXxh128 } from '../shared/core/hash/xxhash.ts';
import { type Cell, figure, machineLine, printTable } from './table.ts';

const sizeBytes = 64 * 1024 * 1024;
const repeats = 9;
const profile: ChunkProfile = profiles.binary;
const seed = new DataView(new Uint8Array(randomBytes(8)).buffer);
const xxhasher = await createXxh128({ low: seed.getUint32(0), high: seed.getUint32(4) });
const xxh128 = (bytes: Uint8Array): Uint8Array => xxhasher.hash(bytes);

interface KnownChunk {
  readonly offset: number;
  readonly length: number;
  readonly xxh128: string;
  readonly blake3: Uint8Array;
}

function cutFile(chunker: Chunker, path: string, use: (chunk: Uint8Array, offset: number) => void): void {
  const file = openSync(path, 'r');
  let offset = 0;
  const take = (chunk: Uint8Array): void => {
    use(chunk, offset);
    offset += chunk.length;
  };
  chunker.start(profile);
  for (let n = readSync(file, chunker.space()); n > 0; n = readSync(file, chunker.space())) {
    for (const chunk of chunker.commit(n)) take(chunk);
  }
  for (const chunk of chunker.finish()) take(chunk);
  closeSync(file);
}

function chunksOf(chunker: Chunker, path: string): KnownChunk[] {
  const chunks: KnownChunk[] = [];
  cutFile(chunker, path, (chunk, offset) => {
    chunks.push({ offset, length: chunk.length, xxh128: bytesToHex(xxh128(chunk)), blake3: blake3(chunk) });
  });
  return chunks;
}

/** The ways, each giving how many chunks are new. */
type Way = (chunker: Chunker, path: string, known: readonly KnownChunk[]) => number;

const hashAll: Way = (chunker, path, known) => {
  const hashes = new Set(known.map((chunk) => bytesToHex(chunk.blake3)));
  let changed = 0;
  cutFile(chunker, path, (chunk) => {
    if (!hashes.has(bytesToHex(blake3(chunk)))) changed++;
  });
  return changed;
};

/** XXH128 first; what it takes for known is confirmed by BLAKE3 at once, while it is in the processor's cache. */
const prefilterConfirmedAtOnce: Way = (chunker, path, known) => {
  const byXxh = new Map(known.map((chunk) => [chunk.xxh128, chunk.blake3]));
  let changed = 0;
  cutFile(chunker, path, (chunk) => {
    const presumed = byXxh.get(bytesToHex(xxh128(chunk)));
    const hash = blake3(chunk);
    if (presumed === undefined || !equalBytes(hash, presumed)) changed++;
  });
  return changed;
};

/** XXH128 first, BLAKE3 for what it does not know; a second pass reads again and confirms the rest. */
const prefilterConfirmedLater: Way = (chunker, path, known) => {
  const byXxh = new Map(known.map((chunk) => [chunk.xxh128, chunk.blake3]));
  const presumed: { readonly offset: number; readonly length: number; readonly hash: Uint8Array }[] = [];
  let changed = 0;
  cutFile(chunker, path, (chunk, offset) => {
    const hash = byXxh.get(bytesToHex(xxh128(chunk)));
    if (hash !== undefined) presumed.push({ offset, length: chunk.length, hash });
    else if (blake3(chunk).length > 0) changed++;
  });
  const file = openSync(path, 'r');
  const bytes = new Uint8Array(profile.maxBytes);
  for (const { offset, length, hash } of presumed) {
    readSync(file, bytes, 0, length, offset);
    if (!equalBytes(blake3(bytes.subarray(0, length)), hash)) changed++;
  }
  closeSync(file);
  return changed;
};

/** What must never decide: XXH128 alone. The floor of what any prefilter could cost. */
const prefilterAlone: Way = (chunker, path, known) => {
  const hashes = new Set(known.map((chunk) => chunk.xxh128));
  let changed = 0;
  cutFile(chunker, path, (chunk) => {
    if (!hashes.has(bytesToHex(xxh128(chunk)))) changed++;
  });
  return changed;
};

const ways: Readonly<Record<string, Way>> = {
  'BLAKE3 of every chunk': hashAll,
  'XXH128, confirmed by BLAKE3 at once': prefilterConfirmedAtOnce,
  'XXH128, confirmed by BLAKE3 in a second pass': prefilterConfirmedLater,
  'XXH128 alone (proves nothing)': prefilterAlone,
};

function writeCase(path: string, data: Uint8Array, change: string): void {
  const middle = sizeBytes / 2;
  if (change === 'one byte inserted') {
    writeFileSync(path, Buffer.concat([data.subarray(0, middle), Uint8Array.of(1), data.subarray(middle)]));
  } else if (change === 'every chunk changed') {
    writeFileSync(
      path,
      data.map((byte) => byte ^ 1),
    );
  } else {
    writeFileSync(path, data);
  }
}

/** One run, in MB/s, and what the way found. */
function measure(run: () => number): { readonly speed: number; readonly changed: number } {
  const start = process.hrtime.bigint();
  const changed = run();
  return { speed: (sizeBytes * 1_000) / Number(process.hrtime.bigint() - start), changed };
}

function benchBackend(folder: string, data: Uint8Array): void {
  const path = join(folder, 'file');
  const chunker = createChunker();
  writeCase(path, data, 'as before');
  const known = chunksOf(chunker, path);
  const cells: Cell[] = [];
  for (const change of ['only touched', 'one byte inserted', 'every chunk changed']) {
    writeCase(path, data, change);
    const best = new Map<string, { readonly speed: number; readonly changed: number }>();
    // Turn by turn, so that other work of the machine meets all of them.
    for (let i = 0; i < repeats; i++) {
      for (const [row, way] of Object.entries(ways)) {
        const measured = measure(() => way(chunker, path, known));
        if (measured.speed > (best.get(row)?.speed ?? 0)) best.set(row, measured);
      }
    }
    for (const [row, { speed, changed }] of best) {
      cells.push({ row, column: change, text: `${figure(speed)} (${changed} new)` });
    }
  }
  printTable(`${known.length} chunks, BLAKE3 by ${blake3BackendName()}; MB/s, and chunks found to be new`, cells);
}

await installNativeBlake3();
console.log(`${machineLine()}\nMB = 10^6 bytes; the best of ${repeats} runs over ${sizeBytes / 1024 / 1024} MiB\n`);
const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-rescan-'));
try {
  const cipher = createCipheriv('aes-128-ctr', new Uint8Array(16), new Uint8Array(16));
  const data = new Uint8Array(cipher.update(new Uint8Array(sizeBytes)));
  benchBackend(folder, data);
  useBlake3(wasmBlake3);
  benchBackend(folder, data);
} finally {
  rmSync(folder, { recursive: true });
}
