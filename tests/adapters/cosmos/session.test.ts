/** Request scopes: a session reads its own writes wherever it goes, and its token tells nobody anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { newSession } from '../../../shared/adapters/cosmos/request-session.ts';
import { sealSession, unsealSession } from '../../../shared/adapters/cosmos/session-token.ts';
import { joinTokens, mergeTokens } from '../../../shared/adapters/cosmos/vector-token.ts';
import { bytesOf } from '../../../shared/adapters/cosmos/document.ts';
import { systemRandomness } from '../../../shared/adapters/node/system-randomness.ts';
import { digestsToColumn } from '../../../shared/core/ids.ts';
import { createManualClock } from '../../contracts/manual-clock.ts';
import { commitAfter, digestOf, firstHead, packOf, workspaceA, workspaceOf } from '../../contracts/metadata-records.ts';
import { createCosmosWorld, database } from './cosmos-world.ts';

const seesWorkspace = async (world: { store: { workspaces: { get: (id: typeof workspaceA) => Promise<unknown> } } }) =>
  (await world.store.workspaces.get(workspaceA)) !== undefined;

test('a read outside of the session may be behind; in the session it never is, on any instance', async (t) => {
  const world = await createCosmosWorld(t);
  const { emulator, store } = world;
  emulator.lag = 1_000;
  const first = await store.scope.run(null, async () => {
    await store.workspaces.create(workspaceOf(workspaceA), firstHead);
    return seesWorkspace(world);
  });
  assert.equal(first.value, true);
  assert.ok(first.charge > 10, `${first.charge} RU`);
  assert.equal(await seesWorkspace(world), false);
  const other = world.open();
  assert.equal(await other.workspaces.get(workspaceA), undefined);
  const second = await other.scope.run(first.sessionToken, () => seesWorkspace({ store: other }));
  assert.equal(second.value, true);
  const third = await store.scope.run(second.sessionToken, async () => {
    const head = await store.journal.getHead(workspaceA);
    assert.deepEqual(head, firstHead);
    return store.journal.append(workspaceA, commitAfter(head, 1));
  });
  assert.equal(third.value, 'appended');
  const fourth = await other.scope.run(third.sessionToken, () => other.journal.list(workspaceA, 0, 10, 1e6));
  assert.deepEqual(fourth.value, [commitAfter(firstHead, 1).record]);
  assert.deepEqual(await other.journal.list(workspaceA, 0, 10, 1e6), []);
});

test('a commit on a head that is behind loses the race, and then the session knows better', async (t) => {
  const { emulator, store, open } = await createCosmosWorld(t);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  assert.equal(await store.journal.append(workspaceA, commitAfter(firstHead, 1)), 'appended');
  emulator.lag = 1;
  const other = open();
  const { value } = await other.scope.run(null, async () => {
    const stale = await other.journal.getHead(workspaceA);
    assert.equal(stale?.seq, 0);
    assert.equal(await other.journal.append(workspaceA, commitAfter(stale, 2)), 'lost-race');
    const fresh = await other.journal.getHead(workspaceA);
    assert.equal(fresh?.seq, 1);
    return other.journal.append(workspaceA, commitAfter(fresh, 2));
  });
  assert.equal(value, 'appended');
});

test('one call sees its own steps even where every read is behind', async (t) => {
  const { emulator, store } = await createCosmosWorld(t);
  emulator.lag = 1_000;
  for (const [n, chunks] of [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'd'],
  ].entries()) {
    await store.chunks.record(workspaceA, packOf(`p${n}`, chunks), n);
  }
  emulator.lag = 0;
  const found = await store.chunks.lookUp(workspaceA, digestsToColumn(['a', 'b', 'c', 'd'].map(digestOf)));
  const packs = found.map((place) => place?.packId);
  assert.deepEqual(packs, ['p0', 'p0', 'p1', 'p2'].map(digestOf));
});

test('scopes at once keep their sessions apart', async (t) => {
  const { store } = await createCosmosWorld(t);
  await store.workspaces.create(workspaceOf(workspaceA), firstHead);
  const runs = [1, 5, 2].map((reads) =>
    store.scope.run(null, async () => {
      for (let i = 0; i < reads; i++) await store.journal.getHead(workspaceA);
    }),
  );
  const [one, five, two] = (await Promise.all(runs)).map(({ charge }) => charge);
  assert.deepEqual([five, two], [one! * 5, one! * 2]);
  const nothing = await store.scope.run(null, async () => 'done');
  assert.deepEqual(nothing, { value: 'done', sessionToken: null, charge: 0 });
});

test('garbage, tokens of others and old tokens are ignored', async (t) => {
  const { store, clock, emulator } = await createCosmosWorld(t);
  const { sessionToken } = await store.scope.run(null, () =>
    store.workspaces.create(workspaceOf(workspaceA), firstHead),
  );
  assert.ok(sessionToken !== null && /^[\x21-\x7e]{1,8192}$/.test(sessionToken));
  const read = async (token: string) =>
    (await store.scope.run(token, () => store.workspaces.get(workspaceA))).value !== undefined;
  const flipped = `${sessionToken.slice(0, 20)}${sessionToken[20] === 'A' ? 'B' : 'A'}${sessionToken.slice(21)}`;
  for (const token of ['', 'x', '0:-1#999999', flipped, 'A'.repeat(8192), '\u0000']) {
    assert.equal(await read(token), true, token.slice(0, 40));
  }
  emulator.lag = 1_000;
  assert.equal(await read(sessionToken), true);
  assert.equal(await read(flipped), false);
  clock.advance(10 * 60_000 + 1);
  assert.equal(await read(sessionToken), false);
});

test('a token of a state that is lost is told to be busy, and for ten minutes at most', async (t) => {
  const { store, client, clock } = await createCosmosWorld(t);
  await store.scope.run(null, () => store.workspaces.create(workspaceOf(workspaceA), firstHead));
  const item = client.database(database).container('leases').item('session-token-key', 'secrets');
  const key = bytesOf((await item.read<Record<string, unknown>>()).resource ?? {}, 'key');
  const session = newSession();
  session.tokens.set('workspaces', new Map([['0', '-1#1000000']]));
  const token = sealSession(session, key, clock, systemRandomness);
  await assert.rejects(
    store.scope.run(token, () => store.workspaces.get(workspaceA)),
    { name: 'TidemarkError', code: 'busy', retryable: true },
  );
  clock.advance(10 * 60_000 + 1);
  assert.ok((await store.scope.run(token, () => store.workspaces.get(workspaceA))).value);
});

test('a sealed token shows nothing of what is in it, and never grows over its bound', () => {
  const clock = createManualClock();
  const key = systemRandomness.bytes(32);
  const session = newSession();
  const ranges = Array.from({ length: 2_000 }, (_, i) => [String(i), `1#${10_000_000 + i}#3=5`] as const);
  session.tokens.set('chunks', new Map(ranges));
  const token = sealSession(session, key, clock, systemRandomness)!;
  assert.ok(token.length <= 8192);
  assert.ok(!Buffer.from(token, 'base64url').toString('latin1').includes('10000'));
  const opened = unsealSession(token, key, clock);
  assert.equal(opened.tokens.get('chunks')?.get('1999'), '1#10001999#3=5', 'what was learned last is kept');
  assert.equal(opened.tokens.get('chunks')?.has('0'), false);
  assert.equal(unsealSession(token, systemRandomness.bytes(32), clock).tokens.size, 0);
});

test('merging tokens: the newest of each range, whatever the order', () => {
  const token = fc.record({ range: fc.nat(3), version: fc.integer({ min: -1, max: 2 }), lsn: fc.nat(50) });
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (tokens, order) => {
      const texts = tokens.map(({ range, version, lsn }) => `${range}:${version}#${lsn}`);
      const merge = (given: readonly string[]) => {
        const merged = new Map<string, string>();
        for (const text of given) mergeTokens(merged, text);
        return new Map([...merged].sort(([a], [b]) => Number(a) - Number(b)));
      };
      const shuffled = texts.map((text) => [order.next().value, text] as const).sort((a, b) => a[0] - b[0]);
      const merged = merge(texts);
      assert.deepEqual(merge(shuffled.map(([, text]) => text)), merged);
      assert.deepEqual(merge([joinTokens(merged) ?? '', ...texts]), merged);
    }),
  );
  const merged = new Map<string, string>();
  for (const wrong of ['', 'x', '0:', '0:-1#', '0:1#2,nonsense', '1:2#3#4=5#']) mergeTokens(merged, wrong);
  assert.deepEqual([...merged], [['0', '1#2']]);
});

test('a journal whose older entries moved out of sight is busy, never short, and whole in the session', async (t) => {
  const { emulator, store, open } = await createCosmosWorld(t, { archive: { keep: 2, every: 2 } });
  const written = await store.scope.run(null, async () => {
    await store.workspaces.create(workspaceOf(workspaceA), firstHead);
    let head = firstHead;
    for (let n = 1; n <= 8; n++) {
      const commit = commitAfter(head, n);
      assert.equal(await store.journal.append(workspaceA, commit), 'appended');
      head = commit.next;
    }
  });
  const other = open();
  const seqsOf = async () => (await other.journal.list(workspaceA, 0, 100, 1e6)).map(({ seq }) => seq);
  const whole = [1, 2, 3, 4, 5, 6, 7, 8];
  for (let lag = 0; lag < 25; lag++) {
    emulator.lag = lag;
    const found = await seqsOf().catch((error: unknown) => error);
    if (Array.isArray(found)) assert.deepEqual(found, whole.slice(0, found.length));
    else assert.equal((found as { code?: string }).code, 'busy');
    assert.deepEqual((await other.scope.run(written.sessionToken, seqsOf)).value, whole);
  }
});

test('a token does not tell by its length how much others have written', () => {
  const clock = createManualClock();
  const key = new Uint8Array(32);
  const lengthsAt = [7, 70_000, 7_000_000_000].map((lsn) => {
    const session = newSession();
    session.tokens.set('journal', new Map());
    mergeTokens(session.tokens.get('journal')!, `0:-1#${lsn},1:-1#${lsn}`);
    const token = sealSession(session, key, clock, systemRandomness)!;
    assert.deepEqual(unsealSession(token, key, clock).tokens, session.tokens);
    return token.length;
  });
  assert.equal(new Set(lengthsAt).size, 1, lengthsAt.join());
});
