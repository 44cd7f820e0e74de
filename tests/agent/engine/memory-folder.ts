/**
 * A folder in memory for tests of the engine: inodes, stats that change with every write, and faults on demand. It keeps to
 * the contract of `Folder`, in the simplest way: one chunk a file, matching by inode and then by name.
 */
import { utf8 } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { type Digest, type NodeId, bytesToNodeId, rootNodeId } from '../../../shared/core/ids.ts';
import type { LocalNode, StatMark } from '../../../client/agent/model.ts';
import type {
  ApplyAction,
  ApplyResult,
  DescribedBytes,
  Finding,
  Folder,
  LocalKnowledge,
  Problem,
  ScanReport,
} from '../../../client/agent/ports.ts';

interface Item {
  kind: LocalNode['kind'];
  bytes: Uint8Array;
  target: string;
  stat: StatMark;
}

/** Thrown by an injected crash: the process is gone, nothing after it happened. */
export class Crash extends Error {}

/** Calls that a crash can be put into; counts down at each. */
export class CrashPoint {
  /** Steps until the crash; null for none. */
  left: number | null = null;
  passed = 0;

  pass(): void {
    this.passed++;
    if (this.left === null) return;
    if (this.left-- <= 0) {
      this.left = null;
      throw new Crash('crashed');
    }
  }
}

export class MemoryFolder implements Folder {
  /** Set by a test: links of the workspace are not for this folder. */
  skipsLinks = false;
  readonly items = new Map<string, Item>();
  readonly crash: CrashPoint;
  readonly #fetch: (content: Digest) => Uint8Array | undefined;
  readonly #newId: () => Uint8Array;
  /** Steps with every change. Folders begin apart: equal times of different files prove something, here as in life. */
  #clock: number;
  #inodes = 1;
  /** The root is not there, as with a disk that is not mounted. */
  isUnmounted = false;
  /** Folders that cannot be listed. */
  readonly unlistable = new Set<string>();
  /** Paths that refuse to be moved or written. */
  readonly stubborn = new Set<string>();
  /** What a crash does to files written and not yet known to be durable. */
  tornBytes: Uint8Array | null = null;
  bytesFetched = 0;

  constructor(
    crash: CrashPoint,
    fetch: (content: Digest) => Uint8Array | undefined,
    newId: () => Uint8Array,
    clockMs: number,
  ) {
    this.#clock = clockMs;
    this.crash = crash;
    this.#fetch = fetch;
    this.#newId = newId;
  }

  #stat(item: Pick<Item, 'bytes'>, mode: number, mtimeMs: number, ino = this.#inodes++): StatMark {
    return { size: item.bytes.length, mtimeMs, ctimeMs: this.#clock++, ino, dev: 1, mode };
  }

  /** A user writes a file: in place, or as editors do, under a new inode. */
  write(path: string, text: string, options: { readonly atomic?: boolean; readonly mode?: number } = {}): void {
    const bytes = utf8(text);
    const old = this.items.get(path);
    const mode = options.mode ?? old?.stat.mode ?? 0;
    const ino = options.atomic === true || old?.kind !== 'file' ? undefined : old.stat.ino;
    const stat = this.#stat({ bytes }, mode, this.#clock + 0.5, ino);
    this.items.set(path, { kind: 'file', bytes, target: '', stat });
  }

  mkdir(path: string): void {
    if (this.items.has(path)) return;
    const item = { kind: 'folder' as const, bytes: new Uint8Array(0), target: '' };
    this.items.set(path, { ...item, stat: this.#stat(item, 0, this.#clock) });
  }

  link(path: string, target: string): void {
    const item = { kind: 'symlink' as const, bytes: new Uint8Array(0), target };
    this.items.set(path, { ...item, stat: this.#stat(item, 0, this.#clock) });
  }

  move(from: string, to: string): void {
    for (const [path, item] of Array.from(this.items)) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.items.delete(path);
      this.items.set(to + path.slice(from.length), item);
    }
    const moved = this.items.get(to);
    if (moved !== undefined) moved.stat = { ...moved.stat, ctimeMs: this.#clock++ };
  }

  remove(path: string): void {
    for (const each of this.items.keys()) if (each === path || each.startsWith(`${path}/`)) this.items.delete(each);
  }

  text(path: string): string | undefined {
    const item = this.items.get(path);
    return item?.kind === 'file' ? new TextDecoder().decode(item.bytes) : undefined;
  }

  /** Everything in the folder, by path: `dir`, `-> target`, or the text (with `+x`). */
  tree(): Record<string, string> {
    const entries = [...this.items].map(([path, item]): [string, string] => {
      if (item.kind === 'folder') return [path, 'dir'];
      if (item.kind === 'symlink') return [path, `-> ${item.target}`];
      return [path, `${this.text(path)}${item.stat.mode === 0 ? '' : ' +x'}`];
    });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  children(folder: string): string[] {
    const prefix = folder === '' ? '' : `${folder}/`;
    return [...this.items.keys()].filter(
      (path) => path.startsWith(prefix) && path !== folder && !path.slice(prefix.length).includes('/'),
    );
  }

  async open(): Promise<void> {
    if (this.isUnmounted) throw new TidemarkError('halted', 'the folder is not there');
  }

  async close(): Promise<void> {}

  async scan(
    known: LocalKnowledge,
    found: (batch: readonly Finding[]) => void | Promise<void>,
    _signal: AbortSignal,
  ): Promise<Omit<ScanReport, 'findings'>> {
    const inodes = new Set([...this.items.values()].map(({ stat }) => stat.ino));
    const claimed = new Set<NodeId>();
    const problems: Problem[] = [];
    const findings: Finding[] = [];
    const visited: NodeId[] = [];
    const queue: { path: string; nodeId: NodeId }[] = [{ path: '', nodeId: rootNodeId }];
    let bytesRead = 0;
    for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
      visited.push(folder.nodeId);
      if (this.unlistable.has(folder.path)) {
        problems.push({ path: folder.path, code: 'unreadable', detail: 'EACCES' });
        continue;
      }
      const byName = new Map(known.childrenOf(folder.nodeId).map((node) => [node.name, node]));
      for (const path of this.children(folder.path)) {
        const item = this.items.get(path)!;
        const name = path.slice(path.lastIndexOf('/') + 1);
        const isFree = (node: LocalNode): boolean => node.kind === item.kind && !claimed.has(node.nodeId);
        const named = byName.get(name);
        const node =
          known.byInode(item.stat.ino, 1).find(isFree) ??
          (named !== undefined && isFree(named) && !inodes.has(named.stat.ino) ? named : undefined);
        if (node === undefined && known.isUnselectedAt({ parentId: folder.nodeId, name })) {
          problems.push({ path, code: 'excluded', detail: 'something excluded belongs there' });
          this.#claimUnder(path, known, claimed);
          continue;
        }
        const nodeId = node?.nodeId ?? bytesToNodeId(this.#newId());
        claimed.add(nodeId);
        if (item.kind === 'folder') queue.push({ path, nodeId });
        const moved = node !== undefined && (node.parentId !== folder.nodeId || node.name !== name);
        const isKnown =
          node !== undefined &&
          !moved &&
          JSON.stringify(node.stat) === JSON.stringify(item.stat) &&
          (node.kind !== 'file' || node.content !== null);
        if (isKnown) continue;
        bytesRead += item.bytes.length;
        const content = item.kind === 'file' ? blake3Digest(item.bytes) : null;
        const target = item.kind === 'symlink' ? item.target : null;
        findings.push({
          change: node === undefined ? 'new' : moved ? 'moved' : 'changed',
          node: { nodeId, parentId: folder.nodeId, name, kind: item.kind, content, target, stat: item.stat },
          path,
          chunks: null,
        });
      }
    }
    for (let i = 0; i < findings.length; i += 3) {
      this.crash.pass();
      await found(findings.slice(i, i + 3));
    }
    const complete = problems.every(({ code }) => code === 'excluded');
    const missing = complete ? this.#missing(known, visited, claimed) : [];
    const files = [...this.items.values()].filter(({ kind }) => kind !== 'folder');
    const bytes = files.reduce((sum, item) => sum + item.bytes.length, 0);
    return {
      missing,
      problems,
      complete,
      isSettled: true,
      foldsNames: false,
      files: files.length,
      folders: visited.length,
      bytes,
      bytesRead,
    };
  }

  /** What was moved to where nothing is synced is not missing, nor are its folders. */
  #claimUnder(path: string, known: LocalKnowledge, claimed: Set<NodeId>): void {
    for (const [each, { stat }] of this.items) {
      if (each !== path && !each.startsWith(`${path}/`)) continue;
      for (const kept of known.byInode(stat.ino, 1)) {
        for (let node: LocalNode | undefined = kept; node !== undefined; node = known.get(node.parentId)) {
          claimed.add(node.nodeId);
        }
      }
    }
  }

  #missing(known: LocalKnowledge, visited: readonly NodeId[], claimed: ReadonlySet<NodeId>): NodeId[] {
    const missing: NodeId[] = [];
    const queue = [...visited];
    for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
      for (const { nodeId, kind } of known.childrenOf(folder)) {
        if (claimed.has(nodeId) || missing.includes(nodeId)) continue;
        missing.push(nodeId);
        if (kind === 'folder') queue.push(nodeId);
      }
    }
    return missing;
  }

  async fetch({ content, size }: { readonly content: Digest; readonly size: number }): Promise<Uint8Array | null> {
    this.crash.pass();
    return size === 0 ? new Uint8Array(0) : (this.#fetch(content) ?? null);
  }

  async read(path: string, expected: StatMark): Promise<Uint8Array | null> {
    const item = this.items.get(path);
    return item?.kind === 'file' && JSON.stringify(item.stat) === JSON.stringify(expected) ? item.bytes : null;
  }

  async describe(bytes: Uint8Array): Promise<DescribedBytes> {
    return { content: blake3Digest(bytes), chunks: null, sha256: null };
  }

  async apply(actions: readonly ApplyAction[]): Promise<readonly ApplyResult[]> {
    const results: ApplyResult[] = [];
    const written: string[] = [];
    for (const action of actions) {
      try {
        this.crash.pass();
      } catch (error) {
        if (this.tornBytes !== null) for (const path of written) this.#tear(path, this.tornBytes);
        throw error;
      }
      const outcome = this.stubborn.has(action.path) ? 'it does not budge' : this.#carryOut(action);
      if (typeof outcome === 'string') {
        const problem: Problem = { path: action.path, code: 'blocked', detail: outcome };
        results.push({ nodeId: action.nodeId, done: false, problem });
      } else {
        if (action.kind === 'write-file') written.push(action.path);
        results.push({ nodeId: action.nodeId, done: true, stat: outcome?.stat ?? null });
      }
    }
    try {
      this.crash.pass();
    } catch (error) {
      if (this.tornBytes !== null) for (const path of written) this.#tear(path, this.tornBytes);
      throw error;
    }
    return results;
  }

  #tear(path: string, bytes: Uint8Array): void {
    const item = this.items.get(path);
    if (item !== undefined) this.items.set(path, { ...item, bytes, stat: { ...item.stat, size: bytes.length } });
  }

  #carryOut(action: ApplyAction): Item | undefined | string {
    const { path } = action;
    const there = this.items.get(path);
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (folder !== '' && this.items.get(folder)?.kind !== 'folder') return 'its folder is not there';
    switch (action.kind) {
      case 'make-folder':
        if (there !== undefined && there.kind !== 'folder') return 'something is there';
        this.mkdir(path);
        return this.items.get(path);
      case 'move': {
        const source = this.items.get(action.from);
        if (source === undefined || source.stat.ino !== action.expected.ino) return 'it is not there any more';
        if (there !== undefined) return 'something is at its new place';
        if (`${path}/`.startsWith(`${action.from}/`)) return 'into itself';
        this.move(action.from, path);
        return this.items.get(path);
      }
      case 'remove-folder':
        if (this.children(path).length > 0) return 'it is not empty';
        this.items.delete(path);
        return undefined;
      case 'write-file':
      case 'set-mode':
      case 'make-symlink':
      case 'remove-file':
        return this.#carryOutOnFile(action, there);
    }
  }

  #carryOutOnFile(
    action: Exclude<ApplyAction, { kind: 'make-folder' | 'move' | 'remove-folder' }>,
    there: Item | undefined,
  ): Item | undefined | string {
    const { path } = action;
    const isExpected =
      action.expected === null ? there === undefined : JSON.stringify(there?.stat) === JSON.stringify(action.expected);
    if (action.kind === 'remove-file') {
      if (there === undefined) return undefined;
      if (!isExpected) return 'it was changed';
      this.items.delete(path);
      return undefined;
    }
    if (!isExpected) return 'something else is there';
    if (action.kind === 'make-symlink') this.link(path, action.target);
    else if (action.kind === 'set-mode') {
      there!.stat = { ...there!.stat, mode: action.mode, ctimeMs: this.#clock++ };
    } else {
      const bytes = action.bytes ?? (action.size === 0 ? new Uint8Array(0) : this.#fetch(action.content));
      if (bytes === undefined) return 'its content could not be fetched';
      this.bytesFetched += bytes.length;
      const stat = this.#stat({ bytes }, action.mode, action.mtimeMs);
      this.items.set(path, { kind: 'file', bytes, target: '', stat });
    }
    return this.items.get(path);
  }
}
