/**
 * A person at one device: works in the synced folder as programs do, at any moment, and tells the oracle what was written and
 * what was taken away. What a person saves is on the disk when the call returns: data of programs that do not flush is
 * theirs to lose in a power cut, not the agent's.
 */
import { concatBytes, emptyBytes, utf8 } from '../../shared/core/bytes.ts';
import type { Contents } from './contents.ts';
import type { Random } from './random.ts';
import type { SimulatedFileSystem } from './simulated-file-system.ts';
import { type Act, acts } from './user-acts.ts';
import { SavingHand } from './saving-hand.ts';
import { type Item, type Tree, outside, readTree } from './tree.ts';

const names = ['a', 'b', 'c', 'd', 'Notes.txt', 'x y', 'ü', 'long name.docx'] as const;

interface SlowWrite {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export class User {
  readonly #name: string;
  readonly #fs: SimulatedFileSystem;
  readonly #contents: Contents;
  readonly #random: Random;
  readonly #hand: SavingHand;
  #slow: SlowWrite | undefined;
  #near: string | undefined;
  /** True while the calls of the file system are this user's. */
  isActing = false;

  constructor(name: string, fs: SimulatedFileSystem, contents: Contents, random: Random) {
    this.#name = name;
    this.#fs = fs;
    this.#contents = contents;
    this.#random = random;
    this.#hand = new SavingHand(name, fs, contents, random);
  }

  /** Does one thing. Returns what, for the trace. */
  /** @param near a path at which something is going on: it is as likely to be chosen as all others together. */
  act(near?: string): string {
    this.#near = near;
    return this.quietly(() => (this.#slow === undefined ? this.#begin() : this.#endSlowWrite(this.#slow)));
  }

  /** Something new, whatever is there. */
  actNew(): string {
    return this.quietly(() => `create ${this.#create(readTree(this.#fs), false) ?? '(no name is free)'}`);
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
    return done === undefined ? this.actNew() : `${act} ${done}`;
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
        this.#hand.overwrite(path, bytes, this.#hand.newBytes());
        return '';
      case 'insert':
        this.#hand.overwrite(path, bytes, concatBytes(utf8(`${this.#hand.newMark()}\n`), bytes));
        return '';
      case 'append':
        this.#hand.overwrite(path, bytes, concatBytes(bytes, utf8(`${this.#hand.newMark()}\n`)));
        return '';
      case 'editLine':
        this.#hand.overwrite(path, bytes, this.#withOtherLine(bytes));
        return '';
      case 'empty':
        this.#hand.overwrite(path, bytes, emptyBytes);
        return '';
      case 'atomicSave':
        this.#saveAtomically(path, bytes, mode);
        return '';
      case 'slowWrite':
        this.#beginSlowWrite(path, bytes);
        return '';
      case 'mode':
        this.#fs.setMode(this.#hand.at(path), mode === 0 ? 0o111 : 0);
        this.#hand.flush(path);
        return mode === 0 ? '+x' : '-x';
      default:
        return false;
    }
  }

  /** As a person edits a text: one line is another now. */
  #withOtherLine(bytes: Uint8Array): Uint8Array {
    const lines = Buffer.from(bytes).toString('latin1').split('\n');
    lines[this.#random.below(Math.max(1, lines.length - 1))] = this.#hand.newMark();
    return new Uint8Array(Buffer.from(lines.join('\n'), 'latin1'));
  }

  #create(tree: Tree, isCopy: boolean): string | undefined {
    const path = this.#freePath(tree);
    const files = [...tree.values()].filter((item) => item.kind === 'file');
    if (path === undefined || (isCopy && files.length === 0)) return undefined;
    const bytes = isCopy ? this.#random.pick(files).bytes : this.#hand.newBytes();
    this.#hand.write(path, bytes, this.#random.chance(0.1) ? 0o111 : 0);
    return `${path} (${bytes.length})`;
  }

  #makeFolder(tree: Tree): string | undefined {
    const path = this.#freePath(tree);
    if (path === undefined) return undefined;
    this.#fs.makeFolder(this.#hand.at(path));
    this.#hand.flushFolders(path);
    return path;
  }

  #makeLink(tree: Tree): string | undefined {
    const path = this.#freePath(tree);
    if (path === undefined) return undefined;
    const targets = ['nowhere', '.', outside, `${outside}/secret`, ...tree.keys()];
    const target = this.#random.pick(targets);
    this.#fs.makeLink(target, this.#hand.at(path));
    this.#hand.flushFolders(path);
    return `${path} -> ${target}`;
  }

  #move(tree: Tree): string | undefined {
    return this.#onAny(tree, undefined, (path) => {
      const to = this.#freePath(tree);
      if (to === undefined || `${to}/`.startsWith(`${path}/`)) return false;
      this.#hand.rename(path, to);
      return `to ${to}`;
    });
  }

  #moveOver(tree: Tree): string | undefined {
    return this.#onAny(tree, 'file', (path) => {
      const others = [...tree].filter(([other, { kind }]) => kind === 'file' && other !== path);
      if (others.length === 0) return false;
      const [to, item] = this.#random.pick(others);
      this.#hand.noteRemoved(to, item);
      this.#hand.rename(path, to);
      return `onto ${to}`;
    });
  }

  #swap(tree: Tree): string | undefined {
    return this.#onAny(tree, undefined, (a) => {
      const others = [...tree.keys()].filter((b) => b !== a && !b.startsWith(`${a}/`) && !a.startsWith(`${b}/`));
      const aside = this.#freePath(new Map([...tree].filter(([path]) => !path.includes('/'))));
      if (others.length === 0 || aside === undefined || aside.includes('/')) return false;
      const b = this.#random.pick(others);
      this.#hand.rename(a, aside);
      this.#hand.rename(b, a);
      this.#hand.rename(aside, b);
      return `with ${b}`;
    });
  }

  #changeCase(tree: Tree): string | undefined {
    return this.#onAny(tree, undefined, (path) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
      const to = path.slice(0, path.length - name.length) + other;
      if (other === name || tree.has(to)) return false;
      this.#hand.rename(path, to);
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
        this.#fs.makeFolder(this.#hand.at(path));
        this.#hand.flushFolders(path);
        return 'to a folder';
      }
      this.#hand.write(path, this.#hand.newBytes(), 0);
      return 'to a file';
    });
  }

  #remove(path: string, tree: Tree): string {
    const below = [...tree].filter(([other]) => other === path || other.startsWith(`${path}/`));
    for (const [other, item] of below.sort(([a], [b]) => b.length - a.length)) {
      if (item.kind === 'folder') {
        this.#fs.removeFolder(this.#hand.at(other));
      } else {
        this.#hand.noteRemoved(other, item);
        this.#fs.removeFile(this.#hand.at(other));
      }
    }
    this.#hand.flushFolders(path);
    return '';
  }

  #saveAtomically(path: string, bytes: Uint8Array, mode: number): void {
    const next = this.#hand.newBytes();
    const beside = `${path}~`;
    if (this.#fs.lstat(this.#hand.at(beside)) !== undefined) return;
    this.#hand.write(beside, next, mode);
    this.#contents.noteRemoved(bytes, `${this.#name} saved over it`);
    this.#hand.rename(beside, path);
  }

  /** Programs that write in place show half of it meanwhile. */
  #beginSlowWrite(path: string, bytes: Uint8Array): void {
    const whole = this.#hand.newBytes();
    const half = whole.slice(0, this.#random.below(whole.length));
    this.#contents.noteRemoved(bytes, `${this.#name} wrote over it`);
    this.#contents.noteWritten(half, `half of ${this.#hand.written} by ${this.#name}`, true);
    this.#fs.writeFile(this.#hand.at(path), half);
    this.#hand.flush(path);
    this.#slow = { path, bytes: whole };
  }

  #endSlowWrite({ path, bytes }: SlowWrite): string {
    this.#slow = undefined;
    const stat = this.#fs.lstat(this.#hand.at(path));
    if (stat?.kind !== 'file') return `slowWrite of ${path} lost its file`;
    this.#contents.noteRemoved(this.#fs.readFile(this.#hand.at(path)), `${this.#name} wrote over it`);
    this.#contents.noteWritten(bytes, `slow write of ${path} by ${this.#name}`);
    this.#fs.writeFile(this.#hand.at(path), bytes);
    this.#hand.flush(path);
    return `slowWrite of ${path} ended`;
  }

  #onAny(
    tree: Tree,
    kind: Item['kind'] | undefined,
    work: (path: string, item: Item) => string | false,
  ): string | undefined {
    const candidates = [...tree].filter(([, item]) => kind === undefined || item.kind === kind);
    if (candidates.length === 0) return undefined;
    const near = candidates.find(([path]) => path === this.#near);
    const [path, item] = near !== undefined && this.#random.chance(0.5) ? near : this.#random.pick(candidates);
    const done = work(path, item);
    return done === false ? undefined : `${path} ${done}`;
  }

  #freePath(tree: Tree): string | undefined {
    const folders = ['', '', ...[...tree].flatMap(([path, { kind }]) => (kind === 'folder' ? [path] : []))];
    for (let tries = 0; tries < 5; tries++) {
      const folder = this.#random.pick(folders);
      const path = `${folder === '' ? '' : `${folder}/`}${this.#random.pick(names)}`;
      if (!tree.has(path) && this.#fs.lstat(this.#hand.at(path)) === undefined) return path;
    }
    return undefined;
  }
}
