/** Where the Merkle map finds its nodes: memory, SQLite, Cosmos or the network. */
import type { Digest } from '../ids.ts';
import type { MapNode } from './map-node.ts';

export interface NodeSource {
  /**
   * The bytes of each node, in the order asked; undefined where the source has it not. Callers check every node against
   * its hash, so a source may be untrusted. Batches are asked level by level: one round trip a level, not one a node.
   */
  getNodes(hashes: readonly Digest[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * Nodes of this source whose bytes were found to have the hash, decoded: kept by whoever checked them, so that a batch that reads
   * nodes, decides, and reads them again to change them checks each once. Absent where memory is dearer than time.
   */
  readonly checked?: Map<Digest, MapNode>;
}
