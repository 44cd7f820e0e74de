/**
 * Where nodes of the Merkle map end. A key is a boundary at level L when byte L of BLAKE3(key) has its low five bits zero.
 *
 * Its rank is the number of levels, counted from 0 without a gap, at which it is a boundary: BLAKE3(key) = 20 e0 41 … has
 * rank 2. The rank is all that cutting needs: an item is on level L only if it was the last of its node on every level
 * below, that is, a boundary on all of them, or the last of the whole map. The former is a boundary at L exactly when its
 * rank is above L. The latter ends its node at every level anyway, whatever its hash says.
 */
import { blake3 } from '../hash/blake3.ts';
import { limits } from '../limits.ts';

const lowFiveBits = 0x1f;

/** 0 to mapLevelsMax. The key ends its node at every level below its rank. */
export function mapKeyRank(key: Uint8Array): number {
  const hash = blake3(key);
  let rank = 0;
  while (rank < limits.mapLevelsMax && (hash[rank]! & lowFiveBits) === 0) rank++;
  return rank;
}
