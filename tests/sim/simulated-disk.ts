/**
 * A disk and its page cache, for the simulated file system. What the agent sees is the cache; what a power cut leaves is the disk.
 *
 * The model is weaker than ext4 or XFS and never weaker than POSIX with atomic renames. Flushing a file makes its bytes durable,
 * not its name. Flushing a folder makes the names in it durable, each change whole: a rename is on the disk in both
 * folders or in neither, together with what it depends on. A name whose file was never flushed leads to an empty file after the
 * cut: that is how other products came to upload empty files.
 *
 *     create t, write, rename t -> f, flush folder, cut:               f is there, and empty
 *     create t, write, flush t, rename t -> f, cut:                    f is as before
 *     create t, write, flush t, rename t -> f, flush folder, cut:      f is whole
 */
import type { FileKind } from '../../client/agent/file-system.ts';

export interface Content {
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly mtimeMs: number;
}

export interface Inode {
  readonly ino: number;
  readonly kind: FileKind;
  readonly target: string;
  content: Content;
  /** Memory that `content.bytes` is the beginning of, to grow into; null once a flush has made those bytes the disk's. */
  room: Uint8Array | null;
  ctimeMs: number;
  /** Of a folder: names as given, by the key they are looked up with. */
  readonly names: Map<string, { readonly name: string; readonly ino: number }>;
  parent: number;
}

/** A name that changes: to an inode, or to nothing. */
export interface NameChange {
  readonly folder: number;
  readonly key: string;
  readonly to: { readonly name: string; readonly ino: number } | null;
}

const empty: Content = { bytes: new Uint8Array(0), mode: 0, mtimeMs: 0 };

function sharesName(a: readonly NameChange[], b: readonly NameChange[]): boolean {
  return a.some((x) => b.some((y) => x.folder === y.folder && x.key === y.key));
}

export class SimulatedDisk {
  readonly inodes = new Map<number, Inode>();
  /** What is on the disk: contents by inode, and names by folder. */
  readonly #durableContents = new Map<number, Content>();
  readonly #durableNames = new Map<number, Map<string, { readonly name: string; readonly ino: number }>>();
  /** Changes of names that are only in the cache, in order; each is atomic. */
  #pending: (readonly NameChange[])[] = [];
  #nextIno = 1;
  readonly #reuses: boolean;

  /** @param reusesInodes whether the numbers of removed inodes are given out again at once, as ext4 does. */
  constructor(reusesInodes: boolean) {
    this.#reuses = reusesInodes;
  }

  create(kind: FileKind, target: string, content: Content, ctimeMs: number): Inode {
    let ino = this.#nextIno;
    if (this.#reuses) for (ino = 1; this.inodes.has(ino);) ino++;
    this.#nextIno = Math.max(this.#nextIno, ino + 1);
    const inode: Inode = { ino, kind, target, content, room: null, ctimeMs, names: new Map(), parent: 0 };
    this.inodes.set(ino, inode);
    this.#durableContents.delete(ino);
    this.#durableNames.delete(ino);
    return inode;
  }

  inode(ino: number): Inode {
    const inode = this.inodes.get(ino);
    if (inode === undefined) throw new Error(`the simulated disk lost inode ${ino}`);
    return inode;
  }

  /** Changes names in the cache, all at once. Inodes without a name go, unless `isHeld`. */
  change(changes: readonly NameChange[], isHeld: (ino: number) => boolean): void {
    const before = changes.map(({ folder, key }) => this.inode(folder).names.get(key)?.ino);
    for (const change of changes) this.#applyTo(this.inode(change.folder).names, change);
    for (const { folder, to } of changes) if (to !== null) this.inode(to.ino).parent = folder;
    this.#pending.push(changes);
    const isLeft = (ino: number | undefined): boolean =>
      ino !== undefined && !changes.some(({ to }) => to?.ino === ino);
    if (before.some(isLeft)) this.collect(isHeld);
  }

  flushFile(ino: number): void {
    const inode = this.inode(ino);
    inode.room = null;
    this.#durableContents.set(ino, inode.content);
  }

  /** Makes the changes of names in a folder durable, with those that they depend on. */
  flushFolder(ino: number): void {
    const taken = new Set<number>();
    for (let i = this.#pending.length - 1; i >= 0; i--) {
      const changes = this.#pending[i]!;
      const isNeeded = [...taken].some((later) => sharesName(changes, this.#pending[later]!));
      if (isNeeded || changes.some((change) => change.folder === ino)) taken.add(i);
    }
    this.#commit((i) => taken.has(i));
  }

  flushAll(): void {
    for (const ino of this.inodes.keys()) this.flushFile(ino);
    this.#commit(() => true);
  }

  /**
   * Power cut: the cache is gone. `survives` says of each thing that was not flushed whether the system happened to have written
   * it by then: a change of names only with all before it, a file's bytes on their own.
   */
  cut(survives: () => boolean): void {
    let writesOn = true;
    this.#commit(() => (writesOn &&= survives()));
    this.#pending = [];
    for (const inode of this.inodes.values()) {
      if (!survives()) inode.content = this.#durableContents.get(inode.ino) ?? { ...empty, mode: inode.content.mode };
      inode.names.clear();
      for (const [key, to] of this.#durableNames.get(inode.ino) ?? []) inode.names.set(key, to);
    }
    this.collect(() => false);
    this.flushAll();
  }

  /** Drops what no name leads to. The root is inode 1. */
  collect(isHeld: (ino: number) => boolean): void {
    const reached = new Set<number>([1]);
    const queue = [1];
    for (let ino = queue.pop(); ino !== undefined; ino = queue.pop()) {
      for (const to of this.inode(ino).names.values()) {
        if (reached.has(to.ino)) continue;
        reached.add(to.ino);
        this.inode(to.ino).parent = ino;
        queue.push(to.ino);
      }
    }
    const durable = new Set(
      [...this.#durableNames.values()].flatMap((names) => [...names.values()].map((to) => to.ino)),
    );
    // A cut may leave the name that led to it and not the change that took it away.
    for (const changes of this.#pending) for (const { to } of changes) if (to !== null) durable.add(to.ino);
    for (const ino of this.inodes.keys()) {
      if (!reached.has(ino) && !isHeld(ino) && !durable.has(ino)) this.inodes.delete(ino);
    }
  }

  #applyTo(names: Map<string, { readonly name: string; readonly ino: number }>, { key, to }: NameChange): void {
    if (to === null) names.delete(key);
    else names.set(key, to);
  }

  #commit(isTaken: (i: number) => boolean): void {
    const rest: (readonly NameChange[])[] = [];
    for (const [i, changes] of this.#pending.entries()) {
      if (!isTaken(i)) {
        rest.push(changes);
        continue;
      }
      for (const change of changes) {
        const names = this.#durableNames.get(change.folder) ?? new Map<string, { name: string; ino: number }>();
        this.#durableNames.set(change.folder, names);
        this.#applyTo(names, change);
      }
    }
    this.#pending = rest;
  }
}
