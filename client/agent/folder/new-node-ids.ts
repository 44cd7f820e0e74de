/**
 * Ids for the nodes that one scan finds: 10 random bytes that they share, and a number. So the ids are in the order of the walk, and
 * what lies side by side on the disk does so by id too: in the journal, in the pages that are planned and committed, and in the packs
 * that these become. With ids at random each page of a large tree was a sample of all of it: another device fetched each frame many
 * times over, for a file or two each.
 *
 * Two scans have the same 10 bytes by chance once in 2^40 scans of a workspace; then the nodes of the later one would count as those
 * of the earlier.
 */
import { type NodeId, bytesToNodeId, idBytes } from '../../../shared/core/ids.ts';
import type { Randomness } from '../../../shared/ports/randomness.ts';

const sharedBytes = 10;

export function createNodeIds(randomness: Randomness): () => NodeId {
  const id = new Uint8Array(idBytes);
  id.set(randomness.bytes(sharedBytes));
  let next = 0;
  return () => {
    let rest = next++;
    for (let i = idBytes - 1; i >= sharedBytes; i--) {
      id[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return bytesToNodeId(id);
  };
}
