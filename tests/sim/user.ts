/**
 * A person at one device: works in the synced folder as programs do, at any moment, and tells the oracle what was written and
 * what was taken away. What a person saves is on the disk when the call returns: data of programs that do not flush is
 * theirs to lose in a power cut, not the agent's.
 */
import { concatBytes, emptyBytes, utf8 } from '../../shared/core/bytes.ts';
import { folderOf } from '../../client/agent/folder/safe-folders.ts';
import type { Contents } from './contents.ts';
import type { Random } from './random.ts';
import type { SimulatedFileSystem } from './simulated-file-system.ts';
import { type Item, type Tree, outside, readTree, root } from './tree.ts';

const names = ['a', 'b', 'c', 'd', 'Notes.txt', 'x y', 'ü', 'long name.docx'] as const;

/** How often each is done. */
const acts = {
  create: 16,
  folder: 8,
  edit: 14,
  insert: 3,
  append: 4,
  atomicSave: 8,
  slowWrite: 4,
  empty: 1,
  copy: 4,
  move: 14,
  moveOver: 4,
  swap: 3,
  changeCase: 2,
  remove: 8,
  removeFolder: 4,
  mode: 3,
  link: 3,
  changeKind: 3,
} as const;
type Act = keyof typeof acts;

interface SlowWrite {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export class User {
  readonly #name: string;
  readonly #fs: SimulatedFileSystem;
  readonly #contents: Contents;
  readonly #random: Random;
  #slow: SlowWrite | undefined;
  #written = 0;
  /** True while the calls of the file system are this user's. */
  isActing = false;

  constructor(name: string, fs: SimulatedFileSystem, contents: Contents, random: Random) {
    this.#name = name;
    this.#fs = fs;
    this.#contents = contents;
    this.#random = random;
  }

  /** Does one thing. Returns what, for the trace. */
  act(): string {
    return this.quietly(() => (this.#slow === undefined ? this.#begin() : this.#endSlowWrite(this.#slow)));
  }

  /** Calls of the file system that are not the agent's. */
  quietly<T>(work: () => T): T {
    const before = this.isActing;
    this.isActing = true;
    try {
      return work();
    } finally {
      this.isActing = before;
    }
  }

  /** The power went: what was half written stays so. */
  forgetSlowWrite(): void {
    this.#slow = undefined;
  }

  /** Ends what was begun, if anything was. */
  finish(): string | undefined {
    return this.#slow === undefined ? undefined : this.act();
  }

  #begin(): string {
    const act = this.#random.weighted(acts);
    const tree = readTree(this.#fs);
    const done = this.#do(act, tree);
    return `${act} ${done ?? '(nothing to do it to)'}`;
  }

  #do(act: Act, tree: Tree): string | undefined {
    switch (act) {
      case 'create':
      case 'copy':
        return this.#create(tree, act === 'copy');
      case 'folder':
        return this.#makeFolder(tree);
      case 'link':
        return this.#makeLink(tree);
      case 'move':
        return this.#move(tree);
      case 'moveOver':
        return this.#moveOver(tree);
      case 'swap':
        return this.#swap(tree);
      case 'changeCase':
        return this.#changeCase(tree);
      case 'removeFolder':
        return this.#onAny(tree, 'folder', (path) => this.#remove(path, tree));
      case 'remove':
        return this.#removeLeaf(tree);
      case 'changeKind':
        return this.#changeKind(tree);
      default:
        return this.#onAny(tree, 'file', (path, item) => item.kind === 'file' && this.#change(act, path, item));
    }
  }

  #change(act: Act, path: string, { bytes, mode }: Item & { kind: 'file' }): string | false {
    switch (act) {
      case 'edit':
        this.#overwrite(path, bytes, this.#newBytes());
        return '';
      case 'insert':
        this.#overwrite(path, bytes, concatBytes(utf8(`[${this.#label()}]`), bytes));
        return '';
      case 'append':
        this.#overwrite(path, bytes, concatBytes(bytes, utf8(`[${this.#label()}]`)));
        return '';
      case 'empty':
        this.#overwrite(path, bytes, emptyBytes);
        return '';
      case 'atomicSave':
        this.#saveAtomically(path, bytes, mode);
        return '';
      case 'slowWrite':
        this.#beginSlowWrite(path, bytes);
        return '';
      case 'mode':
        this.#fs.setMode(this.#at(path), mode === 0 ? 0o111 : 0);
        this.#flush(path);
        return mode === 0 ? '+x' : '-x';
      default:
        return false;
    }
  }

  #create(tree: Tree, isCopy: boolean): string | undefined {
    const path = this.#freePath(tree);
    const files = [...tree.values()].filter((item) => item.kind === 'file');
    if (path === undefined || (isCopy && files.length === 0)) return undefined;
    const bytes = isCopy ? this.#random.pick(files).bytes : this.#newBytes();
    this.#write(path, bytes, this.#random.chance(0.1) ? 0o111 : 0);
    return `${path} (${bytes.length})`;
  }

  #makeFolder(tree: Tree): string | undefined {
    const path = this.#freePath(tree);
    if (path === undefined) return undefined;
    this.#fs.makeFolder(this.#at(path));
    this.#flushFolders(path);
    return path;
  }

  #makeLink(tree: Tree): string | undefined {
    const path = this.#freePath(tree);
    if (path === undefined) return undefined;
    const targets = ['nowhere', '.', outside, `${outside}/secret`, ...tree.keys()];
    const target = this.#random.pick(targets);
    this.#fs.makeLink(target, this.#at(path));
    this.#flushFolders(path);
    return `${path} -> ${target}`;
  }

  #move(tree: Tree): string | undefined {
    return this.#onAny(tree, undefined, (path) => {
      const to = this.#freePath(tree);
      if (to === undefined || `${to}/`.startsWith(`${path}/`)) return false;
      this.#rename(path, to);
      return `to ${to}`;
    });
  }

  #moveOver(tree: Tree): string | undefined {
    return this.#onAny(tree, 'file', (path) => {
      const others = [...tree].filter(([other, { kind }]) => kind === 'file' && other !== path);
      if (others.length === 0) return false;
      const [to, item] = this.#random.pick(others);
      this.#noteRemoved(to, item);
      this.#rename(path, to);
      return `onto ${to}`;
    });
  }

  #swap(tree: Tree): string | undefined {
    return this.#onAny(tree, undefined, (a) => {
      const others = [...tree.keys()].filter((b) => b !== a && !b.startsWith(`${a}/`) && !a.startsWith(`${b}/`));
      const aside = this.#freePath(new Map([...tree].filter(([path]) => !path.includes('/'))));
      if (others.length === 0 || aside === undefined || aside.includes('/')) return false;
      const b = this.#random.pick(others);
      this.#rename(a, aside);
      this.#rename(b, a);
      this.#rename(aside, b);
      return `with ${b}`;
    });
  }

  #changeCase(tree: Tree): string | undefined {
    return this.#onAny(tree, undefined, (path) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
      const to = path.slice(0, path.length - name.length) + other;
      if (other === name || tree.has(to)) return false;
      this.#rename(path, to);
      return `to ${to}`;
    });
  }

  #removeLeaf(tree: Tree): string | undefined {
    const leaves = [...tree].filter(([, { kind }]) => kind !== 'folder');
    if (leaves.length === 0) return undefined;
    const [path] = this.#random.pick(leaves);
    this.#remove(path, tree);
    return path;
  }

  #changeKind(tree: Tree): string | undefined {
    return this.#onAny(tree, undefined, (path, item) => {
      this.#remove(path, tree);
      if (item.kind === 'file') {
        this.#fs.makeFolder(this.#at(path));
        this.#flushFolders(path);
        return 'to a folder';
      }
      this.#write(path, this.#newBytes(), 0);
      return 'to a file';
    });
  }

  #remove(path: string, tree: Tree): string {
    const below = [...tree].filter(([other]) => other === path || other.startsWith(`${path}/`));
    for (const [other, item] of below.sort(([a], [b]) => b.length - a.length)) {
      if (item.kind === 'folder') {
        this.#fs.removeFolder(this.#at(other));
      } else {
        this.#noteRemoved(other, item);
        this.#fs.removeFile(this.#at(other));
      }
    }
    this.#flushFolders(path);
    return '';
  }

  #saveAtomically(path: string, bytes: Uint8Array, mode: number): void {
    const next = this.#newBytes();
    const beside = `${path}~`;
    if (this.#fs.lstat(this.#at(beside)) !== undefined) return;
    this.#write(beside, next, mode);
    this.#contents.noteRemoved(bytes, `${this.#name} saved over it`);
    this.#rename(beside, path);
  }

  /** Programs that write in place show half of it meanwhile. */
  #beginSlowWrite(path: string, bytes: Uint8Array): void {
    const whole = this.#newBytes();
    const half = whole.slice(0, this.#random.below(whole.length));
    this.#contents.noteRemoved(bytes, `${this.#name} wrote over it`);
    this.#contents.noteWritten(half, `half of ${this.#written} by ${this.#name}`, true);
    this.#fs.writeFile(this.#at(path), half);
    this.#flush(path);
    this.#slow = { path, bytes: whole };
  }

  #endSlowWrite({ path, bytes }: SlowWrite): string {
    this.#slow = undefined;
    const stat = this.#fs.lstat(this.#at(path));
    if (stat?.kind !== 'file') return `slowWrite of ${path} lost its file`;
    this.#contents.noteRemoved(this.#fs.readFile(this.#at(path)), `${this.#name} wrote over it`);
    this.#contents.noteWritten(bytes, `slow write of ${path} by ${this.#name}`);
    this.#fs.writeFile(this.#at(path), bytes);
    this.#flush(path);
    return `slowWrite of ${path} ended`;
  }

  #overwrite(path: string, old: Uint8Array, bytes: Uint8Array): void {
    this.#contents.noteRemoved(old, `${this.#name} overwrote it`);
    this.#write(path, bytes);
  }

  #write(path: string, bytes: Uint8Array, mode?: number): void {
    this.#contents.noteWritten(bytes, `${this.#label()} for ${path}`);
    this.#fs.writeFile(this.#at(path), bytes, mode);
    this.#flush(path);
  }

  #rename(from: string, to: string): void {
    this.#fs.rename(this.#at(from), this.#at(to));
    this.#flushFolders(from);
    this.#flushFolders(to);
  }

  #noteRemoved(path: string, item: Item): void {
    if (item.kind === 'file') this.#contents.noteRemoved(item.bytes, `${this.#name} removed it at ${path}`);
  }

  #flush(path: string): void {
    const handle = this.#fs.openRead(this.#at(path));
    this.#fs.flush(handle);
    this.#fs.close(handle);
    this.#flushFolders(path);
  }

  /** Saved means saved: the names on the way to it, too. */
  #flushFolders(path: string): void {
    for (let folder = folderOf(path); ; folder = folderOf(folder)) {
      const at = folder === '' ? root : this.#at(folder);
      if (this.#fs.lstat(at)?.kind === 'folder') this.#fs.flushFolder(at);
      if (folder === '') return;
    }
  }

  #label(): string {
    return `${this.#name}:${this.#written}`;
  }

  /** Always new: sometimes of many chunks. */
  #newBytes(): Uint8Array {
    this.#written++;
    const head = utf8(`${this.#label()} `);
    if (this.#random.chance(0.06)) return concatBytes(head, this.#random.bytes(20_000 + this.#random.below(60_000)));
    return concatBytes(head, utf8('.'.repeat(this.#random.below(40))));
  }

  #onAny(
    tree: Tree,
    kind: Item['kind'] | undefined,
    work: (path: string, item: Item) => string | false,
  ): string | undefined {
    const candidates = [...tree].filter(([, item]) => kind === undefined || item.kind === kind);
    if (candidates.length === 0) return undefined;
    const [path, item] = this.#random.pick(candidates);
    const done = work(path, item);
    return done === false ? undefined : `${path} ${done}`;
  }

  #freePath(tree: Tree): string | undefined {
    const folders = ['', '', ...[...tree].flatMap(([path, { kind }]) => (kind === 'folder' ? [path] : []))];
    for (let tries = 0; tries < 5; tries++) {
      const folder = this.#random.pick(folders);
      const path = `${folder === '' ? '' : `${folder}/`}${this.#random.pick(names)}`;
      if (!tree.has(path) && this.#fs.lstat(this.#at(path)) === undefined) return path;
    }
    return undefined;
  }

  #at(path: string): string {
    return `${root}/${path}`;
  }
}
