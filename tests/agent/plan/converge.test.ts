/** Two devices on small trees come together and keep their promises: all cases of the smallest, random ones of larger. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import type { PlacedEntry } from '../../../client/agent/model.ts';
import { type Tree, aTree, changed, changes, entryOf, idOf } from './model.ts';
import { converge } from './two-devices/converge.ts';
import { tryCase, tryEveryCase, tryFolding } from './two-devices/every-case.ts';
import { checkPromises } from './two-devices/promises.ts';
import { treesOf } from './two-devices/small-trees.ts';

/** A sync each, one that answers it, and one that finds nothing to do. */
const roundsExpected = 3;

interface Part {
  readonly nodes: number;
  readonly mine: number;
  readonly theirs: number;
  readonly cases: number;
}

/** What fits into each run. `npm run test:planner` tries two acts on each side on all trees of up to four nodes. */
const parts: readonly Part[] = [
  { nodes: 0, mine: 2, theirs: 2, cases: 100 },
  { nodes: 1, mine: 2, theirs: 2, cases: 2_512 },
  { nodes: 2, mine: 2, theirs: 1, cases: 8_531 },
  { nodes: 2, mine: 1, theirs: 2, cases: 8_531 },
  { nodes: 3, mine: 1, theirs: 1, cases: 7_586 },
  { nodes: 4, mine: 1, theirs: 1, cases: 45_689 },
];

/** A swap of two names that differ in case only takes three acts. */
const foldingParts = [
  { nodes: 2, acts: 3, cases: 4_410 },
  { nodes: 3, acts: 2, cases: 4_848 },
];

const root = rootNodeId;

function file(n: number, parentId: NodeId, name: string, text: string): PlacedEntry {
  return { parentId, name, entry: entryOf(idOf(n), 'file', text) };
}

function folder(n: number, parentId: NodeId, name: string): PlacedEntry {
  return { parentId, name, entry: entryOf(idOf(n), 'folder', '') };
}

function treeOf(...nodes: readonly PlacedEntry[]): Tree {
  return new Map(nodes.map((node) => [node.entry.nodeId, node]));
}

describe('two devices come together, and nothing is lost', () => {
  for (const { nodes, mine, theirs, cases } of parts) {
    it(`on every tree of ${nodes} nodes, whatever is done in ${mine} acts here and ${theirs} there`, async () => {
      let tried = 0;
      for (const tree of treesOf(nodes)) {
        const result = await tryEveryCase(tree, { mine, theirs }, 'copy');
        tried += result.cases;
        assert.ok(result.rounds <= roundsExpected, `${result.rounds} rounds`);
      }
      assert.equal(tried, cases);
    });
  }

  for (const { nodes, acts, cases } of foldingParts) {
    it(`on every tree of ${nodes} nodes, where a disk that folds names follows ${acts} acts`, async () => {
      let tried = 0;
      for (const tree of treesOf(nodes)) {
        const result = await tryFolding(tree, acts);
        tried += result.cases;
        assert.ok(result.rounds <= roundsExpected, `${result.rounds} rounds`);
      }
      assert.equal(tried, cases);
    });
  }

  it('where one edits and moves a file to where the other makes the same', async () => {
    const [moved, made] = [file(1, root, 'a', 'old'), file(40, root, 'n', 'new')];
    const rounds = await tryCase({
      tree: treeOf(moved),
      mine: treeOf(file(1, root, 'n', 'new')),
      theirs: treeOf(moved, made),
      policy: 'copy',
    });
    assert.ok(rounds <= roundsExpected);
  });

  it('where a folder goes out of another, which goes into a new one of the first one’s new name', async () => {
    const rounds = await tryCase({
      tree: treeOf(folder(1, root, 'a'), folder(2, idOf(1), 'a')),
      mine: treeOf(folder(1, root, 'a'), folder(2, root, 'n')),
      theirs: treeOf(folder(40, root, 'n'), folder(1, idOf(40), 'a'), folder(2, idOf(1), 'a')),
      policy: 'copy',
    });
    assert.ok(rounds <= roundsExpected);
  });

  it('where a folder takes the name of one that is deleted, and the other puts something into that', async () => {
    const inside = file(2, idOf(1), 'a', 'deleted with its folder');
    const rounds = await tryCase({
      tree: treeOf(folder(1, root, 'a'), inside, folder(3, root, 'b')),
      mine: treeOf(folder(3, root, 'a')),
      theirs: treeOf(folder(1, root, 'a'), inside, folder(3, root, 'b'), folder(40, idOf(1), 'n')),
      policy: 'copy',
    });
    assert.ok(rounds <= roundsExpected);
  });

  it('where a folder goes into one that was below it and left it', async () => {
    const tree = treeOf(folder(1, root, 'a'), folder(2, idOf(1), 'b'), folder(3, idOf(2), 'c'));
    const mine = treeOf(folder(2, root, 'b'), folder(3, idOf(2), 'c'), folder(1, idOf(3), 'a'));
    const rounds = await tryCase({ tree, mine, theirs: tree, policy: 'copy' });
    assert.ok(rounds <= roundsExpected);
  });

  it('where a folder takes the name of one that was emptied into it and deleted', async () => {
    const inside = file(2, idOf(1), 'f', 'moved');
    const tree = treeOf(folder(1, root, 'a'), inside, folder(3, root, 'b'));
    const mine = treeOf(file(2, idOf(3), 'f', 'moved'), folder(3, root, 'a'));
    const rounds = await tryCase({ tree, mine, theirs: tree, policy: 'copy' });
    assert.ok(rounds <= roundsExpected);
  });

  it('in 100,000 random cases', async () => {
    const script = changes(20, 8);
    const otherScript = changes(40, 8);
    await fc.assert(
      fc.asyncProperty(
        aTree,
        script,
        otherScript,
        fc.constantFrom('copy', 'latest'),
        async (tree, mine, theirs, policy) => {
          const tried = { tree, mine: changed(tree, mine), theirs: changed(tree, theirs), policy };
          const end = await converge(tried);
          checkPromises(tried, end.tree);
        },
      ),
      { numRuns: 100_000 },
    );
  });
});
