/**
 * The workspace's tree as a batch of operations sees it: the Merkle map of one root, under edits that are not applied yet.
 *
 * What is read is kept, so each key is read once; `prefetch` reads many keys in one descent of the map, which is why a commit
 * of 10,000 operations asks the store a few times for each level and not for each operation. The edits come out as
 * differences from the map: what a batch did and undid leaves none.
 */
import { compareBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { type Digest, type NodeId, rootNodeId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { mapGetMany, mapScan } from '../core/merkle/map-read.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { type Entry, decodeEntry, encodeEntry } from '../core/tree/entry.ts';
import {
  type Place,
  entryKey,
  entryKeyToPlace,
  folderPrefix,
  placeKey,
  placeValueToPlace,
  samePlace,
} from '../core/tree/keys.ts';
import type { TreeEdit } from '../core/wire/journal-entry.ts';

/** A node where it stands. */
export interface StandingNode {
  readonly place: Place;
  readonly entry: Entry;
}

export interface PendingEdits {
  /** Ascending by key. */
  readonly edits: readonly TreeEdit[];
  /** `before[i]` is the value of `edits[i].key` in the map that the view is of. */
  readonly before: readonly (Uint8Array | undefined)[];
}

export interface WantedKeys {
  readonly places?: Iterable<Place>;
  readonly nodes?: Iterable<NodeId>;
  /** Folders whose first child will be asked for. */
  readonly folders?: Iterable<NodeId>;
}

export interface FolderDepth {
  readonly folders: number;
  /** A slash after each name. */
  readonly pathBytes: number;
}

interface LoadedEntry {
  readonly bytes: Uint8Array;
  readonly entry: Entry;
}

/** Names hold no slash, and a parent id has one length, so this is one text for one place. */
function placeText(place: Place): string {
  return `${place.parentId}/${place.name}`;
}

/** What the rules of merging need of a view. */
export type MergeTree = Pick<TreeView, keyof TreeView>;

export class TreeView {
  readonly #source: NodeSource;
  readonly #root: Digest;
  /** What the map holds, as far as it was asked; undefined where it holds nothing. */
  readonly #loaded = new Map<string, LoadedEntry | undefined>();
  readonly #loadedPlaces = new Map<NodeId, Place | undefined>();
  /** What the batch changed; undefined where it took something away. */
  readonly #changed = new Map<string, { readonly place: Place; readonly entry: Entry | undefined }>();
  readonly #changedPlaces = new Map<NodeId, Place | undefined>();
  /** For each folder, how many of the changed entries in it stand. */
  readonly #standingIn = new Map<NodeId, number>();
  /** Kept until a folder moves or goes, since that changes the depth of all below it. */
  readonly #depths = new Map<NodeId, FolderDepth>();
  /** For each folder, the key up to which no child of the map is left: a scan goes on from here. */
  readonly #emptyUpTo = new Map<NodeId, Uint8Array>();

  constructor(source: NodeSource, root: Digest) {
    this.#source = source;
    this.#root = root;
  }

  /** Reads what is not known yet of these keys, with one call of the source for each level of the map. */
  async prefetch(wanted: WantedKeys): Promise<void> {
    const keys = new Map<string, { readonly key: Uint8Array; take: (value: Uint8Array | undefined) => void }>();
    for (const place of wanted.places ?? []) {
      const text = placeText(place);
      if (this.#loaded.has(text) || keys.has(text)) continue;
      const take = (bytes: Uint8Array | undefined) =>
        this.#loaded.set(text, bytes === undefined ? undefined : { bytes, entry: decodeEntry(bytes) });
      keys.set(text, { key: entryKey(place), take });
    }
    for (const nodeId of wanted.nodes ?? []) {
      if (this.#loadedPlaces.has(nodeId) || nodeId === rootNodeId) continue;
      const take = (bytes: Uint8Array | undefined) =>
        this.#loadedPlaces.set(nodeId, bytes === undefined ? undefined : placeValueToPlace(bytes));
      keys.set(nodeId, { key: placeKey(nodeId), take });
    }
    // No entry has a folder's bare prefix as its key, but looking it up loads the nodes where the folder's children begin.
    for (const folderId of wanted.folders ?? []) {
      keys.set(`${folderId}/`, { key: folderPrefix(folderId), take: () => undefined });
    }
    const sorted = [...keys.values()].sort((a, b) => compareBytes(a.key, b.key));
    const values = await mapGetMany(
      this.#source,
      this.#root,
      sorted.map(({ key }) => key),
    );
    for (const [i, { take }] of sorted.entries()) take(values[i]);
  }

  async #load(place: Place): Promise<LoadedEntry | undefined> {
    const text = placeText(place);
    if (!this.#loaded.has(text)) await this.prefetch({ places: [place] });
    return this.#loaded.get(text);
  }

  /** What stands at a place now. */
  async get(place: Place): Promise<Entry | undefined> {
    const changed = this.#changed.get(placeText(place));
    return changed === undefined ? (await this.#load(place))?.entry : changed.entry;
  }

  /** Where a node stands now; undefined when it is not in the tree, and for the root. */
  async locate(nodeId: NodeId): Promise<Place | undefined> {
    if (this.#changedPlaces.has(nodeId)) return this.#changedPlaces.get(nodeId);
    if (!this.#loadedPlaces.has(nodeId)) await this.prefetch({ nodes: [nodeId] });
    return this.#loadedPlaces.get(nodeId);
  }

  /** A node with its place now. */
  async find(nodeId: NodeId): Promise<StandingNode | undefined> {
    const place = await this.locate(nodeId);
    const entry = place === undefined ? undefined : await this.get(place);
    return place === undefined || entry === undefined ? undefined : { place, entry };
  }

  /** What stands at a place in the map, before the batch. */
  async getBefore(place: Place): Promise<Entry | undefined> {
    return (await this.#load(place))?.entry;
  }

  /** The node with its place in the map, before the batch; undefined when the batch made it, or brought it back. */
  async findBefore(nodeId: NodeId): Promise<StandingNode | undefined> {
    if (!this.#loadedPlaces.has(nodeId)) await this.prefetch({ nodes: [nodeId] });
    const place = this.#loadedPlaces.get(nodeId);
    const entry = place === undefined ? undefined : await this.getBefore(place);
    return place === undefined || entry === undefined ? undefined : { place, entry };
  }

  /** Its entry, as `findBefore` has it. */
  async entryBefore(nodeId: NodeId): Promise<Entry | undefined> {
    return (await this.findBefore(nodeId))?.entry;
  }

  /** Puts a node at a free place, or a new entry for the node that stands there; the node leaves the place where it was. */
  async put(place: Place, entry: Entry): Promise<void> {
    const from = await this.locate(entry.nodeId);
    if (from !== undefined && !samePlace(from, place)) {
      await this.#change(from, undefined);
      if (entry.kind === 'folder') this.#depths.clear();
    }
    await this.#change(place, entry);
    this.#changedPlaces.set(entry.nodeId, place);
  }

  /** Takes a node out of the tree. Nothing when it is not there. */
  async remove(nodeId: NodeId): Promise<void> {
    const place = await this.locate(nodeId);
    if (place === undefined) return;
    await this.#change(place, undefined);
    this.#changedPlaces.set(nodeId, undefined);
    this.#depths.delete(nodeId);
  }

  async #change(place: Place, entry: Entry | undefined): Promise<void> {
    await this.#load(place);
    const text = placeText(place);
    const stood = this.#changed.get(text)?.entry !== undefined ? 1 : 0;
    const stands = entry !== undefined ? 1 : 0;
    this.#standingIn.set(place.parentId, (this.#standingIn.get(place.parentId) ?? 0) + stands - stood);
    this.#changed.set(text, { place, entry });
  }

  /**
   * How deep a folder lies: itself and those above it, and the UTF-8 bytes of its path. Undefined when it is deeper than
   * `treeDepthMax`, or it or one above it is nowhere.
   */
  async depthOf(folderId: NodeId): Promise<FolderDepth | undefined> {
    /** From the folder up to the first whose depth is known. */
    const line: { readonly nodeId: NodeId; readonly name: string }[] = [];
    let known = this.#depths.get(folderId);
    for (let nodeId = folderId; known === undefined && nodeId !== rootNodeId; known = this.#depths.get(nodeId)) {
      const place = await this.locate(nodeId);
      if (place === undefined || line.length === limits.treeDepthMax) return undefined;
      line.push({ nodeId, name: place.name });
      nodeId = place.parentId;
    }
    let depth = known ?? { folders: 0, pathBytes: 0 };
    for (const { nodeId, name } of line.reverse()) {
      depth = { folders: depth.folders + 1, pathBytes: depth.pathBytes + utf8(name).length + 1 };
      this.#depths.set(nodeId, depth);
    }
    return depth.folders > limits.treeDepthMax ? undefined : depth;
  }

  /** Whether a folder that stands at most `treeDepthMax` deep is another one or below it. */
  async isWithin(folderId: NodeId, other: NodeId): Promise<boolean> {
    for (let nodeId: NodeId | undefined = folderId; nodeId !== undefined;) {
      if (nodeId === other) return true;
      nodeId = (await this.locate(nodeId))?.parentId;
    }
    return false;
  }

  /** Whether anything stands in a folder now. */
  async hasChildren(folderId: NodeId): Promise<boolean> {
    if ((this.#standingIn.get(folderId) ?? 0) > 0) return true;
    const after = this.#emptyUpTo.get(folderId);
    const options = { prefix: folderPrefix(folderId), ...(after === undefined ? {} : { after }) };
    for await (const [key] of mapScan(this.#source, this.#root, options)) {
      if (!this.#changed.has(placeText(entryKeyToPlace(key)))) return true;
      this.#emptyUpTo.set(folderId, key);
    }
    return false;
  }

  /** What the batch changed, against the map. */
  pendingEdits(): PendingEdits {
    const edits: { key: Uint8Array; value: Uint8Array | null; before: Uint8Array | undefined }[] = [];
    for (const [text, { place, entry }] of this.#changed) {
      const before = this.#loaded.get(text)?.bytes;
      const value = entry === undefined ? null : encodeEntry(entry);
      const same = value === null ? before === undefined : before !== undefined && equalBytes(before, value);
      if (!same) edits.push({ key: entryKey(place), value, before });
    }
    edits.sort((a, b) => compareBytes(a.key, b.key));
    return {
      edits: edits.map(({ key, value }) => ({ key, value })),
      before: edits.map(({ before }) => before),
    };
  }
}
