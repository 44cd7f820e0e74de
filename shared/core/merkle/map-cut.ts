/** Cutting one level of the Merkle map into nodes: the writing half of the format in map-node.ts. */
import { mapNodeHash } from '../hash/blake3.ts';
import { type Digest, bytesToDigest } from '../ids.ts';
import { encodeMapNode } from './map-node.ts';

/** What a finished node is on the level above. */
export interface CutItem {
  readonly key: Uint8Array;
  /** Its hash. */
  readonly value: Uint8Array;
}

/** Takes a level's items in key order and cuts them into nodes; bytes go to `nodes` unless the hash was read before. */
export class LevelCutter {
  readonly #level: number;
  readonly #nodes: Map<Digest, Uint8Array>;
  readonly #read: ReadonlySet<Digest>;
  #keys: Uint8Array[] = [];
  #values: Uint8Array[] = [];
  #done: CutItem[] = [];

  constructor(level: number, nodes: Map<Digest, Uint8Array>, read: ReadonlySet<Digest>) {
    this.#level = level;
    this.#nodes = nodes;
    this.#read = read;
  }

  /** Whether items wait for the end of their node. */
  get isOpen(): boolean {
    return this.#keys.length > 0;
  }

  /** @param ends whether this item is the last of its node. */
  push(key: Uint8Array, value: Uint8Array, ends: boolean): void {
    this.#keys.push(key);
    this.#values.push(value);
    if (ends) this.close();
  }

  /** Ends the open node, if there is one. */
  close(): void {
    if (!this.isOpen) return;
    const bytes = encodeMapNode({ level: this.#level, keys: this.#keys, values: this.#values });
    const hash = mapNodeHash(bytes);
    const digest = bytesToDigest(hash);
    if (!this.#read.has(digest)) this.#nodes.set(digest, bytes);
    this.#done.push({ key: this.#keys.at(-1)!, value: hash });
    this.#keys = [];
    this.#values = [];
  }

  /** The nodes that ended since the last call. */
  take(): readonly CutItem[] {
    const done = this.#done;
    this.#done = [];
    return done;
  }
}
