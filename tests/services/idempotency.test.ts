/** One request applied n times is applied once, whatever happens in between; of racing commits all end, in one order. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { type ApiDependencies, createApi } from '../../shared/api/api.ts';
import { limits } from '../../shared/core/limits.ts';
import type { JournalStore } from '../../shared/ports/metadata-store.ts';
import { withCommitQueue } from '../../shared/services/commit-queue.ts';
import { sweep } from '../../shared/services/sweep.ts';
import { must, mustFail } from '../api/world/calls.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, putOperation } from '../api/world/test-device.ts';
import { type TestWorld, type TestWorldOptions, createTestWorld } from '../api/world/test-world.ts';

async function start(options: TestWorldOptions = {}): Promise<{ world: TestWorld; ann: TestDevice; bob: TestDevice }> {
  const world = createTestWorld(options);
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const bob = await TestDevice.register(world, 'ann', workspaceId, 'phone');
  return { world, ann, bob };
}

/** The journal of the world, with some of its methods replaced. */
function withJournal(change: (journal: JournalStore) => Partial<JournalStore>): TestWorldOptions {
  const metadata = createMemoryMetadataStore();
  const { journal } = metadata;
  const plain: JournalStore = {
    getHead: (ws) => journal.getHead(ws),
    append: (ws, commit) => journal.append(ws, commit),
    recordRequest: (ws, request) => journal.recordRequest(ws, request),
    getRequest: (ws, id) => journal.getRequest(ws, id),
    list: (ws, after, limit, bytes) => journal.list(ws, after, limit, bytes),
    sweepRequests: (now) => journal.sweepRequests(now),
  };
  return { metadata: { ...metadata, journal: { ...plain, ...change(plain) } } };
}

describe('a repeated commit', () => {
  it('gets the same answer and changes nothing, also after others', async () => {
    const { ann, bob } = await start();
    const request = ann.request([mkdirOperation('a', 'a')]);
    const first = await must(ann.send(request, 'key'));
    await bob.commit(mkdirOperation('b', 'b'));
    assert.deepEqual(await must(ann.send(request, 'key')), first);
    assert.deepEqual(await must(ann.send(request, 'key')), first);
    assert.equal((await must(ann.changes())).headSeq, 2);
  });

  it('with another body is refused', async () => {
    const { ann } = await start();
    await must(ann.send(ann.request([mkdirOperation('a', 'a')]), 'key'));
    const reply = ann.send(ann.request([mkdirOperation('b', 'b')]), 'key');
    assert.equal((await mustFail(reply, 'idempotency-key-reused')).status, 422);
  });

  it('that changed nothing is remembered with the head as it was, signed', async () => {
    const { ann, bob } = await start();
    const empty = ann.request([]);
    const before = await must(ann.send(empty, 'before'));
    assert.deepEqual(before, { head: null, outcomes: [] });
    const { head } = await ann.commit(mkdirOperation('a', 'a'));
    const again = ann.request([mkdirOperation('other', 'a')]);
    const agreed = await must(ann.send(again, 'agreed'));
    assert.deepEqual([agreed.head, agreed.outcomes[0]?.status], [head, 'agreed']);
    await bob.commit(mkdirOperation('b', 'b'));
    assert.deepEqual(await must(ann.send(again, 'agreed')), agreed);
    assert.deepEqual(await must(ann.send(empty, 'before')), before);
  });

  it('ten times at once in ten processes is applied once, and all get its answer', async () => {
    const { world, ann } = await start();
    const { workspaceId, deviceId } = ann;
    const request = ann.request([mkdirOperation('a', 'a')]);
    const processes = Array.from({ length: 10 }, () => ({ ...world, api: createApi(world.deps) }));
    const sends = processes.map((each) => new TestDevice(each, 'ann', workspaceId, deviceId).send(request, 'key'));
    const answers = await Promise.all(sends.map((sent) => must(sent)));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal((await must(ann.changes())).headSeq, 1);
  });

  it('ten times at once in one process runs once: the others are told so, and get its answer when they ask again', async () => {
    const { ann } = await start();
    const request = ann.request([mkdirOperation('a', 'a')]);
    const replies = await Promise.all(Array.from({ length: 10 }, () => ann.send(request, 'key')));
    const [answer, ...more] = replies.filter((reply) => reply.ok);
    assert.ok(answer !== undefined && more.length === 0);
    for (const reply of replies) assert.ok(reply.ok || reply.problem.code === 'in-progress');
    assert.deepEqual(await must(ann.send(request, 'key')), answer.value);
    assert.equal((await must(ann.changes())).headSeq, 1);
  });

  it('whose append succeeded though its answer was lost gets the answer', async () => {
    let lost = 0;
    const { ann } = await start(
      withJournal((journal) => ({
        append: async (ws, commit) => {
          await journal.append(ws, commit);
          if (lost++ === 0) throw new Error('the connection broke after the batch was written');
          return 'appended';
        },
      })),
    );
    const request = ann.request([mkdirOperation('a', 'a')]);
    const problem = await mustFail(ann.send(request, 'key'), 'internal');
    assert.doesNotMatch(JSON.stringify(problem), /connection/);
    const answer = await must(ann.send(request, 'key'));
    assert.deepEqual([answer.head?.seq, answer.outcomes[0]?.status], [1, 'applied']);
  });

  it('is safe after its record was swept: it meets its own effects', async () => {
    const { world, ann } = await start();
    const request = ann.request([mkdirOperation('a', 'a'), putOperation({ node: 'e', name: 'e', text: '' })]);
    await must(ann.send(request, 'key'));
    world.clock.ms += (limits.requestRecordSeconds + 1) * 1_000;
    const swept = await sweep(world.deps);
    assert.ok(swept.requests >= 1);
    const again = await must(ann.send(request, 'key'));
    assert.deepEqual(
      again.outcomes.map(({ status }) => status),
      ['agreed', 'agreed'],
    );
    assert.equal((await must(ann.changes())).headSeq, 1);
  });
});

describe('a lost race', () => {
  it('is done again on the new head, with the rules of convergence', async () => {
    let bob: TestDevice | undefined;
    const started = await start(
      withJournal((journal) => ({
        append: async (ws, commit) => {
          const rival = bob;
          bob = undefined;
          if (rival !== undefined) await rival.commit(mkdirOperation('b', 'same'), mkdirOperation('c', 'c'));
          return journal.append(ws, commit);
        },
      })),
    );
    bob = started.bob;
    const { head, outcomes } = await started.ann.commit(mkdirOperation('a', 'same'), mkdirOperation('d', 'd'));
    assert.deepEqual([head?.seq, outcomes[0]?.status, outcomes[1]?.status], [2, 'agreed', 'applied']);
    assert.deepEqual([...(await started.ann.list()).keys()], ['c', 'd', 'same']);
    const { entries } = await must(started.ann.changes());
    assert.deepEqual([entries[1]?.previousRoot, entries[1]?.root], [entries[0]?.root, head?.root]);
  });

  it('that never ends is answered busy, with a time to wait, and nothing is committed', async () => {
    let attempts = 0;
    const { ann } = await start(
      withJournal(() => ({
        append: () => {
          attempts++;
          return Promise.resolve('lost-race');
        },
      })),
    );
    const reply = await ann.send(ann.request([mkdirOperation('a', 'a')]));
    assert.ok(!reply.ok);
    assert.deepEqual([reply.problem.code, reply.problem.status], ['busy', 503]);
    assert.equal(reply.response.headers.get('retry-after'), '1');
    assert.equal(attempts, limits.commitAttemptsMax);
    assert.equal((await must(ann.changes())).headSeq, 0);
  });

  it('cannot happen to commits of one process with the queue: fifty at once all go in, each once', async () => {
    let lost = 0;
    const options = withJournal((journal) => ({
      append: async (ws, commit) => {
        const result = await journal.append(ws, commit);
        if (result === 'lost-race') lost++;
        return result;
      },
    }));
    const adapt = (deps: ApiDependencies): ApiDependencies => ({ ...deps, commit: withCommitQueue(deps.commit) });
    const { ann, bob } = await start({ ...options, adapt });
    const commits = Array.from({ length: 50 }, (_, i) =>
      (i % 2 === 0 ? ann : bob).commit(mkdirOperation(`n${i}`, `${i}`)),
    );
    const seqs = (await Promise.all(commits)).map(({ head }) => head?.seq);
    assert.deepEqual(
      seqs,
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    assert.equal(lost, 0);
  });

  it('without the queue, eight at once all go in as well', async () => {
    const { ann } = await start();
    const commits = Array.from({ length: 8 }, (_, i) => ann.commit(mkdirOperation(`n${i}`, `${i}`)));
    const seqs = (await Promise.all(commits)).map(({ head }) => head?.seq);
    assert.deepEqual(
      seqs.sort((a, b) => a! - b!),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
  });
});
