/**
 * Restore, on random histories. Whatever happened:
 *
 *   - everything restored to a point lists as it did then, a restore of that restore as before it
 *   - a folder restored lists as it did then, at its place; a file holds what it held then
 *   - nothing is touched that was not in the restored folder then, nor is in anything of that now, but for folders that come
 *     back above it
 *   - cut into small commits, it ends, at the same
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { type NodeId, bytesToRequestId, rootNodeId } from '../../shared/core/ids.ts';
import { emptyMapRoot } from '../../shared/core/merkle/map-node.ts';
import { sameContent } from '../../shared/core/tree/entry.ts';
import type { RestoreRequest, RestoreResponse } from '../../shared/core/wire/restore.ts';
import { restore } from '../../shared/services/restore.ts';
import { planRestore } from '../../shared/services/plan-restore.ts';
import { workspaceNodes } from '../../shared/services/workspace-nodes.ts';
import { must } from '../api/world/calls.ts';
import {
  type TestDevice,
  deleteOperation,
  idBytesOf,
  inRoot,
  mkdirOperation,
  moveOperation,
  nodeOf,
  putOperation,
} from '../api/world/test-device.ts';
import { people, userOf } from '../api/world/test-world.ts';
import { HistoryWorld, type Nodes, type Step, isWithin, listing, moving, step } from './random-history.ts';

const caller = { userId: userOf('ann'), scopes: new Set(people.ann) };
const nothing = { seq: null, timeMs: null, nodeId: null, path: null };
let requests = 0;

function sendRestore(history: HistoryWorld, request: Partial<RestoreRequest>, key?: string): Promise<RestoreResponse> {
  const { workspaceId, deviceId } = history.device;
  const requestId = bytesToRequestId(idBytesOf(key ?? `restore ${requests++}`));
  const whole = { ...nothing, deviceId, ...request };
  return restore(history.world.deps, { caller, workspaceId, requestId, request: whole });
}

/** Until nothing is left to do. */
async function restoreAll(history: HistoryWorld, request: Partial<RestoreRequest>): Promise<RestoreResponse> {
  for (let rounds = 0; rounds < 10; rounds++) {
    const answer = await sendRestore(history, request);
    if (!answer.more) return answer;
  }
  throw new Error('a restore does not end');
}

async function historyOf(steps: readonly Step[]): Promise<HistoryWorld> {
  const history = await HistoryWorld.open();
  if (steps.length > 0) await plantFolders(history.device);
  for (const next of steps) await history.commit(next);
  return history;
}

/** a/b/c/f and d/g, so that random moves have folders to go into. */
async function plantFolders(device: TestDevice): Promise<void> {
  await device.commit(
    mkdirOperation('n0', 'a'),
    mkdirOperation('n1', 'b', nodeOf('n0')),
    mkdirOperation('n2', 'c', nodeOf('n1')),
    mkdirOperation('n3', 'd'),
    putOperation({ node: 'n4', name: 'f', text: '', in: nodeOf('n2') }),
    putOperation({ node: 'n5', name: 'g', text: '', in: nodeOf('n3') }),
  );
}

const histories = fc.record({
  steps: fc.array(step, { minLength: 2, maxLength: 25 }),
  point: fc.nat(1_000),
  node: fc.nat(11),
});

describe('everything restored', () => {
  it('lists as it did then, and the restore can be restored', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ({ steps, point }) => {
        const history = await historyOf(steps);
        const roots = await history.roots();
        if (roots.length === 0) return;
        const seq = point % roots.length;
        const before = roots.length - 1;
        const was = listing(await history.nodes(roots[seq]!));
        const now = listing(await history.nodes(roots[before]!));
        const answer = await restoreAll(history, { seq });
        assert.deepEqual(listing(await history.nodes((await history.head()).root)), was);
        assert.equal(answer.refused, 0);
        await restoreAll(history, { seq: before });
        assert.deepEqual(listing(await history.nodes((await history.head()).root)), now);
        const again = await sendRestore(history, { seq: before });
        assert.deepEqual([again.restored, again.moved, again.deleted], [0, 0, 0]);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps every node its id', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ({ steps, point }) => {
        const history = await historyOf(steps);
        const roots = await history.roots();
        if (roots.length === 0) return;
        const seq = point % roots.length;
        await restoreAll(history, { seq });
        const [was, now] = [await history.nodes(roots[seq]!), await history.nodes((await history.head()).root)];
        assert.deepEqual(new Set(now.keys()), new Set(was.keys()));
        for (const [nodeId, { place, entry }] of was) {
          assert.deepEqual(now.get(nodeId)?.place, place);
          assert.ok(sameContent(now.get(nodeId)!.entry, entry));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('in commits of three operations ends at the same', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ({ steps, point }) => {
        const history = await historyOf(steps);
        const roots = await history.roots();
        if (roots.length === 0) return;
        const seq = point % roots.length;
        const { deps } = history.world;
        const { workspaceId, deviceId } = history.device;
        for (let rounds = 0, more = true; more; rounds++) {
          assert.ok(rounds < 200, 'it ends');
          const head = await history.head();
          const plan = await planRestore({
            source: workspaceNodes(deps, workspaceId),
            thenRoot: roots[seq]!,
            nowRoot: head.root,
            headSeq: head.seq,
            target: null,
            deviceId,
            clockMs: 0,
            operationsMax: 3,
          });
          assert.ok(plan.operations.length <= 3);
          await must(history.device.send(history.device.request(plan.operations)));
          more = plan.more;
        }
        const was = listing(await history.nodes(roots[seq]!));
        assert.deepEqual(listing(await history.nodes((await history.head()).root)), was);
      }),
      { numRuns: 60 },
    );
  });
});

const nodeHistories = fc.record({
  steps: fc.array(moving, { minLength: 2, maxLength: 12 }),
  point: fc.nat(1_000),
  node: fc.constantFrom(0, 1, 2, 3, 0, 1, 2, 3, 4, 6),
});

describe('one node restored', () => {
  it('is as it was, at its place; all else is untouched', async () => {
    await fc.assert(
      fc.asyncProperty(nodeHistories, async ({ steps, point, node }) => {
        const history = await historyOf(steps);
        const roots = await history.roots();
        if (roots.length === 0) return;
        const seq = point % roots.length;
        const target = nodeOf(`n${node}`);
        const [was, before] = [await history.nodes(roots[seq]!), await history.nodes(roots.at(-1)!)];
        if (!was.has(target)) return assert.rejects(sendRestore(history, { seq, nodeId: target }), isNotFound);
        const answer = await restoreAll(history, { seq, nodeId: target });
        const after = await history.nodes((await history.head()).root);
        assert.equal(answer.refused, 0);
        assert.ok(sameContent(after.get(target)!.entry, was.get(target)!.entry));
        assert.deepEqual(listing(after, target), listing(was, target));
        checkUntouched({ was, before, after }, target);
      }),
      { numRuns: 250 },
    );
  });
});

interface Trees {
  readonly was: Nodes;
  readonly before: Nodes;
  readonly after: Nodes;
}

function checkUntouched({ was, before, after }: Trees, target: NodeId): void {
  const held = [...was.keys()].filter((nodeId) => isWithin(was, nodeId, target));
  const inScope = (nodeId: NodeId) =>
    held.includes(nodeId) || held.some((folderId) => isWithin(before, nodeId, folderId));
  for (const [nodeId, node] of before) if (!inScope(nodeId)) assert.deepEqual(after.get(nodeId), node);
  for (const nodeId of after.keys()) {
    if (!before.has(nodeId))
      assert.ok(inScope(nodeId) || isWithin(after, target, nodeId), 'only folders above it come');
  }
}

const isNotFound = (error: unknown): boolean => isTidemarkError(error, 'not-found');

describe('a restore', () => {
  it('is applied once, and its key is not another request’s', async () => {
    const history = await historyOf([]);
    await history.device.commitPut({ node: 'f', name: 'f', text: 'one' });
    await history.device.commitPut({ node: 'f', name: 'f', text: 'two', base: [[history.device.deviceId, 1]] });
    const first = await sendRestore(history, { seq: 1 }, 'key');
    assert.deepEqual([first.seq, first.restored, first.more], [1, 1, false]);
    await history.device.commitPut({ node: 'g', name: 'g', text: 'three' });
    assert.deepEqual(await sendRestore(history, { seq: 1 }, 'key'), first);
    assert.ok((await history.nodes((await history.head()).root)).has(nodeOf('g')));
    await assert.rejects(sendRestore(history, { seq: 2 }, 'key'), (error) =>
      isTidemarkError(error, 'idempotency-key-reused'),
    );
  });

  it('by a time and by a path', async () => {
    const history = await historyOf([]);
    const { clock } = history.world;
    const begin = clock.ms;
    await history.device.commitPut({ node: 'f', name: 'f', text: 'one' });
    clock.ms += 10_000;
    await history.device.commitPut({ node: 'f', name: 'f', text: 'two', base: [[history.device.deviceId, 1]] });
    const answer = await sendRestore(history, { timeMs: begin + 5_000, path: '/f' });
    assert.deepEqual([answer.seq, answer.restored], [1, 1]);
    await assert.rejects(sendRestore(history, { timeMs: begin + 5_000, path: 'g' }), isNotFound);
    await assert.rejects(sendRestore(history, { timeMs: begin - 1, path: 'f' }), isNotFound);
    await assert.rejects(sendRestore(history, { seq: 99 }), isNotFound);
    await sendRestore(history, { timeMs: begin - 1 });
    assert.equal((await history.head()).root, emptyMapRoot);
  });

  it('brings back what was above a lost file, and takes another name where its own is taken', async () => {
    const history = await historyOf([]);
    const { device } = history;
    await device.commit(mkdirOperation('d', 'docs'));
    await device.commitPut({ node: 'f', name: 'f', text: 'one', in: nodeOf('d') });
    const one = [[device.deviceId, 1]] as const;
    await device.commit(deleteOperation('f', one), deleteOperation('d', one));
    await device.commitPut({ node: 'x', name: 'docs', text: 'two' });
    await sendRestore(history, { seq: 2, nodeId: nodeOf('f') });
    const names = [...listing(await history.nodes((await history.head()).root)).keys()];
    assert.deepEqual(names, [
      '/docs',
      '/docs (conflicted copy of one 2026-11-22)',
      '/docs (conflicted copy of one 2026-11-22)/f',
    ]);
  });

  it('in a consistency-first workspace is never stale', async () => {
    const history = await HistoryWorld.open({ mode: 'shared' });
    const { device } = history;
    await device.commitPut({ node: 'f', name: 'f', text: 'one' });
    await device.commitPut({ node: 'g', name: 'g', text: 'two' });
    const one = [[device.deviceId, 1]] as const;
    await device.commit(
      moveOperation('f', inRoot('f'), inRoot('h'), one),
      moveOperation('g', inRoot('g'), inRoot('f'), one),
      moveOperation('f', inRoot('h'), inRoot('g'), one),
    );
    const answer = await sendRestore(history, { seq: 2 });
    assert.deepEqual([answer.moved, answer.restored, answer.deleted], [2, 0, 0]);
    const nodes = await history.nodes((await history.head()).root);
    assert.deepEqual(nodes.get(nodeOf('f'))?.place, { parentId: rootNodeId, name: 'f' });
  });

  it('is for those who may write, with a device of theirs, and says when exactly once', async () => {
    const history = await historyOf([]);
    await history.device.commitPut({ node: 'f', name: 'f', text: 'one' });
    const { deps } = history.world;
    const { workspaceId, deviceId } = history.device;
    const requestId = bytesToRequestId(idBytesOf('r'));
    const eve = { userId: userOf('eve'), scopes: new Set(people.eve) };
    const request = { ...nothing, deviceId, seq: 0 };
    await assert.rejects(restore(deps, { caller: eve, workspaceId, requestId, request }), isNotFound);
    const reader = { ...caller, scopes: new Set(people.reader) };
    await assert.rejects(restore(deps, { caller: reader, workspaceId, requestId, request }), (error) =>
      isTidemarkError(error, 'forbidden'),
    );
    const malformed = (error: unknown) => isTidemarkError(error, 'malformed');
    await assert.rejects(sendRestore(history, {}), malformed);
    await assert.rejects(sendRestore(history, { seq: 0, timeMs: 0 }), malformed);
    await assert.rejects(sendRestore(history, { seq: 0, nodeId: nodeOf('f'), path: 'f' }), malformed);
  });
});
