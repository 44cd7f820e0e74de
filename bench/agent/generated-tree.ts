/**
 * Trees to measure with, the same in every run: many small files of text, as source trees have them, or a few large ones that
 * nothing compresses. Sizes of small files are log-normal around 2 KiB, with a mean of about 5 KiB.
 */
import { linkSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNoise } from '../demo/source-tree.ts';

const MiB = 1024 * 1024;
const filesPerFolder = 20;
const foldersPerPackage = 10;
const medianBytes = 2_048;
const spread = 1.35;
const bytesMax = 256 * 1024;

/** Mulberry32: 32 bits a step, the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Words that repeat as those of programs do, so that it compresses about as well as they. */
function makeText(random: () => number, bytes: number): Buffer {
  const word = (): string =>
    Array.from({ length: 2 + Math.floor(random() * 9) }, () =>
      String.fromCharCode(97 + Math.floor(random() * 26)),
    ).join('');
  const words = Array.from({ length: 4_000 }, word);
  const marks = [' ', ' ', ' ', '(', ') ', '.', ';\n', ' = ', ', ', ' {\n  '];
  let text = '';
  while (text.length < bytes) text += words[Math.floor(random() ** 2 * 4_000)]! + marks[Math.floor(random() * 10)]!;
  return Buffer.from(text.slice(0, bytes));
}

/** Where file `i` lies. */
export function smallFilePath(i: number): string {
  const folder = Math.floor(i / filesPerFolder);
  const parent = Math.floor(folder / foldersPerPackage);
  return join(`package-${parent}`, `part-${folder % foldersPerPackage}`, `file-${i}.ts`);
}

/** Each file begins with its own number, so that no two are the same. Returns the bytes written. */
export function writeSmallFiles(root: string, files: number): number {
  const random = createRandom(1);
  const text = makeText(random, 8 * MiB);
  let bytes = 0;
  for (let i = 0; i < files; i++) {
    const path = join(root, smallFilePath(i));
    if (i % filesPerFolder === 0) mkdirSync(join(path, '..'), { recursive: true });
    const size = Math.min(bytesMax, Math.ceil(medianBytes * Math.exp(spread * normal(random))));
    const from = Math.floor(random() * (text.length - bytesMax));
    const content = Buffer.concat([Buffer.from(`// ${i}\n`), text.subarray(from, from + size)]);
    writeFileSync(path, content);
    bytes += content.length;
  }
  return bytes;
}

/** `bytes` in files of at most 1 GiB. */
export function writeLargeFiles(root: string, bytes: number): void {
  mkdirSync(root, { recursive: true });
  let file = 0;
  for (let left = bytes; left > 0; left -= 1_024 * MiB) {
    writeNoise(join(root, `large-${file}.bin`), Math.min(left, 1_024 * MiB), 10 + file++);
  }
}

/** The same tree again, of hard links. */
export function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const item of readdirSync(from, { withFileTypes: true })) {
    if (item.name === '.tidemark') continue;
    if (item.isDirectory()) linkTree(join(from, item.name), join(to, item.name));
    else linkSync(join(from, item.name), join(to, item.name));
  }
}

/** Lists every folder and looks at every file, which nothing that notices changes can do without. Returns seconds. */
export function walkTree(root: string): number {
  const began = performance.now();
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const item of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, item.name);
      const stat = lstatSync(path);
      if (stat.isDirectory() && item.name !== '.tidemark') folders.push(path);
    }
  }
  return (performance.now() - began) / 1_000;
}
