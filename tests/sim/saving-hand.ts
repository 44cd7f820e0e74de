/**
 * How a person's programs save: what is saved is on the disk when the call returns, names included, and the oracle is told what
 * was written and what was taken away.
 */
import { concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { folderOf } from '../../client/agent/folder/safe-folders.ts';
import type { Contents } from './contents.ts';
import type { Random } from './random.ts';
import type { SimulatedFileSystem } from './simulated-file-system.ts';
import { type Item, root } from './tree.ts';

export class SavingHand {
  readonly #name: string;
  readonly #fs: SimulatedFileSystem;
  readonly #contents: Contents;
  readonly #random: Random;
  /** Contents made so far. */
  written = 0;

  constructor(name: string, fs: SimulatedFileSystem, contents: Contents, random: Random) {
    this.#name = name;
    this.#fs = fs;
    this.#contents = contents;
    this.#random = random;
  }

  overwrite(path: string, old: Uint8Array, bytes: Uint8Array): void {
    this.#contents.noteRemoved(old, `${this.#name} overwrote it`);
    this.write(path, bytes);
  }

  write(path: string, bytes: Uint8Array, mode?: number): void {
    this.#contents.noteWritten(bytes, `${this.label()} for ${path}`);
    this.#fs.writeFile(this.at(path), bytes, mode);
    this.flush(path);
  }

  rename(from: string, to: string): void {
    this.#fs.rename(this.at(from), this.at(to));
    this.flushFolders(from);
    this.flushFolders(to);
  }

  noteRemoved(path: string, item: Item): void {
    if (item.kind === 'file') this.#contents.noteRemoved(item.bytes, `${this.#name} removed it at ${path}`);
  }

  flush(path: string): void {
    const handle = this.#fs.openRead(this.at(path));
    this.#fs.flush(handle);
    this.#fs.close(handle);
    this.flushFolders(path);
  }

  /** Saved means saved: the names on the way to it, too. */
  flushFolders(path: string): void {
    for (let folder = folderOf(path); ; folder = folderOf(folder)) {
      const at = folder === '' ? root : this.at(folder);
      if (this.#fs.lstat(at)?.kind === 'folder') this.#fs.flushFolder(at);
      if (folder === '') return;
    }
  }

  label(): string {
    return `${this.#name}:${this.written}`;
  }

  /** What tells an edit from every other one, in the bytes that it leaves (merged-lines.ts). */
  mark(): string {
    return `<${this.label()}>`;
  }

  /** The mark of an edit of what is there already. */
  newMark(): string {
    this.written++;
    return this.mark();
  }

  /** Always new: sometimes of many chunks, sometimes of many lines. */
  newBytes(): Uint8Array {
    this.written++;
    const head = utf8(`${this.mark()} `);
    if (this.#random.chance(0.1)) return concatBytes(head, this.#random.bytes(20_000 + this.#random.below(60_000)));
    if (this.#random.chance(0.4)) return utf8(linesOf(this.mark(), 3 + this.#random.below(6)));
    return concatBytes(head, utf8('.'.repeat(this.#random.below(40))));
  }

  at(path: string): string {
    return `${root}/${path}`;
  }
}

function linesOf(mark: string, count: number): string {
  return Array.from({ length: count }, (_, i) => `${mark} line ${i}\n`).join('');
}
