/** What every lease store owes (shared/ports/lease-store.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Lease, LeaseStore } from '../../shared/ports/lease-store.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';

async function mustAcquire(leases: LeaseStore, owner: string, nowMs: number, name = 'work'): Promise<Lease> {
  const lease = await leases.acquire(name, owner, nowMs, 10);
  assert.ok(lease, `${owner} gets the lease`);
  return lease;
}

function acquireTests(make: MakeMetadataStore): void {
  test('a lease is for one owner until its time is over', async (t) => {
    const { leases } = (await make(t)).store;
    const first = await leases.acquire('work', 'a', 1_000, 10);
    assert.deepEqual(first, { name: 'work', owner: 'a', epoch: 1, expiresMs: 11_000, cursor: null });
    assert.equal(await leases.acquire('work', 'b', 10_999, 10), undefined);
    const second = await leases.acquire('work', 'b', 11_000, 10);
    assert.deepEqual(second, { name: 'work', owner: 'b', epoch: 2, expiresMs: 21_000, cursor: null });
    assert.equal(await leases.acquire('work', 'a', 12_000, 10), undefined);
    assert.deepEqual(await leases.list(''), [second]);
  });

  test('its owner prolongs it, before its time is over and after, and the epoch stays', async (t) => {
    const { leases } = (await make(t)).store;
    await mustAcquire(leases, 'a', 0);
    for (const nowMs of [5_000, 50_000]) {
      const again = await mustAcquire(leases, 'a', nowMs);
      assert.deepEqual([again.epoch, again.expiresMs], [1, nowMs + 10_000]);
    }
  });

  test('of racing workers exactly one gets it', async (t) => {
    const { leases } = (await make(t)).store;
    for (const nowMs of [0, 100_000]) {
      const owners = Array.from({ length: 8 }, (_, n) => `${nowMs} ${n}`);
      const got = await Promise.all(owners.map((owner) => leases.acquire('work', owner, nowMs, 10)));
      assert.equal(got.filter((lease) => lease !== undefined).length, 1);
    }
    assert.equal((await leases.list('work'))[0]?.epoch, 2);
  });

  test('names are leases of their own, listed by name and by prefix as it is written', async (t) => {
    const { leases } = (await make(t)).store;
    for (const name of ['feed/1', 'feed/0', 'feed_0', 'sweep', 'Feed/0']) await mustAcquire(leases, 'a', 0, name);
    const names = async (prefix: string) => (await leases.list(prefix)).map(({ name }) => name);
    assert.deepEqual(await names('feed/'), ['feed/0', 'feed/1']);
    assert.deepEqual(await names('feed_'), ['feed_0']);
    assert.deepEqual(await names('%'), []);
    assert.equal((await names('')).length, 5);
  });
}

function cursorTests(make: MakeMetadataStore): void {
  test('the cursor is where the last owner left it', async (t) => {
    const { leases } = (await make(t)).store;
    const lease = await mustAcquire(leases, 'a', 0);
    assert.equal(await leases.save(lease, 'x'.repeat(16 * 1024), 20_000), 'saved');
    assert.equal(await leases.acquire('work', 'b', 19_999, 10), undefined);
    assert.equal(await leases.save(lease, 'step 2', 5_000), 'saved');
    const next = await mustAcquire(leases, 'b', 5_000);
    assert.deepEqual([next.cursor, next.epoch], ['step 2', 2]);
  });

  test('a worker that slept past its lease moves nothing any more, and frees nothing', async (t) => {
    const { leases } = (await make(t)).store;
    const slept = await mustAcquire(leases, 'a', 0);
    assert.equal(await leases.save(slept, 'late, and nobody minds', 10_000), 'saved');
    const next = await mustAcquire(leases, 'b', 10_000);
    assert.equal(await leases.save(slept, 'stale', 99_000), 'lost');
    await leases.release(slept);
    assert.deepEqual(await leases.list('work'), [next]);
    assert.equal(await leases.save(next, 'fresh', 30_000), 'saved');
  });

  test('the same owner with an older epoch is lost too', async (t) => {
    const { leases } = (await make(t)).store;
    const first = await mustAcquire(leases, 'a', 0);
    await mustAcquire(leases, 'b', 10_000);
    const again = await mustAcquire(leases, 'a', 20_000);
    assert.equal(again.epoch, 3);
    assert.equal(await leases.save(first, 'stale', 30_000), 'lost');
    assert.equal(await leases.save(again, 'fresh', 30_000), 'saved');
  });

  test('a lease that is released is free at once, keeps its cursor, and its old holder has lost it', async (t) => {
    const { leases } = (await make(t)).store;
    const lease = await mustAcquire(leases, 'a', 0);
    await leases.save(lease, 'here', 10_000);
    await leases.release(lease);
    await leases.release(lease);
    assert.deepEqual(await leases.list(''), [{ name: 'work', owner: '', epoch: 1, expiresMs: 0, cursor: 'here' }]);
    assert.equal(await leases.save(lease, 'stale', 20_000), 'lost');
    const next = await mustAcquire(leases, 'a', 1);
    assert.deepEqual([next.cursor, next.epoch], ['here', 2]);
  });

  test('a lease that was never given out saves nothing', async (t) => {
    const { leases } = (await make(t)).store;
    const lease = { name: 'none', owner: 'a', epoch: 1, expiresMs: 10, cursor: null };
    assert.equal(await leases.save(lease, 'x', 20), 'lost');
    await leases.release(lease);
    assert.deepEqual(await leases.list(''), []);
  });

  test('a second instance sees leases, and is fenced by them', async (t) => {
    const { store, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    const lease = await mustAcquire(store.leases, 'a', 0);
    await store.leases.save(lease, 'here', 10_000);
    const second = (await reopen()).leases;
    assert.equal(await second.acquire('work', 'b', 9_999, 10), undefined);
    const next = await mustAcquire(second, 'b', 10_000);
    assert.equal(next.cursor, 'here');
    assert.equal(await store.leases.save(lease, 'stale', 99_000), 'lost');
  });
}

type Act =
  | { readonly kind: 'acquire'; readonly seconds: number }
  | { readonly kind: 'save' }
  | { readonly kind: 'release' }
  | { readonly kind: 'wait'; readonly ms: number };

const act: fc.Arbitrary<readonly [worker: number, act: Act]> = fc.tuple(
  fc.integer({ min: 0, max: 2 }),
  fc.oneof(
    fc.record({ kind: fc.constant('acquire' as const), seconds: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('save' as const) }),
    fc.record({ kind: fc.constant('release' as const) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
  ),
);

/** Each worker goes on with the lease that it was given last, however old: what the store must see through. */
async function playWorkers(leases: LeaseStore, name: string, acts: readonly (readonly [number, Act])[]): Promise<void> {
  const held: (Lease | undefined)[] = [];
  let nowMs = 0;
  let holder: number | undefined;
  let [epoch, expiresMs] = [0, 0];
  let cursor: string | null = null;
  for (const [step, [worker, { kind, ...given }]] of acts.entries()) {
    const lease = held[worker];
    const isCurrent = lease !== undefined && holder === worker && lease.epoch === epoch;
    if (kind === 'wait') nowMs += 'ms' in given ? given.ms : 0;
    if (kind === 'acquire') {
      const seconds = 'seconds' in given ? given.seconds : 0;
      const got = await leases.acquire(name, `worker ${worker}`, nowMs, seconds);
      if (holder !== worker && holder !== undefined && nowMs < expiresMs) {
        assert.equal(got, undefined);
        continue;
      }
      if (holder !== worker) epoch += 1;
      [holder, expiresMs, held[worker]] = [worker, nowMs + seconds * 1_000, got];
      assert.deepEqual(got, { name, owner: `worker ${worker}`, epoch, expiresMs, cursor });
    }
    if (kind === 'save' && lease !== undefined) {
      assert.equal(await leases.save(lease, `step ${step}`, nowMs + 1_000), isCurrent ? 'saved' : 'lost');
      if (isCurrent) [cursor, expiresMs] = [`step ${step}`, nowMs + 1_000];
    }
    if (kind === 'release' && lease !== undefined) {
      await leases.release(lease);
      if (isCurrent) [holder, expiresMs] = [undefined, 0];
    }
  }
  const expected = { name, owner: holder === undefined ? '' : `worker ${holder}`, epoch, expiresMs, cursor };
  assert.deepEqual(await leases.list(name), epoch === 0 ? [] : [expected]);
}

export function leaseStoreContract(make: MakeMetadataStore): void {
  acquireTests(make);
  cursorTests(make);

  test('whatever workers do in whatever order, only the holder of the newest epoch moves the cursor', async (t) => {
    const { leases } = (await make(t)).store;
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), (acts) => playWorkers(leases, `round ${(round += 1)};`, acts)),
      { numRuns: 60 },
    );
  });
}
