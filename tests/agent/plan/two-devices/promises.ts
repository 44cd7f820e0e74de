/** What must hold of any case once it has come to rest. */
import assert from 'node:assert/strict';
import type { Digest, NodeId } from '../../../../shared/core/ids.ts';
import type { PlacedEntry } from '../../../../client/agent/model.ts';
import { identical } from '../../../../client/agent/plan/same-entry.ts';
import type { Tree } from '../model.ts';
import type { Case } from './converge.ts';

function contentsOf(tree: ReadonlyMap<NodeId, PlacedEntry>): Set<Digest> {
  return new Set([...tree.values()].flatMap(({ entry }) => (entry.kind === 'file' ? [entry.content] : [])));
}

function isTouched(id: NodeId, before: Tree, after: Tree): boolean {
  const [was, is] = [before.get(id), after.get(id)];
  if (was === undefined || is === undefined) return was !== is;
  return !identical(was, is);
}

function shapeOf(tree: ReadonlyMap<NodeId, PlacedEntry>): string[] {
  const text = (id: NodeId, { parentId, name, entry }: PlacedEntry): string =>
    `${id} in ${parentId} as ${name}: ${entry.kind === 'file' ? entry.content : entry.kind}`;
  return [...tree].map(([id, node]) => text(id, node)).sort();
}

function isAsIn(tree: Tree, before: Tree): boolean {
  return [...new Set([...tree.keys(), ...before.keys()])].every((id) => !isTouched(id, before, tree));
}

/**
 * - Where only one did anything, all of it is done.
 * - What a user wrote is there (with `copy`, and where only one wrote): the other cannot have seen it.
 * - What neither touched is there, as it was.
 * - A file that one deleted and the other left alone is gone; a file that one deleted and the other edited or moved is there.
 */
export function checkPromises({ tree, mine, theirs, policy }: Case, end: ReadonlyMap<NodeId, PlacedEntry>): void {
  if (isAsIn(theirs, tree)) assert.deepEqual(shapeOf(end), shapeOf(mine), 'not all is done that one did');
  if (isAsIn(mine, tree)) assert.deepEqual(shapeOf(end), shapeOf(theirs), 'not all is done that the other did');
  const contents = contentsOf(end);
  if (policy === 'copy') {
    const before = contentsOf(tree);
    for (const content of [...contentsOf(mine), ...contentsOf(theirs)]) {
      assert.ok(before.has(content) || contents.has(content), 'what a user wrote is nowhere');
    }
  }
  for (const [id, { entry }] of tree) {
    const [byMe, byThem] = [isTouched(id, tree, mine), isTouched(id, tree, theirs)];
    const after = end.get(id)?.entry;
    if (!byMe && !byThem) assert.deepEqual(after, entry, 'what nobody touched is another');
    if (entry.kind !== 'file') continue;
    const deleted = !mine.has(id) || !theirs.has(id);
    const deletedByAll = (!mine.has(id) || !byMe) && (!theirs.has(id) || !byThem);
    if (deleted && deletedByAll) assert.equal(after, undefined, 'a deleted file is back');
    if (deleted && !deletedByAll) {
      const kept = (mine.get(id) ?? theirs.get(id))?.entry;
      // Where the other had put the same bytes into the same place, the two are one file.
      const isElsewhere = kept?.kind === 'file' && contents.has(kept.content);
      assert.ok(after !== undefined || isElsewhere, 'an edit or a move lost to a delete');
    }
  }
}
