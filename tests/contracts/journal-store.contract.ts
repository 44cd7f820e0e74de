import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import type { Head, MetadataStore } from '../../shared/ports/metadata-store.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';
import {
  commitAfter,
  digestOf,
  firstHead,
  requestIdOf,
  requestOf,
  workspaceA,
  workspaceB,
  workspaceOf,
} from './metadata-records.ts';

async function makeWithWorkspaces(make: MakeMetadataStore, t: Parameters<MakeMetadataStore>[0]) {
  const made = await make(t);
  await made.store.workspaces.create(workspaceOf(workspaceA), firstHead);
  await made.store.workspaces.create(workspaceOf(workspaceB), firstHead);
  return made;
}

async function mustHead(store: MetadataStore, workspaceId: WorkspaceId): Promise<Head> {
  const head = await store.journal.getHead(workspaceId);
  assert.ok(head);
  return head;
}

/** Appends commits numbered `from` to `to`, each on the head that it finds. */
async function appendAll(store: MetadataStore, from: number, to: number, entryBytes = 50): Promise<void> {
  for (let n = from; n <= to; n++) {
    const commit = commitAfter(await mustHead(store, workspaceA), n, entryBytes);
    assert.equal(await store.journal.append(workspaceA, commit), 'appended');
  }
}

function appendTests(make: MakeMetadataStore): void {
  test('append moves the head, adds the entry and records the request, together', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const [first, second] = [commitAfter(firstHead, 1), commitAfter(commitAfter(firstHead, 1).next, 2)];
    assert.equal(await store.journal.append(workspaceA, first), 'appended');
    assert.equal(await store.journal.append(workspaceA, second), 'appended');
    assert.deepEqual(await store.journal.getHead(workspaceA), second.next);
    assert.deepEqual(await store.journal.list(workspaceA, 0, 10, 1e6), [first.record, second.record]);
    assert.deepEqual(await store.journal.getRequest(workspaceA, requestIdOf(2)), second.request);
    assert.deepEqual(await store.journal.getHead(workspaceB), firstHead);
    assert.deepEqual(await store.journal.list(workspaceB, 0, 10, 1e6), []);
    assert.equal(await store.journal.getRequest(workspaceB, requestIdOf(2)), undefined);
  });

  test('any other head loses the race, and then nothing changes', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const strangers = [
      { ...firstHead, root: digestOf('other') },
      { ...firstHead, chain: digestOf('other') },
      { ...firstHead, seq: 1 },
    ];
    for (const [n, expected] of strangers.entries()) {
      assert.equal(await store.journal.append(workspaceA, commitAfter(expected, n)), 'lost-race');
      assert.equal(await store.journal.getRequest(workspaceA, requestIdOf(n)), undefined);
    }
    assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
    assert.deepEqual(await store.journal.list(workspaceA, 0, 10, 1e6), []);
  });

  test('what a head tells besides its position is kept, and decides no race', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const untold = { ...commitAfter({ ...firstHead, timeMs: 99, tally: null }, 1) };
    const next = { ...untold.next, timeMs: 1_800_000_000_000, tally: null };
    assert.equal(await store.journal.append(workspaceA, { ...untold, next }), 'appended');
    assert.deepEqual(await store.journal.getHead(workspaceA), next);
    const counted = commitAfter(next, 2);
    const tally = { files: 1_000_000, bytes: Number.MAX_SAFE_INTEGER };
    assert.equal(await store.journal.append(workspaceA, { ...counted, next: { ...counted.next, tally } }), 'appended');
    assert.deepEqual(await store.journal.getHead(workspaceA), { ...counted.next, tally });
  });

  test('a workspace that is not there takes no commit', async (t) => {
    const { store } = await make(t);
    assert.equal(await store.journal.append(workspaceA, commitAfter(firstHead, 1)), 'lost-race');
    assert.equal(await store.journal.getHead(workspaceA), undefined);
    assert.deepEqual(await store.journal.list(workspaceA, 0, 10, 1e6), []);
  });

  test('a request is applied once: its id is taken, whether the head still fits or not', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const first = commitAfter(firstHead, 1);
    await store.journal.append(workspaceA, first);
    assert.equal(await store.journal.append(workspaceA, first), 'request-exists');
    const again = { ...commitAfter(first.next, 2), request: { ...requestOf(2), requestId: requestIdOf(1) } };
    assert.equal(await store.journal.append(workspaceA, again), 'request-exists');
    assert.deepEqual(await store.journal.getHead(workspaceA), first.next);
    assert.deepEqual(await store.journal.getRequest(workspaceA, requestIdOf(1)), first.request);
    assert.equal(await store.journal.append(workspaceB, first), 'appended');
  });

  test('of racing appends on one head exactly one wins', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const commits = Array.from({ length: 10 }, (_, n) => commitAfter(firstHead, n));
    const results = await Promise.all(commits.map((commit) => store.journal.append(workspaceA, commit)));
    assert.equal(results.filter((result) => result === 'appended').length, 1);
    assert.equal(results.filter((result) => result === 'lost-race').length, 9);
    const winner = commits[results.indexOf('appended')]!;
    assert.deepEqual(await store.journal.getHead(workspaceA), winner.next);
    assert.deepEqual(await store.journal.list(workspaceA, 0, 10, 1e6), [winner.record]);
  });

  test('a commit that skips a position is a fault, and changes nothing', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const commit = commitAfter(firstHead, 1);
    await assert.rejects(store.journal.append(workspaceA, { ...commit, next: { ...commit.next, seq: 2 } }));
    await assert.rejects(store.journal.append(workspaceA, { ...commit, record: { ...commit.record, seq: 2 } }));
    assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
  });

  test('racing writers with retries leave one gap-free journal', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const writer = async (first: number): Promise<void> => {
      for (let n = first; n < first + 10;) {
        const result = await store.journal.append(workspaceA, commitAfter(await mustHead(store, workspaceA), n));
        if (result === 'appended') n += 1;
      }
    };
    await Promise.all([writer(0), writer(100), writer(200)]);
    const records = await store.journal.list(workspaceA, 0, 100, 1e6);
    assert.deepEqual(
      records.map((record) => record.seq),
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
    assert.equal((await mustHead(store, workspaceA)).seq, 30);
  });
}

function listTests(make: MakeMetadataStore): void {
  test('list pages by count and by bytes, one entry at least', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    await appendAll(store, 1, 6, 100);
    const seqs = async (after: number, limit: number, bytesMax: number) =>
      (await store.journal.list(workspaceA, after, limit, bytesMax)).map((record) => record.seq);
    assert.deepEqual(await seqs(0, 3, 1e6), [1, 2, 3]);
    assert.deepEqual(await seqs(4, 10, 1e6), [5, 6]);
    assert.deepEqual(await seqs(0, 10, 250), [1, 2]);
    assert.deepEqual(await seqs(2, 10, 1), [3]);
    assert.deepEqual(await seqs(6, 10, 1e6), []);
    assert.deepEqual(await seqs(99, 10, 1e6), []);
  });

  test('pages of any size join to the whole journal', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    await appendAll(store, 1, 12);
    const whole = await store.journal.list(workspaceA, 0, 100, 1e6);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 0, max: 700 }), async (limit, bytesMax) => {
        const joined = [];
        for (;;) {
          const page = await store.journal.list(workspaceA, joined.at(-1)?.seq ?? 0, limit, bytesMax);
          if (page.length === 0) break;
          assert.ok(page.length <= limit);
          joined.push(...page);
        }
        assert.deepEqual(joined, whole);
      }),
      { numRuns: 30 },
    );
  });
}

function requestTests(make: MakeMetadataStore): void {
  test('a request without a commit is recorded once', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    assert.equal(await store.journal.recordRequest(workspaceA, requestOf(1)), 'recorded');
    assert.equal(
      await store.journal.recordRequest(workspaceA, { ...requestOf(2), requestId: requestIdOf(1) }),
      'request-exists',
    );
    assert.deepEqual(await store.journal.getRequest(workspaceA, requestIdOf(1)), requestOf(1));
    assert.equal(await store.journal.append(workspaceA, commitAfter(firstHead, 1)), 'request-exists');
    assert.equal(await store.journal.recordRequest(workspaceB, requestOf(1)), 'recorded');
    assert.deepEqual(await store.journal.getHead(workspaceA), firstHead);
  });

  test('the sweep forgets requests that expired before, and frees their ids', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    await store.journal.recordRequest(workspaceA, requestOf(1, 1_000));
    await store.journal.recordRequest(workspaceB, requestOf(2, 2_000));
    await store.journal.recordRequest(workspaceA, requestOf(3, 3_000));
    assert.equal(await store.journal.sweepRequests(1_000), 0);
    assert.equal(await store.journal.sweepRequests(2_001), 2);
    assert.equal(await store.journal.sweepRequests(2_001), 0);
    assert.equal(await store.journal.getRequest(workspaceA, requestIdOf(1)), undefined);
    assert.deepEqual(await store.journal.getRequest(workspaceA, requestIdOf(3)), requestOf(3, 3_000));
    assert.equal(await store.journal.recordRequest(workspaceA, requestOf(1, 9_000)), 'recorded');
  });

  test('answers are not shared with the store', async (t) => {
    const { store } = await makeWithWorkspaces(make, t);
    const request = requestOf(1);
    await store.journal.recordRequest(workspaceA, request);
    request.answer.fill(0);
    (await store.journal.getRequest(workspaceA, requestIdOf(1)))?.answer.fill(1);
    assert.deepEqual(await store.journal.getRequest(workspaceA, requestIdOf(1)), requestOf(1));
  });
}

function secondInstanceTests(make: MakeMetadataStore): void {
  test('two instances append to one journal: one of them wins each position', async (t) => {
    const { store, reopen } = await makeWithWorkspaces(make, t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    const second = await reopen();
    for (let seq = 0; seq < 5; seq++) {
      const head = await mustHead(second, workspaceA);
      assert.deepEqual(head, await mustHead(store, workspaceA));
      const results = await Promise.all([
        store.journal.append(workspaceA, commitAfter(head, 2 * seq)),
        second.journal.append(workspaceA, commitAfter(head, 2 * seq + 1)),
      ]);
      assert.deepEqual(results.toSorted(), ['appended', 'lost-race']);
    }
    const records = await second.journal.list(workspaceA, 0, 10, 1e6);
    assert.deepEqual(records, await store.journal.list(workspaceA, 0, 10, 1e6));
    assert.deepEqual(
      records.map((record) => record.seq),
      [1, 2, 3, 4, 5],
    );
  });
}

export function journalStoreContract(make: MakeMetadataStore): void {
  appendTests(make);
  listTests(make);
  requestTests(make);
  secondInstanceTests(make);
}
