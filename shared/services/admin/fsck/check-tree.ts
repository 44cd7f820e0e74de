/** The tree of the head: every node, every file's content, and the number of files and bytes that the head says stand in it. */
import { compareBytes } from '../../../core/bytes.ts';
import { isTidemarkError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/ids.ts';
import { mapNodeDigest, encodeMapNode } from '../../../core/merkle/map-node.ts';
import { isEntryKey } from '../../../core/tree/keys.ts';
import { decodeEntry } from '../../../core/tree/entry.ts';
import { type FileContent, checkFiles, fileOfEntry } from './check-content.ts';
import type { Check } from './finding.ts';
import { storedNodes, walkLeaves } from './map-faults.ts';

/** Pairs of one step, about. */
const pairsOfStep = 4_000;
/** Bytes of the files of one step, about: of each of their chunks, some hundred thousand, the place is looked up. */
const bytesOfStep = 16 * 2 ** 30;

/** Where the walk through one tree has come to, and what it has counted. */
export interface TreeProgress {
  readonly root: Digest;
  /** The last key that was seen; null before the first. */
  readonly after: Uint8Array | null;
  readonly files: number;
  readonly bytes: number;
  /** Whether every node up to here could be read. */
  readonly isWhole: boolean;
}

export async function checkTree(
  check: Check,
  from: TreeProgress,
): Promise<{ readonly progress: TreeProgress; readonly isEnd: boolean; readonly files: number }> {
  let { after, files, bytes, isWhole } = from;
  let pairs = 0;
  const contents: FileContent[] = [];
  let isEnd = true;
  for await (const leaf of walkLeaves(check, storedNodes(check), from.root, from.after)) {
    if (leaf === undefined) {
      isWhole = false;
      continue;
    }
    for (const [i, key] of leaf.keys.entries()) {
      // A root that is a leaf comes whole, wherever the walk goes on.
      if (!isEntryKey(key) || (from.after !== null && compareBytes(key, from.after) <= 0)) continue;
      try {
        const entry = decodeEntry(leaf.values[i]!);
        if (entry.kind !== 'file') continue;
        files++;
        bytes += entry.size;
        contents.push(...fileOfEntry(leaf.values[i]!));
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        check.find('missing-node', mapNodeDigest(encodeMapNode(leaf)), `it holds what is no entry: ${error.message}`);
        isWhole = false;
      }
    }
    after = leaf.keys.at(-1)?.slice() ?? after;
    pairs += leaf.keys.length;
    if (pairs >= pairsOfStep || bytes - from.bytes >= bytesOfStep) {
      isEnd = false;
      break;
    }
  }
  await checkFiles(check, contents);
  const progress = { root: from.root, after, files, bytes, isWhole };
  if (isEnd) await checkTally(check, progress);
  return { progress, isEnd, files: files - from.files };
}

/** Only while the head is still at this root, and only if it could be counted. */
async function checkTally(check: Check, { root, files, bytes, isWhole }: TreeProgress): Promise<void> {
  const head = await check.deps.metadata.journal.getHead(check.workspaceId);
  if (!isWhole || head?.root !== root || head.tally === null) return;
  if (head.tally.files === files && head.tally.bytes === bytes) return;
  const said = `${head.tally.files} files and ${head.tally.bytes} bytes`;
  check.find('tally-wrong', root, `the head says ${said}; ${files} files and ${bytes} bytes stand in the tree`);
}
