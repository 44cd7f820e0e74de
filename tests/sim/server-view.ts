/**
 * The workspace as its storage alone tells it, rebuilt from nothing: the journal replayed entry by entry, and every content put
 * together from manifests, chunk index and packs. It is checked on the way, so to read it is to prove it.
 */
import { bytesToHex, emptyBytes } from '../../shared/core/bytes.ts';
import {
  type Digest,
  type NodeId,
  type WorkspaceId,
  columnBytesAt,
  digestsToColumn,
  rootNodeId,
} from '../../shared/core/ids.ts';
import { type ChunkList, assembleManifest, decodeManifest } from '../../shared/core/manifest/manifest.ts';
import { mapApply } from '../../shared/core/merkle/map-apply.ts';
import { emptyMapRoot } from '../../shared/core/merkle/map-node.ts';
import { mapGetMany } from '../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../shared/core/merkle/memory-node-source.ts';
import { chunkOfFrame, decodeFrame } from '../../shared/core/pack/pack-reader.ts';
import { deriveMapEdits } from '../../shared/core/tree/derive-edits.ts';
import { type Entry, type FileEntry, decodeEntry } from '../../shared/core/tree/entry.ts';
import { entryKeyToPlace } from '../../shared/core/tree/keys.ts';
import { firstChain, nextChain } from '../../shared/core/wire/journal-entry.ts';
import { nodeCodecs } from '../../shared/adapters/node/node-codecs.ts';
import type { MemoryBlobStore } from '../../shared/adapters/memory/memory-blob-store.ts';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';
import type { ConflictPolicy, WorkspaceMode } from '../../shared/core/wire/workspace.ts';
import { packBlobName } from '../../shared/services/pack-name.ts';
import { recordToEntry } from '../../shared/services/signed-heads.ts';
import { Broken } from './broken.ts';
import type { Contents } from './contents.ts';
import { type AnsweredCommit, type FollowedCommit, OutcomeReplay } from './replay-outcomes.ts';
import type { SimulatedServer } from './server.ts';
import type { Tally } from './tally.ts';
import { type Item, type Tree, filesOf } from './tree.ts';

interface Placed {
  readonly parentId: NodeId;
  readonly name: string;
  readonly entry: Entry;
}

export interface ServerViewSetting {
  readonly server: Pick<SimulatedServer, 'metadata' | 'blobs'>;
  readonly workspaceId: WorkspaceId;
  readonly mode: WorkspaceMode;
  readonly policy: ConflictPolicy;
  readonly contents: Contents;
  readonly tally: Tally;
  /** Whether some device shows a file with these bytes, now. */
  readonly isInView: (bytes: Uint8Array) => boolean;
}

export class ServerView {
  readonly #metadata: MetadataStore;
  readonly #blobs: MemoryBlobStore;
  readonly workspaceId: WorkspaceId;
  readonly #contents: Contents;
  readonly #tally: Tally;
  /** Whether the later of two edits takes the place of the other, by the workspace's own choice. */
  readonly #latestWins: boolean;
  readonly #isOnItsWay: (bytes: Uint8Array) => boolean;
  readonly #outcomes: OutcomeReplay;
  readonly #commits: FollowedCommit[] = [];
  /** Contents that the workspace has or had, by their bytes. */
  readonly #kept = new Set<Digest>();
  readonly #nodes = new MemoryNodeSource();
  readonly #byKey = new Map<string, Placed>();
  readonly #requests = new Set<string>();
  readonly #rebuilt = new Map<Digest, Uint8Array>();
  /** Trees by seq. */
  readonly #trees: Tree[] = [new Map()];
  #root: Digest = emptyMapRoot;
  #chain: Digest;

  constructor({ server, workspaceId, mode, policy, contents, tally, isInView }: ServerViewSetting) {
    // Of a file that was moved onto one that others edited, the delete is taken and the edit waits to be merged: so it is nowhere
    // but where it was moved, for a while. Likewise where a consistency-first device settles its own conflicts: a copy that stepped aside,
    // or what both edits were merged into, comes with its next commit. That it comes back is checked at rest.
    this.#isOnItsWay = policy === 'merge' || (policy === 'copy' && mode === 'shared') ? isInView : () => false;
    this.#metadata = server.metadata;
    this.#blobs = server.blobs;
    this.#contents = contents;
    this.#tally = tally;
    this.#latestWins = policy === 'latest';
    this.workspaceId = workspaceId;
    this.#chain = firstChain(workspaceId);
    this.#outcomes = new OutcomeReplay(this.#nodes, { mode, policy }, tally);
  }

  /** A commit was answered; looked at with the next `catchUp`. */
  noteAnswer(commit: AnsweredCommit): void {
    this.#outcomes.note(commit);
  }

  /** Whether the workspace has or had a file with these bytes. */
  isKept(bytes: Uint8Array): boolean {
    return this.#kept.has(this.#contents.digest(bytes));
  }

  /** The root after commit `seq`; undefined when there is no such commit. */
  rootAt(seq: number): Digest | undefined {
    return seq === 0 ? emptyMapRoot : this.#commits[seq - 1]?.root;
  }

  /** The tree after a commit. Every commit up to it is replayed, once. */
  async treeAt(seq: number): Promise<Tree> {
    const followed = this.#trees.length - 1;
    const records = await this.#metadata.journal.list(
      this.workspaceId,
      followed,
      Math.max(0, seq - followed),
      Number.MAX_SAFE_INTEGER,
    );
    for (const record of records) {
      const entry = await recordToEntry({ blobs: this.#blobs }, this.workspaceId, record);
      await this.#follow(entry);
    }
    const tree = this.#trees[seq];
    if (tree === undefined) throw new Broken('I6', `the journal ends before ${seq}`);
    return tree;
  }

  async head(): Promise<{ readonly seq: number; readonly root: Digest }> {
    const head = await this.#metadata.journal.getHead(this.workspaceId);
    if (head === undefined) throw new Broken('I6', 'the workspace has no head');
    return head;
  }

  /** Contents that a later one took the place of, in the same file: they are in its history. */
  readonly #replaced = new Set<Digest>();

  /** Of the last commit that was replayed. */
  get seq(): number {
    return this.#commits.length;
  }

  /** The root after the last commit that was replayed. */
  get root(): Digest {
    return this.#root;
  }

  async #follow(entry: Awaited<ReturnType<typeof recordToEntry>>): Promise<void> {
    const seq = this.#trees.length;
    for (const invariant of ['I6', 'I7', 'I18'] as const) this.#tally.check(invariant);
    if (entry.seq !== seq) throw new Broken('I6', `the journal has ${entry.seq} where ${seq} comes next`);
    if (entry.previousRoot !== this.#root) throw new Broken('I6', `commit ${seq} does not continue the one before`);
    if (this.#requests.has(entry.requestId)) throw new Broken('I7', `the request of commit ${seq} was applied before`);
    this.#requests.add(entry.requestId);
    const keys = entry.edits.map(({ key }) => key);
    const before = await mapGetMany(this.#nodes, this.#root, keys);
    const applied = await mapApply(this.#nodes, this.#root, deriveMapEdits(entry.edits, before));
    this.#nodes.add(applied.nodes);
    if (applied.root !== entry.root) throw new Broken('I18', `replaying commit ${seq} gives another root`);
    this.#chain = nextChain(this.#chain, entry);
    if (this.#chain !== entry.chain) throw new Broken('I6', `the chain breaks at ${seq}`);
    this.#commits.push(entry);
    this.#root = applied.root;
    for (const { key, value } of entry.edits) {
      if (value === null) this.#byKey.delete(bytesToHex(key));
      else this.#byKey.set(bytesToHex(key), { ...entryKeyToPlace(key), entry: decodeEntry(value) });
    }
    const tree = await this.#toTree(seq);
    await this.#checkLeaving(seq, before, tree);
    this.#trees.push(tree);
  }

  /** Replays what was committed since. To be called often: who had seen what is asked as of now. */
  async catchUp(): Promise<void> {
    const { seq } = await this.head();
    if (seq >= this.#trees.length) await this.treeAt(seq);
    await this.#outcomes.catchUp((at) => this.#commits[at - 1]);
  }

  /**
   * I4: a content leaves the workspace only when a user took it away. Where the workspace says that the later edit wins, the earlier
   * one stays in history and leaves the tree, also if it was a file moved over the one that was edited: its own deletion follows. Where
   * edits are merged, what is in the merge has not left.
   */
  async #checkLeaving(seq: number, before: readonly (Uint8Array | undefined)[], after: Tree): Promise<void> {
    this.#tally.check('I4');
    const files = filesOf(after);
    const there = new Set(files.map((bytes) => this.#contents.digest(bytes)));
    for (const value of before) {
      const entry = value === undefined ? undefined : decodeEntry(value);
      if (entry?.kind !== 'file') continue;
      const bytes = await this.#rebuild(entry);
      const isReplaced = this.#isFile(entry.nodeId);
      if (isReplaced) this.#replaced.add(entry.content);
      if (there.has(this.#contents.digest(bytes)) || this.#contents.mayLeave(bytes)) continue;
      if (this.#contents.isMergedInto(bytes, files) || this.#isOnItsWay(bytes)) continue;
      const label = this.#contents.labelOf(bytes);
      if (!this.#latestWins || !this.#replaced.has(entry.content)) {
        throw new Broken('I4', `${label} left the workspace with commit ${seq}, and nobody took it away`);
      }
      this.#contents.noteRemoved(bytes, `a later edit won in commit ${seq}`);
    }
  }

  #isFile(nodeId: NodeId): boolean {
    for (const { entry } of this.#byKey.values()) if (entry.nodeId === nodeId) return entry.kind === 'file';
    return false;
  }

  async #toTree(seq: number): Promise<Tree> {
    const byParent = Map.groupBy(this.#byKey.values(), ({ parentId }) => parentId);
    const tree = new Map<string, Item>();
    const seen = new Set<NodeId>();
    const queue: { readonly id: NodeId; readonly path: string }[] = [{ id: rootNodeId, path: '' }];
    for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
      for (const { name, entry } of byParent.get(folder.id) ?? []) {
        if (seen.has(entry.nodeId)) throw new Broken('I18', `a node is at two places after ${seq}`);
        seen.add(entry.nodeId);
        const path = folder.path === '' ? name : `${folder.path}/${name}`;
        tree.set(path, await this.#toItem(entry));
        if (entry.kind === 'folder') queue.push({ id: entry.nodeId, path });
      }
    }
    if (seen.size !== this.#byKey.size) throw new Broken('I18', `a node has no folder after ${seq}`);
    return tree;
  }

  async #toItem(entry: Entry): Promise<Item> {
    if (entry.kind === 'folder') return { kind: 'folder' };
    if (entry.kind === 'symlink') return { kind: 'symlink', target: entry.target };
    return { kind: 'file', bytes: await this.#rebuild(entry), mode: entry.mode };
  }

  /** I1, I9: the bytes of a committed file, from what storage has, each chunk verified. */
  async #rebuild({ content, size }: FileEntry): Promise<Uint8Array> {
    let bytes = this.#rebuilt.get(content);
    if (bytes === undefined) {
      this.#tally.check('I1');
      this.#tally.check('I9');
      bytes = size === 0 ? emptyBytes : await this.#join(content, size);
      this.#rebuilt.set(content, bytes);
      this.#kept.add(this.#contents.digest(bytes));
    }
    if (bytes.length !== size) throw new Broken('I1', 'a committed file has another size than its content');
    return bytes;
  }

  async #join(content: Digest, size: number): Promise<Uint8Array> {
    const { hashes, lengths } = await this.#chunksOf(content, size);
    const places = await this.#metadata.chunks.lookUp(this.workspaceId, hashes);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const [i, place] of places.entries()) {
      if (place === undefined) throw new Broken('I9', 'a chunk of a committed file was never verified');
      const range = { from: place.frameOffset, to: place.frameOffset + place.frameStored };
      const stored = await this.#blobs.get('chunks', packBlobName(this.workspaceId, place.packId), range);
      if (stored === undefined) throw new Broken('I1', 'a pack that is referred to is gone');
      try {
        const plain = decodeFrame(nodeCodecs, place.codec, stored, place.frameRaw);
        bytes.set(chunkOfFrame(plain, place.offset, place.length, columnBytesAt(hashes, i)), at);
      } catch (cause) {
        throw new Broken('I9', 'a chunk of a committed file is not what was verified', { cause });
      }
      at += lengths[i]!;
    }
    return bytes;
  }

  async #chunksOf(content: Digest, size: number): Promise<ChunkList> {
    const [stored] = await this.#metadata.objects.getObjects(this.workspaceId, 'manifest', [content]);
    if (stored === undefined) return { hashes: digestsToColumn([content]), lengths: Uint32Array.of(size) };
    const manifest = decodeManifest(stored);
    const wanted = manifest.segments.map(({ hash }) => hash);
    const segments = await this.#metadata.objects.getObjects(this.workspaceId, 'segment', wanted);
    return assembleManifest(content, manifest, (hash) => segments[wanted.indexOf(hash)]);
  }
}
