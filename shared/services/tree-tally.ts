/** What stands in a workspace's tree, and whether it may hold as much. */
import { TidemarkError } from '../core/errors.ts';
import type { Digest } from '../core/ids.ts';
import { mapScan } from '../core/merkle/map-read.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { entriesPrefix } from '../core/tree/keys.ts';
import { type Tally, emptyTally, entryTally } from '../core/tree/tally.ts';
import { limits } from '../core/limits.ts';
import type { Quota } from '../ports/metadata-store.ts';

/** Counts the whole tree: once, for a head that was written before tallies were kept. */
export async function countTree(nodes: NodeSource, root: Digest): Promise<Tally> {
  let { files, bytes } = emptyTally;
  for await (const [, value] of mapScan(nodes, root, { prefix: entriesPrefix })) {
    const counted = entryTally(value);
    files += counted.files;
    bytes += counted.bytes;
  }
  return { files, bytes };
}

function isOver(now: number, before: number, max: number | null): boolean {
  return max !== null && now > max && now > before;
}

/**
 * Throws `quota-exceeded` when a step makes a tree larger than it may be and larger than it was. What shrinks it, or leaves it as it
 * is, always passes, so that a workspace over its quota can be cleaned up.
 */
export function checkQuota(quota: Quota, before: Tally, now: Tally): void {
  const { filesMax } = quota;
  const bytesMax = Math.min(quota.bytesMax ?? limits.workspaceBytesMax, limits.workspaceBytesMax);
  if (!isOver(now.files, before.files, filesMax) && !isOver(now.bytes, before.bytes, bytesMax)) return;
  throw new TidemarkError('quota-exceeded', 'the workspace would hold more than it may: delete something first', {
    data: { filesMax, bytesMax, files: now.files, bytes: now.bytes },
  });
}
