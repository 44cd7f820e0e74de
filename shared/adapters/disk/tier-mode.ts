/**
 * The access tier of a plain file: its execute bits, which a blob has no other use for. All clear is hot, so a new blob is hot
 * and whoever asks for a blob's properties has its tier from the stat that they need anyway.
 *
 *     hot  r--r--r--    cool  r--r--r-x    cold  r--r-xr--    archive  r-xr--r--
 *
 * Changing them is atomic, leaves time and bytes alone, and `cp -p`, rsync and backups keep them. Any other pattern, as on file
 * systems that give every file the same mode, reads as hot: the tier that promises the least. Such systems, and Windows, cannot
 * keep a tier.
 */
import type { AccessTier } from '../../ports/blob-store.ts';

const executeBits: Readonly<Record<AccessTier, number>> = { hot: 0, cool: 0o001, cold: 0o010, archive: 0o100 };
const executeMask = 0o111;

export function modeToTier(mode: number): AccessTier {
  const bits = mode & executeMask;
  if (bits === executeBits.cool) return 'cool';
  if (bits === executeBits.cold) return 'cold';
  return bits === executeBits.archive ? 'archive' : 'hot';
}

/** The mode of the same file in another tier. */
export function tierToMode(mode: number, tier: AccessTier): number {
  return (mode & 0o777 & ~executeMask) | executeBits[tier];
}
