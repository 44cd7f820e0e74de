/**
 * Speed of the forms: frames through LZ4 and zstd, packs written (with every frame decoded and hashed again) and verified,
 * and manifests against JSON. Figures compare only within one run on one machine. `node bench/core-bytes.ts` prints them.
 */
import { createCipheriv } from 'node:crypto';
import { encode } from '@msgpack/msgpack';
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { nodeCodecs } from '../shared/adapters/node/node-codecs.ts';
import { bytesToHex, concatBytes } from '../shared/core/bytes.ts';
import { blake3 } from '../shared/core/hash/blake3.ts';
import { columnBytesAt, columnLength, parseDigestColumn } from '../shared/core/ids.ts';
import { limits } from '../shared/core/limits.ts';
import { type ChunkList, assembleManifest, buildManifest, decodeManifest } from '../shared/core/manifest/manifest.ts';
import { segmentValue } from '../shared/core/manifest/segment.ts';
import { verifyPack } from '../shared/core/pack/pack-reader.ts';
import { buildPack } from '../shared/core/pack/pack-writer.ts';
import { figure, machineLine, printTable } from './table.ts';

export interface BytesBenchRow {
  readonly what: string;
  readonly value: number;
  readonly unit: 'MB/s' | 'us' | 'bytes' | 'x';
}

const frameBytes = limits.frameBytesMax;
const packBytes = 8 * 1024 * 1024;
const chunkBytes = 64 * 1024;
const repeats = 5;

function randomData(length: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', new Uint8Array(16), new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(length)));
}

/** Source-like lines in an order that a fixed linear congruence gives; no 256 KiB of them repeat. */
function textData(length: number): Uint8Array {
  const words = 'const return if (item) { for of let await this.state = new Map() } // keeps import from export'.split(
    ' ',
  );
  let state = 1;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += words[(state >>> 8) % words.length]! + (state % 9 === 0 ? `\n  line${state >>> 16} ` : ' ');
  }
  return new TextEncoder().encode(text).subarray(0, length);
}

/** The best of a few runs, in microseconds: the others tell of the machine's other work. */
function bestMicroseconds(run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, 1_000 * (performance.now() - start));
  }
  return best;
}

function speed(what: string, bytes: number, run: () => void): BytesBenchRow {
  return { what, value: bytes / bestMicroseconds(run), unit: 'MB/s' };
}

function measureFrames(kind: string, data: Uint8Array): BytesBenchRow[] {
  const frames = Array.from({ length: data.length / frameBytes }, (_, i) =>
    data.subarray(i * frameBytes, (i + 1) * frameBytes),
  );
  return (['lz4', 'zstd'] as const).flatMap((name): BytesBenchRow[] => {
    const codec = nodeCodecs[name];
    const stored = frames.map((frame) => codec.compress(frame));
    const ratio = data.length / stored.reduce((sum, frame) => sum + frame.length, 0);
    const decode = (): void => stored.forEach((frame) => void codec.decompress(frame, frameBytes));
    return [
      speed(`${name} compress, ${kind}`, data.length, () => frames.forEach((frame) => void codec.compress(frame))),
      speed(`${name} decompress, ${kind}`, data.length, decode),
      { what: `${name} saves, ${kind}`, value: ratio, unit: 'x' },
    ];
  });
}

function measurePacks(kind: string, data: Uint8Array): BytesBenchRow[] {
  const chunkAt = (i: number): Uint8Array => data.subarray(i * chunkBytes, (i + 1) * chunkBytes);
  const hashes = parseDigestColumn(
    concatBytes(...Array.from({ length: data.length / chunkBytes }, (_, i) => blake3(chunkAt(i)))),
  );
  const { bytes, packId } = buildPack(nodeCodecs, hashes, chunkAt);
  return [
    speed(`pack write, ${kind}`, data.length, () => void buildPack(nodeCodecs, hashes, chunkAt)),
    speed(`pack verify, ${kind}`, data.length, () => void verifyPack(bytes, nodeCodecs, packId)),
    { what: `pack saves, ${kind}`, value: data.length / bytes.length, unit: 'x' },
  ];
}

/** What a service without columns would send: an object for each chunk. */
function toJson(chunks: ChunkList): string {
  let offset = 0;
  const list = Array.from({ length: columnLength(chunks.hashes) }, (_, i) => {
    const length = chunks.lengths[i]!;
    offset += length;
    return { hash: bytesToHex(columnBytesAt(chunks.hashes, i)), offset: offset - length, length };
  });
  return JSON.stringify({ profile: 2, size: offset, chunks: list });
}

function measureManifest(count: number): BytesBenchRow[] {
  const random = randomData(count * 36);
  const lengths = Uint32Array.from({ length: count }, (_, i) => 16_384 + (random[count * 32 + i]! << 10));
  const chunks: ChunkList = { hashes: parseDigestColumn(random.subarray(0, count * 32)), lengths };
  const { root, manifest, segments } = buildManifest(2, chunks);
  const bytes = manifest!.length + [...segments.values()].reduce((sum, segment) => sum + segment.length, 0);
  const json = toJson(chunks);
  const decode = (): void => {
    assembleManifest(root, decodeManifest(manifest!), (hash) => segments.get(hash));
  };
  const runs = Math.max(1, Math.round(20_000 / count));
  const each = (what: string, run: () => void): BytesBenchRow => {
    const all = bestMicroseconds(() => {
      for (let i = 0; i < runs; i++) run();
    });
    return { what: `${what}, ${figure(count)} chunks`, value: all / runs, unit: 'us' };
  };
  return [
    each('manifest build, with Merkle root and segment hashes', () => void buildManifest(2, chunks)),
    each('manifest encode, form only', () => void encode([1, 2, 0, [segmentValue(chunks)]])),
    each('manifest decode, with every check and the root', decode),
    each('manifest decode, form only', () => void decodeManifest(manifest!)),
    each('JSON encode', () => void toJson(chunks)),
    each('JSON decode', () => void JSON.parse(json)),
    { what: `manifest, ${figure(count)} chunks`, value: bytes, unit: 'bytes' },
    { what: `JSON, ${figure(count)} chunks`, value: json.length, unit: 'bytes' },
  ];
}

/** All rows, some five seconds. Uses the BLAKE3 backend that is installed. */
export function measureBytes(): BytesBenchRow[] {
  const kinds = [
    ['random', randomData(packBytes)],
    ['text', textData(packBytes)],
  ] as const;
  return [
    ...kinds.flatMap(([kind, data]) => [...measureFrames(kind, data), ...measurePacks(kind, data)]),
    ...[100, 10_000].flatMap(measureManifest),
  ];
}

/** Every `what` is a row and, after its last comma, a column. */
function printRows(title: string, rows: readonly BytesBenchRow[]): void {
  const cells = rows.map(({ what, value, unit }) => {
    const comma = what.lastIndexOf(', ');
    return { row: `${what.slice(0, comma)}, ${unit}`, column: what.slice(comma + 2), text: figure(value) };
  });
  printTable(title, cells);
}

/** Prints what manifests cost beside JSON. */
export async function benchManifests(): Promise<void> {
  await installNativeBlake3();
  printRows('Manifests beside JSON', [100, 10_000].flatMap(measureManifest));
}

/** Prints `measureBytes` with the fastest BLAKE3 there is. */
export async function benchBytes(): Promise<void> {
  await installNativeBlake3();
  const rows = measureBytes();
  const isManifest = ({ what }: BytesBenchRow): boolean => what.endsWith('chunks');
  printRows(
    `Frames of ${frameBytes / 1024} KiB, packs of ${packBytes >> 20} MiB (writing decodes and hashes every frame again)`,
    rows.filter((row) => !isManifest(row)),
  );
  printRows('Manifests beside JSON', rows.filter(isManifest));
}

if (import.meta.main) {
  await benchBytes();
  console.log(machineLine());
}
