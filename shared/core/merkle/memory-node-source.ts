/** Node sources in memory, and one source laid over another. */
import type { Digest } from '../ids.ts';
import type { NodeSource } from './node-source.ts';

/** Keeps nodes as given. Readers of the map check them, so adding does not. */
export class MemoryNodeSource implements NodeSource {
  readonly #nodes = new Map<Digest, Uint8Array>();

  constructor(nodes: ReadonlyMap<Digest, Uint8Array> = new Map()) {
    this.add(nodes);
  }

  get size(): number {
    return this.#nodes.size;
  }

  add(nodes: ReadonlyMap<Digest, Uint8Array>): void {
    for (const [hash, bytes] of nodes) this.#nodes.set(hash, bytes);
  }

  has(hash: Digest): boolean {
    return this.#nodes.has(hash);
  }

  getNodes(hashes: readonly Digest[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.resolve(hashes.map((hash) => this.#nodes.get(hash)));
  }
}

/**
 * One source over another: nodes that the upper has not are asked of the lower, in one call. For edits on edits that are
 * not stored yet, and for caches.
 */
export class OverlayNodeSource implements NodeSource {
  readonly #upper: NodeSource;
  readonly #lower: NodeSource;

  constructor(upper: NodeSource, lower: NodeSource) {
    this.#upper = upper;
    this.#lower = lower;
  }

  async getNodes(hashes: readonly Digest[]): Promise<readonly (Uint8Array | undefined)[]> {
    const found = await this.#upper.getNodes(hashes);
    const missing = hashes.filter((_, i) => found[i] === undefined);
    if (missing.length === 0) return found;
    const fetched = await this.#lower.getNodes(missing);
    let next = 0;
    return hashes.map((_, i) => found[i] ?? fetched[next++]);
  }
}
