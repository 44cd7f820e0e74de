/** What every version store owes (shared/ports/version-store.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseWorkspaceId } from '../../shared/core/ids.ts';
import type { VersionRecord } from '../../shared/ports/version-store.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';
import { nodeIdOf, versionOf, workspaceA, workspaceB } from './metadata-records.ts';

const [node, other] = [nodeIdOf(1), nodeIdOf(2)];

function projectTests(make: MakeMetadataStore): void {
  test('versions come back as they were, newest first, of one node of one workspace', async (t) => {
    const { versions } = (await make(t)).store;
    assert.equal(await versions.projectedSeq(workspaceA), 0);
    assert.deepEqual(await versions.list(workspaceA, node, 100, 10), []);
    const all = [versionOf(node, 1), versionOf(other, 1), versionOf(node, 2), versionOf(node, 3)];
    assert.equal(await versions.project(workspaceA, 0, 4, all), 'projected');
    assert.equal(await versions.projectedSeq(workspaceA), 4);
    assert.deepEqual(await versions.list(workspaceA, node, 100, 10), [all[3], all[2], all[0]]);
    assert.deepEqual(await versions.list(workspaceA, other, 100, 10), [all[1]]);
    assert.deepEqual(await versions.list(workspaceB, node, 100, 10), []);
    assert.equal(await versions.projectedSeq(workspaceB), 0);
  });

  test('list gives what is below a seq, and no more than asked for', async (t) => {
    const { versions } = (await make(t)).store;
    await versions.project(
      workspaceA,
      0,
      20,
      Array.from({ length: 20 }, (_, i) => versionOf(node, i + 1)),
    );
    const seqs = async (beforeSeq: number, limit: number) =>
      (await versions.list(workspaceA, node, beforeSeq, limit)).map(({ seq }) => seq);
    assert.deepEqual(await seqs(11, 3), [10, 9, 8]);
    assert.deepEqual(await seqs(3, 10), [2, 1]);
    assert.deepEqual(await seqs(1, 10), []);
    assert.deepEqual(await seqs(Number.MAX_SAFE_INTEGER, 1), [20]);
  });

  test('the position moves from exactly where it is', async (t) => {
    const { versions } = (await make(t)).store;
    assert.equal(await versions.project(workspaceA, 1, 2, [versionOf(node, 2)]), 'changed');
    assert.equal(await versions.projectedSeq(workspaceA), 0);
    assert.equal(await versions.project(workspaceA, 0, 2, [versionOf(node, 2)]), 'projected');
    assert.equal(await versions.project(workspaceA, 0, 2, [versionOf(node, 2)]), 'changed');
    assert.equal(await versions.project(workspaceA, 2, 5, []), 'projected');
    assert.equal(await versions.projectedSeq(workspaceA), 5);
  });

  test('versions of commits that a projection does not cover are a fault, and nothing is stored', async (t) => {
    const { versions } = (await make(t)).store;
    await assert.rejects(versions.project(workspaceA, 0, 2, [versionOf(node, 3)]));
    await assert.rejects(versions.project(workspaceA, 0, 2, [versionOf(node, 0)]));
    await assert.rejects(versions.project(workspaceA, 2, 1, []));
    assert.equal(await versions.projectedSeq(workspaceA), 0);
    assert.deepEqual(await versions.list(workspaceA, node, 100, 10), []);
  });

  test('of racing projections of one step exactly one moves the position, and each version is there once', async (t) => {
    const { versions } = (await make(t)).store;
    const step = [versionOf(node, 1), versionOf(other, 1), versionOf(node, 2)];
    const results = await Promise.all(Array.from({ length: 6 }, () => versions.project(workspaceA, 0, 2, step)));
    assert.equal(results.filter((result) => result === 'projected').length, 1);
    assert.equal(await versions.projectedSeq(workspaceA), 2);
    assert.deepEqual(await versions.list(workspaceA, node, 100, 10), [step[2], step[0]]);
  });

  test('a projection of many versions is stored whole', async (t) => {
    const { versions } = (await make(t)).store;
    const step = Array.from({ length: 1_000 }, (_, i) => versionOf(nodeIdOf(i), 1 + (i % 5)));
    assert.equal(await versions.project(workspaceA, 0, 5, step), 'projected');
    for (const i of [0, 499, 999]) {
      assert.deepEqual(await versions.list(workspaceA, nodeIdOf(i), 100, 10), [step[i]]);
    }
  });
}

function sharingTests(make: MakeMetadataStore): void {
  test('bytes are not shared with the store', async (t) => {
    const { versions } = (await make(t)).store;
    const given = versionOf(node, 1);
    await versions.project(workspaceA, 0, 1, [given]);
    given.entry?.fill(0);
    (await versions.list(workspaceA, node, 2, 1))[0]?.entry?.fill(1);
    assert.deepEqual(await versions.list(workspaceA, node, 2, 1), [versionOf(node, 1)]);
  });

  test('a second instance sees versions and the position', async (t) => {
    const { store, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    await store.versions.project(workspaceA, 0, 3, [versionOf(node, 1)]);
    const second = (await reopen()).versions;
    assert.equal(await second.projectedSeq(workspaceA), 3);
    assert.deepEqual(await second.list(workspaceA, node, 100, 10), [versionOf(node, 1)]);
  });
}

/** Nodes that each commit changed; a step projects some commits at once. */
const history = fc.array(
  fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }), { minLength: 1, maxLength: 4 }),
  { maxLength: 6 },
);

export function versionStoreContract(make: MakeMetadataStore): void {
  projectTests(make);
  sharingTests(make);

  test('whatever the steps, done once or repeated, each node has the versions that the commits left', async (t) => {
    const { versions } = (await make(t)).store;
    let round = 0;
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const workspaceId = parseWorkspaceId((round += 1).toString(16).padStart(32, '0'));
        const expected: VersionRecord[] = [];
        let seq = 0;
        for (const step of steps) {
          const fromSeq = seq;
          const added = step.flatMap((nodes) => {
            seq += 1;
            return nodes.map((n) => versionOf(nodeIdOf(n), seq));
          });
          assert.equal(await versions.project(workspaceId, fromSeq, seq, added), 'projected');
          assert.equal(await versions.project(workspaceId, fromSeq, seq, added), 'changed');
          expected.unshift(...added.toReversed());
        }
        assert.equal(await versions.projectedSeq(workspaceId), seq);
        for (const n of [1, 2, 3, 4]) {
          const ofNode = expected.filter(({ nodeId }) => nodeId === nodeIdOf(n));
          assert.deepEqual(await versions.list(workspaceId, nodeIdOf(n), seq + 1, 100), ofNode);
        }
      }),
      { numRuns: 30 },
    );
  });
}
