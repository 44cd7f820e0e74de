/** Plans of a device that chose not to have a part of the workspace. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { plan } from '../../../client/agent/plan/plan.ts';
import { type Tree, aTree, changed, changes, execute, idOf, toPlanTrees } from './model.ts';

function isUnder(tree: Tree, id: NodeId, tops: ReadonlySet<NodeId>): boolean {
  for (let at = id; at !== rootNodeId; at = tree.get(at)?.parentId ?? rootNodeId) if (tops.has(at)) return true;
  return false;
}

it('nothing of what is not here by choice is ever told, whatever the user did around it', () => {
  const tops = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 });
  const property = fc.property(aTree, tops, changes(20, 10), changes(40, 6), (synced, numbers, mine, theirs) => {
    const excluded = new Set(numbers.map(idOf));
    const unselected = new Set([...synced.keys()].filter((id) => isUnder(synced, id, excluded)));
    const here: Tree = new Map([...synced].filter(([id]) => !unselected.has(id)));
    const local = changed(here, mine);
    // What others do to what is unselected is adopted before anything is planned: so it is as it was synced.
    const theirTree = changed(synced, theirs);
    const remote = [...unselected].every((id) => theirTree.get(id) === synced.get(id)) ? theirTree : synced;
    const ids = [...new Set([...synced.keys(), ...local.keys(), ...remote.keys()])];
    const selection = { isUnselected: (id: NodeId) => unselected.has(id), isToLeave: () => false };
    const { operations, applications, adoptions, forgotten } = plan({
      trees: { ...toPlanTrees({ synced, local, remote }), selection },
      localChanged: ids,
      remoteChanged: ids,
      held: new Set(),
      unapplied: new Set(),
      deletions: { local: 0, remote: 0, files: 0 },
      massDeletionAllowed: false,
      sha256Of: () => null,
      clockMs: 0,
      operationsMax: 10_000,
      actionsMax: 10_000,
    });
    const touched = [
      ...operations.map(({ nodeId }) => nodeId),
      ...applications.map(({ action }) => action.nodeId),
      ...adoptions,
      ...forgotten,
    ];
    assert.deepEqual(
      touched.filter((id) => unselected.has(id)),
      [],
    );
    const isFree = operations.every((each) => {
      if (each.kind === 'delete') return true;
      const holder = [...remote.values()].find(
        ({ parentId, name }) => parentId === each.parentId && name === each.name,
      );
      return holder === undefined || !unselected.has(holder.entry.nodeId);
    });
    // A name that is taken for something unselected is the server's to give: the strict model has no answer to it.
    if (!isFree || remote !== synced) return;
    const after = execute(remote, operations);
    for (const id of unselected) assert.equal(after.get(id), remote.get(id));
  });
  fc.assert(property, { numRuns: 600 });
});
