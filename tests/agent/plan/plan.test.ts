import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { findHalts } from '../../../client/agent/plan/brake.ts';
import { isEmptyPlan } from '../../../client/agent/plan/plan.ts';
import { type Three, type Tree, aTree, carryOut, changed, changes, entryOf, execute, idOf, planOf } from './model.ts';

const script = changes(20, 8);
const otherScript = changes(40, 8);
const three = fc
  .tuple(aTree, script, otherScript)
  .map(([synced, mine, theirs]): Three => ({ synced, local: changed(synced, mine), remote: changed(synced, theirs) }));

const runs = { numRuns: 600 };

function ascending(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function isSame(a: Tree, b: Tree): boolean {
  const text = (tree: Tree): string[] => [...tree.values()].map((node) => JSON.stringify(node)).sort(ascending);
  return text(a).join() === text(b).join();
}

/** Without sizes, which these trees do not give to the files of the disk. */
function shape(tree: Tree): string[] {
  const nodes = [...tree].map(([id, { parentId, name, entry }]) => {
    return [id, parentId, name, entry.kind === 'file' ? entry.content : ''].join(' ');
  });
  return nodes.sort(ascending);
}

function changedIds(tree: Tree, synced: Tree): Set<NodeId> {
  const ids = new Set([...tree.keys(), ...synced.keys()]);
  return new Set([...ids].filter((id) => JSON.stringify(tree.get(id)) !== JSON.stringify(synced.get(id))));
}

describe('a plan', () => {
  it('lets the last file of a folder take the name of the folder, on the disk and on the server', () => {
    const [d, f] = [idOf(1), idOf(2)];
    const folder = { parentId: rootNodeId, name: 'd', entry: entryOf(d, 'folder', '') };
    const file = (parentId: NodeId, name: string) => ({ parentId, name, entry: entryOf(f, 'file', 'text') });
    const before: Tree = new Map([
      [d, folder],
      [f, file(d, 'f')],
    ]);
    const after: Tree = new Map([[f, file(rootNodeId, 'd')]]);
    const { operations } = planOf({ synced: before, local: after, remote: before });
    assert.deepEqual(shape(execute(before, operations)), shape(after));
    let disk = before;
    for (let plans = 0; plans < 2; plans++) {
      const { applications } = planOf({ synced: disk, local: disk, remote: after });
      disk = carryOut(disk, after, applications);
    }
    assert.deepEqual(shape(disk), shape(after));
  });

  it('sends what the user did to a node that the disk would not take, and the deletion that belongs to it when that has arrived', () => {
    const [u, x] = [idOf(1), idOf(2)];
    const at = (id: NodeId, name: string, text: string) => ({
      parentId: rootNodeId,
      name,
      entry: entryOf(id, 'file', text),
    });
    const synced: Tree = new Map([
      [u, at(u, 'u', 'old')],
      [x, at(x, 'x', 'moved')],
    ]);
    const local: Tree = new Map([[u, at(u, 'u', 'moved')]]);
    const remote: Tree = new Map([
      [u, at(u, 'v', 'old')],
      [x, at(x, 'x', 'moved')],
    ]);
    const kinds = (trees: Three): unknown =>
      planOf(trees, new Set([u])).operations.map(({ kind, nodeId }) => [kind, nodeId]);
    assert.deepEqual(kinds({ synced, local, remote }), [['put', u]]);
    const arrived: Tree = new Map([
      [u, at(u, 'v', 'moved')],
      [x, at(x, 'x', 'moved')],
    ]);
    const agreed: Tree = new Map(synced).set(u, at(u, 'u', 'moved'));
    assert.deepEqual(kinds({ synced: agreed, local, remote: arrived }), [['delete', x]]);
    assert.ok(isEmptyPlan(planOf({ synced, local: synced, remote }, new Set([u]))), 'and tries it no more');
  });

  it('is empty exactly when the three trees are equal', () => {
    fc.assert(
      fc.property(three, (trees) => {
        const atRest = isSame(trees.local, trees.synced) && isSame(trees.remote, trees.synced);
        assert.equal(isEmptyPlan(planOf(trees)), atRest);
      }),
      runs,
    );
  });

  it('of local changes alone is operations that bring the server to this disk, in an order that works', () => {
    fc.assert(
      fc.property(aTree, script, (synced, mine) => {
        const local = changed(synced, mine);
        const planned = planOf({ synced, local, remote: synced });
        assert.deepEqual([planned.applications, planned.forgotten, planned.conflicts], [[], [], []]);
        assert.deepEqual(shape(execute(synced, planned.operations)), shape(local));
      }),
      runs,
    );
  });

  it('of remote changes alone is actions that bring the disk there, in an order that works, in few steps', () => {
    fc.assert(
      fc.property(aTree, otherScript, (synced, theirs) => {
        const remote = changed(synced, theirs);
        let local = synced;
        for (let pass = 0; !isSame(local, remote); pass++) {
          assert.ok(pass < 4, 'a node needs a step aside, a move and a write at most');
          const planned = planOf({ synced: local, local, remote });
          assert.deepEqual(planned.operations, []);
          local = carryOut(local, remote, planned.applications);
        }
      }),
      runs,
    );
  });

  it('of changes on both sides deletes nothing that the other side changed', () => {
    fc.assert(
      fc.property(three, (trees) => {
        const planned = planOf(trees);
        const mine = changedIds(trees.local, trees.synced);
        const theirs = changedIds(trees.remote, trees.synced);
        for (const operation of planned.operations) {
          if (operation.kind === 'delete') assert.ok(!theirs.has(operation.nodeId));
        }
        for (const { action, place } of planned.applications) {
          if (place === null) assert.ok(!mine.has(action.nodeId));
        }
        carryOut(trees.local, trees.remote, planned.applications);
      }),
      runs,
    );
  });

  it('never asks for a deletion of what was never synced', () => {
    fc.assert(
      fc.property(aTree, aTree, (local, remote) => {
        const planned = planOf({ synced: new Map(), local, remote: changed(remote, []) });
        assert.ok(planned.operations.every(({ kind }) => kind !== 'delete'));
        assert.ok(planned.applications.every(({ place }) => place !== null));
      }),
      runs,
    );
  });
});

describe('every pair of what can happen to one file', () => {
  const id = idOf(1);
  const at = (name: string, text: string): Tree =>
    new Map([[id, { parentId: rootNodeId, name, entry: entryOf(id, 'file', text) }]]);
  const synced = at('f', 'base');
  const states: Readonly<Record<string, Tree>> = {
    same: synced,
    edited: at('f', 'one'),
    'edited otherwise': at('f', 'two'),
    moved: at('g', 'base'),
    'moved otherwise': at('h', 'base'),
    'edited and moved': at('g', 'one'),
    gone: new Map(),
  };
  /** Operations, actions, adoptions, forgotten; in the order local, remote. */
  const expected: Readonly<Record<string, string>> = {
    'same, edited': 'write-file',
    'same, moved': 'move',
    'same, edited and moved': 'move',
    'same, gone': 'remove-file',
    'edited, same': 'put',
    'edited, edited': 'adopt',
    'edited, edited otherwise': 'put',
    'edited, moved': 'put',
    'edited, gone': 'put',
    'moved, same': 'move',
    'moved, moved': 'adopt',
    'moved, moved otherwise': 'move',
    'moved, edited': 'move',
    'moved, edited and moved': 'write-file',
    'moved, gone': 'put',
    'edited and moved, same': 'move put',
    'edited and moved, edited and moved': 'adopt',
    'edited and moved, gone': 'put',
    'edited and moved, edited': 'move',
    'edited and moved, moved': 'put',
    'gone, same': 'delete',
    'gone, edited': 'forget',
    'gone, moved': 'forget',
    'gone, gone': 'adopt',
  };
  for (const [pair, outcome] of Object.entries(expected)) {
    it(`${pair}: ${outcome}`, () => {
      const [mine = '', theirs = ''] = pair.split(', ');
      const planned = planOf({ synced, local: states[mine]!, remote: states[theirs]! });
      const done = [
        ...planned.operations.map(({ kind }) => kind),
        ...planned.applications.map(({ action }) => action.kind),
        ...planned.adoptions.map(() => 'adopt'),
        ...planned.forgotten.map(() => 'forget'),
      ];
      assert.equal(done.join(' '), outcome);
    });
  }
});

describe('the brake', () => {
  const sides = (local: number, remote: number, files: number): string[] =>
    findHalts({ local, remote, files }).map(({ side }) => side);

  it('holds over half of at least ten files, and over a thousand of any', () => {
    assert.deepEqual(sides(5, 5, 10), []);
    assert.deepEqual(sides(6, 0, 10), ['local']);
    assert.deepEqual(sides(0, 6, 11), ['remote']);
    assert.deepEqual(sides(9, 9, 9), []);
    assert.deepEqual(sides(1_000, 1_000, 100_000), []);
    assert.deepEqual(sides(1_001, 1_001, 100_000), ['local', 'remote']);
  });
});
