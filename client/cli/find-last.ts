/** What is at a path, or was there last before it was deleted or moved away. */
import { TidemarkError } from '../../shared/core/errors.ts';
import type { History, TreePoint } from '../agent/history/history.ts';
import { type FoundNode, findAtPath } from '../agent/history/tree-paths.ts';
import { searchedMax } from './log.ts';
import { pathToText } from './open-history.ts';

export interface LastFound {
  readonly node: FoundNode;
  /** The newest point at which it was there: the head, or the commit before it went. */
  readonly at: TreePoint;
  /** Whether it is there now. */
  readonly stands: boolean;
}

const atOnce = 50;

/**
 * Looks back as far as `searchedMax` commits. Going back, a path comes to be there at a commit that took something away; only the trees before
 * such commits are looked at.
 * @throws TidemarkError `not-found` when nothing was there in all of them
 */
export async function findLast(history: History, head: TreePoint, path: string): Promise<LastFound> {
  const standing = await findAtPath(history.nodes, head.root, path);
  if (standing !== undefined) return { node: standing, at: head, stands: true };
  let searched = 0;
  for await (const { seq, previousRoot, edits } of history.backwards(head.seq, atOnce)) {
    if (edits.some(({ value }) => value === null)) {
      const node = await findAtPath(history.nodes, previousRoot, path);
      if (node !== undefined) return { node, at: { seq: seq - 1, root: previousRoot, timeMs: null }, stands: false };
    }
    if (++searched >= searchedMax) break;
  }
  const where = searched < searchedMax ? 'never' : `not in the last ${searchedMax} commits; say with --at when it was`;
  throw new TidemarkError('not-found', `there is nothing at ${pathToText(path)}, and was ${where}`);
}
