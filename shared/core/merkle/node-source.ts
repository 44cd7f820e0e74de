/** Where the Merkle map finds its nodes: memory, SQLite, Cosmos or the network. */
import type { Digest } from '../ids.ts';

export interface NodeSource {
  /**
   * The bytes of each node, in the order asked; undefined where the source has it not. Callers check every node against
   * its hash, so a source may be untrusted. Batches are asked level by level: one round trip a level, not one a node.
   */
  getNodes(hashes: readonly Digest[]): Promise<readonly (Uint8Array | undefined)[]>;
}
