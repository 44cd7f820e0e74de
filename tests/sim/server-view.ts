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
import { packBlobName } from '../../shared/services/pack-name.ts';
import { recordToEntry } from '../../shared/services/signed-heads.ts';
import { Broken } from './broken.ts';
import type { Contents } from './contents.ts';
import type { SimulatedServer } from './server.ts';
import { type Item, type Tree, filesOf } from './tree.ts';

interface Placed {
  readonly parentId: NodeId;
  readonly name: string;
  readonly entry: Entry;
}

export class ServerView {
  readonly #metadata: MetadataStore;
  readonly #blobs: MemoryBlobStore;
  readonly #workspaceId: WorkspaceId;
  readonly #contents: Contents;
  readonly #nodes = new MemoryNodeSource();
  readonly #byKey = new Map<string, Placed>();
  readonly #requests = new Set<string>();
  readonly #rebuilt = new Map<Digest, Uint8Array>();
  /** Trees by seq. */
  readonly #trees: Tree[] = [new Map()];
  #root: Digest = emptyMapRoot;
  #chain: Digest;

  constructor(
    { metadata, blobs }: Pick<SimulatedServer, 'metadata' | 'blobs'>,
    workspaceId: WorkspaceId,
    contents: Contents,
  ) {
    this.#metadata = metadata;
    this.#blobs = blobs;
    this.#contents = contents;
    this.#workspaceId = workspaceId;
    this.#chain = firstChain(workspaceId);
  }

  /** The tree after a commit. Every commit up to it is replayed, once. */
  async treeAt(seq: number): Promise<Tree> {
    const followed = this.#trees.length - 1;
    const records = await this.#metadata.journal.list(
      this.#workspaceId,
      followed,
      Math.max(0, seq - followed),
      Number.MAX_SAFE_INTEGER,
    );
    for (const record of records) {
      const entry = await recordToEntry({ blobs: this.#blobs }, this.#workspaceId, record);
      await this.#follow(entry);
    }
    const tree = this.#trees[seq];
    if (tree === undefined) throw new Broken(`I6: the journal ends before ${seq}`);
    return tree;
  }

  async head(): Promise<{ readonly seq: number; readonly root: Digest }> {
    const head = await this.#metadata.journal.getHead(this.#workspaceId);
    if (head === undefined) throw new Broken('I6: the workspace has no head');
    return head;
  }

  /** The root after the last commit that was replayed. */
  get root(): Digest {
    return this.#root;
  }

  async #follow(entry: Awaited<ReturnType<typeof recordToEntry>>): Promise<void> {
    const seq = this.#trees.length;
    if (entry.seq !== seq) throw new Broken(`I6: the journal has ${entry.seq} where ${seq} comes next`);
    if (entry.previousRoot !== this.#root) throw new Broken(`I6: commit ${seq} does not continue the one before`);
    if (this.#requests.has(entry.requestId)) throw new Broken(`I7: the request of commit ${seq} was applied before`);
    this.#requests.add(entry.requestId);
    const keys = entry.edits.map(({ key }) => key);
    const before = await mapGetMany(this.#nodes, this.#root, keys);
    const applied = await mapApply(this.#nodes, this.#root, deriveMapEdits(entry.edits, before));
    this.#nodes.add(applied.nodes);
    if (applied.root !== entry.root) throw new Broken(`I18: replaying commit ${seq} gives another root`);
    this.#chain = nextChain(this.#chain, entry);
    if (this.#chain !== entry.chain) throw new Broken(`I6: the chain breaks at ${seq}`);
    this.#root = applied.root;
    for (const { key, value } of entry.edits) {
      if (value === null) this.#byKey.delete(bytesToHex(key));
      else this.#byKey.set(bytesToHex(key), { ...entryKeyToPlace(key), entry: decodeEntry(value) });
    }
    const tree = await this.#toTree(seq);
    this.#checkLeaving(this.#trees[seq - 1]!, tree);
    this.#trees.push(tree);
  }

  /** Replays what was committed since. To be called often: who had seen what is asked as of now. */
  async catchUp(): Promise<void> {
    const { seq } = await this.head();
    if (seq >= this.#trees.length) await this.treeAt(seq);
  }

  /** I2, I4: a content leaves the workspace only when a user took it away. */
  #checkLeaving(before: Tree, after: Tree): void {
    const there = new Set(filesOf(after).map((bytes) => this.#contents.digest(bytes)));
    for (const [path, item] of before) {
      if (item.kind !== 'file' || there.has(this.#contents.digest(item.bytes))) continue;
      if (this.#contents.mayLeave(item.bytes)) continue;
      throw new Broken(
        `I4: ${this.#contents.labelOf(item.bytes)} left the workspace from ${path}, and nobody took it away`,
      );
    }
  }

  async #toTree(seq: number): Promise<Tree> {
    const byParent = Map.groupBy(this.#byKey.values(), ({ parentId }) => parentId);
    const tree = new Map<string, Item>();
    const seen = new Set<NodeId>();
    const queue: { readonly id: NodeId; readonly path: string }[] = [{ id: rootNodeId, path: '' }];
    for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
      for (const { name, entry } of byParent.get(folder.id) ?? []) {
        if (seen.has(entry.nodeId)) throw new Broken(`I18: a node is at two places after ${seq}`);
        seen.add(entry.nodeId);
        const path = folder.path === '' ? name : `${folder.path}/${name}`;
        tree.set(path, await this.#toItem(entry));
        if (entry.kind === 'folder') queue.push({ id: entry.nodeId, path });
      }
    }
    if (seen.size !== this.#byKey.size) throw new Broken(`I18: a node has no folder after ${seq}`);
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
      bytes = size === 0 ? emptyBytes : await this.#join(content, size);
      this.#rebuilt.set(content, bytes);
    }
    if (bytes.length !== size) throw new Broken('I1: a committed file has another size than its content');
    return bytes;
  }

  async #join(content: Digest, size: number): Promise<Uint8Array> {
    const { hashes, lengths } = await this.#chunksOf(content, size);
    const places = await this.#metadata.chunks.lookUp(this.#workspaceId, hashes);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const [i, place] of places.entries()) {
      if (place === undefined) throw new Broken('I9: a chunk of a committed file was never verified');
      const range = { from: place.frameOffset, to: place.frameOffset + place.frameStored };
      const stored = await this.#blobs.get('chunks', packBlobName(this.#workspaceId, place.packId), range);
      if (stored === undefined) throw new Broken('I1: a pack that is referred to is gone');
      const plain = decodeFrame(nodeCodecs, place.codec, stored, place.frameRaw);
      bytes.set(chunkOfFrame(plain, place.offset, place.length, columnBytesAt(hashes, i)), at);
      at += lengths[i]!;
    }
    return bytes;
  }

  async #chunksOf(content: Digest, size: number): Promise<ChunkList> {
    const [stored] = await this.#metadata.objects.getObjects(this.#workspaceId, 'manifest', [content]);
    if (stored === undefined) return { hashes: digestsToColumn([content]), lengths: Uint32Array.of(size) };
    const manifest = decodeManifest(stored);
    const wanted = manifest.segments.map(({ hash }) => hash);
    const segments = await this.#metadata.objects.getObjects(this.#workspaceId, 'segment', wanted);
    return assembleManifest(content, manifest, (hash) => segments[wanted.indexOf(hash)]);
  }
}
