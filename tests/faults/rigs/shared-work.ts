/**
 * Rounds of work of one person on a folder, in which every kind of change happens, and the promises that must hold of another device's
 * folder at any moment: nothing is there that was never written, and nothing is called a conflict.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import type { Digest } from '../../../shared/core/ids.ts';

/** Long enough for several chunks; each round changes some bytes in the middle. */
const bigBytes = 400_000;

function bigFile(round: number): Uint8Array {
  const bytes = new Uint8Array(bigBytes);
  let state = 88_172_645;
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  for (let i = 0; i < 2_000; i++) bytes[bigBytes / 2 + i] = round;
  return bytes;
}

export class SharedWork {
  readonly #folder: string;
  readonly #contents = new Set<Digest>();
  readonly #targets = new Set<string>();
  #round = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #write(name: string, bytes: Uint8Array): void {
    writeFileSync(join(this.#folder, name), bytes);
    this.#contents.add(blake3Digest(bytes));
  }

  /** Edits, creates, deletes, renames, makes and removes folders, replaces a link: one of each. */
  next(): void {
    const round = ++this.#round;
    const at = (name: string): string => join(this.#folder, name);
    const text = (of: string): Uint8Array => Buffer.from(`${of} of round ${round}\n`.repeat(1 + (round % 40)));
    this.#write('edited.txt', text('edit'));
    this.#write('big.bin', bigFile(round));
    this.#write(`new-${round}.txt`, text('new'));
    if (existsSync(at(`new-${round - 2}.txt`))) rmSync(at(`new-${round - 2}.txt`));
    if (round === 1) this.#write('name-1.txt', text('named'));
    else renameSync(at(`name-${round - 1}.txt`), at(`name-${round}.txt`));
    mkdirSync(at(`folder-${round}/inner`), { recursive: true });
    this.#write(`folder-${round}/inner/leaf.txt`, text('leaf'));
    if (round > 2) {
      rmSync(at(`folder-${round - 2}/inner/leaf.txt`));
      rmdirSync(at(`folder-${round - 2}/inner`));
      rmdirSync(at(`folder-${round - 2}`));
    }
    rmSync(at('link'), { force: true });
    symlinkSync(`name-${round}.txt`, at('link'));
    this.#targets.add(`name-${round}.txt`);
  }

  /** What in a folder was never written by anybody: a torn or empty file, a conflict where nobody disagreed. */
  strangers(folder: string): string[] {
    return readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name !== '.tidemark' && !name.startsWith('.tidemark/'))
      .flatMap((name) => {
        if (name.includes('conflicted')) return [`${name} is a conflict copy`];
        const stat = lstatSync(join(folder, name));
        if (stat.isDirectory()) return [];
        if (stat.isSymbolicLink()) {
          return this.#targets.has(readlinkSync(join(folder, name))) ? [] : [`${name} is a link to something else`];
        }
        const isKnown = this.#contents.has(blake3Digest(readFileSync(join(folder, name))));
        return isKnown ? [] : [`${name} holds ${stat.size} bytes that nobody wrote`];
      });
  }
}
