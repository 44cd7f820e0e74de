/** Bounds of one request's work: past them the answer is busy, and the same request goes on from there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { limits } from '../../shared/core/limits.ts';
import { type SessionId, parseRequestId } from '../../shared/core/ids.ts';
import type { Scope } from '../../shared/ports/token-verifier.ts';
import { concurrently } from '../../shared/services/concurrently.ts';
import { withCommitQueue } from '../../shared/services/commit-queue.ts';
import { must, mustFail } from '../api/world/calls.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, putOperation } from '../api/world/test-device.ts';
import { createTestWorld, userOf } from '../api/world/test-world.ts';

describe('a commit', () => {
  it('verifies so many packs and then asks to be sent again; packs that were never uploaded do not count', async () => {
    const world = createTestWorld();
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
    const count = limits.commitPacksVerifiedMax + 10;
    const sessions: SessionId[] = [];
    for (let i = 0; i < 20; i++) {
      const { sessionId } = await must(ann.openSession([utf8(`never uploaded ${i}`)]));
      sessions.push(sessionId);
    }
    for (let i = 0; i < count; i++) sessions.push((await ann.upload(utf8(`${i}`))).session.sessionId);
    const operations = Array.from({ length: count }, (_, i) =>
      putOperation({ node: `n${i}`, name: `${i}`, text: `${i}` }),
    );
    const request = ann.request(operations, { sessions });
    const problem = await mustFail(ann.send(request, 'key'), 'busy');
    assert.equal(problem['packsVerified'], limits.commitPacksVerifiedMax);
    const { outcomes } = await must(ann.send(request, 'key'));
    assert.ok(outcomes.every(({ status }) => status === 'applied'));
  });

  it('does not wait behind more than so many others, and goes in its turn', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const world = createTestWorld();
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
    const begun: number[] = [];
    const queued = withCommitQueue(async (_deps, { request }) => {
      begun.push(request.operations.length);
      await held;
      if (request.operations.length === 1) throw new Error('the second fails');
      return { head: null, outcomes: [] };
    });
    const scopes = new Set<Scope>(['sync.write']);
    const caller = { userId: userOf('ann'), scopes };
    const stranger = { userId: userOf('eve'), scopes };
    const requestId = parseRequestId('0'.repeat(32));
    const ask = (operations: number, from = caller) => {
      const request = ann.request(Array.from({ length: operations }, () => mkdirOperation('n', 'n')));
      return queued(world.deps, { caller: from, requestId, request });
    };
    const waiting = Promise.allSettled(Array.from({ length: limits.commitsWaitingMax }, (_, i) => ask(i)));
    await assert.rejects(ask(0), { code: 'busy' });
    await assert.rejects(
      ask(0, stranger),
      { code: 'not-found' },
      'whoever is no member neither waits nor learns of it',
    );
    release();
    const settled = await waiting;
    assert.deepEqual(begun, Array.from(begun.keys()));
    assert.deepEqual(
      settled.flatMap(({ status }, i) => (status === 'rejected' ? [i] : [])),
      [1],
    );
    assert.deepEqual(await ask(0), { head: null, outcomes: [] }, 'the queue is empty again');
  });
});

describe('concurrently', () => {
  it('keeps order and width, and begins nothing after a failure', async () => {
    let running = 0;
    let most = 0;
    const doubled = await concurrently([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return item * 2;
    });
    assert.deepEqual([doubled, most], [[2, 4, 6, 8, 10, 12, 14], 3]);
    const begun: number[] = [];
    const failing = concurrently([0, 1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 1) throw new Error('one');
    });
    await assert.rejects(failing, /one/);
    assert.ok(begun.length < 6 && running === 0);
  });
});
