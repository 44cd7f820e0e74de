/** What every presence store owes (shared/ports/presence-store.ts). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PresenceRecord, PresenceStore } from '../../shared/ports/presence-store.ts';
import { bob, deviceOf, presenceOf, workspaceA, workspaceB } from './metadata-records.ts';
import type { MakeMetadataStore } from './metadata-store.contract.ts';

/** Before every time that these tests let a record expire at. A store that forgets by itself does so by its own clock. */
const nowMs = Date.now();

async function putAll(presence: PresenceStore, records: readonly PresenceRecord[]): Promise<void> {
  for (const record of records) await presence.put(record);
}

function recordTests(make: MakeMetadataStore): void {
  test('a device is present where it was put, with all that was told of it', async (t) => {
    const { presence } = (await make(t)).store;
    const record = presenceOf(workspaceA, 1, nowMs);
    assert.equal(await presence.get(workspaceA, record.deviceId, nowMs), undefined);
    assert.deepEqual(await presence.list(workspaceA, nowMs, 10), []);
    await presence.put(record);
    assert.deepEqual(await presence.get(workspaceA, record.deviceId, nowMs), record);
    assert.deepEqual(await presence.list(workspaceA, nowMs, 10), [record]);
    assert.equal(await presence.get(workspaceA, deviceOf(2).deviceId, nowMs), undefined);
  });

  test('the last write wins, also over one that saw it later', async (t) => {
    const { presence } = (await make(t)).store;
    const first = presenceOf(workspaceA, 1, nowMs);
    const changes = {
      state: 'offline',
      name: 'renamed \u{1f600}',
      connectionId: '',
      sinceMs: nowMs,
      userId: bob,
    } as const;
    const last: PresenceRecord = { ...first, ...changes, seenMs: first.seenMs - 5_000 };
    await putAll(presence, [first, last]);
    assert.deepEqual(await presence.get(workspaceA, first.deviceId, nowMs), last);
    assert.deepEqual(await presence.list(workspaceA, nowMs, 10), [last]);
  });

  test('a device in two workspaces is there twice, and neither tells of the other', async (t) => {
    const { presence } = (await make(t)).store;
    const [a, b] = [presenceOf(workspaceA, 1, nowMs), presenceOf(workspaceB, 1, nowMs + 1)] as const;
    const other = presenceOf(workspaceB, 2, nowMs + 2);
    await putAll(presence, [a, b, other]);
    assert.deepEqual(await presence.get(workspaceA, a.deviceId, nowMs), a);
    assert.deepEqual(await presence.get(workspaceB, a.deviceId, nowMs), b);
    assert.equal(await presence.get(workspaceA, other.deviceId, nowMs), undefined);
    assert.deepEqual(await presence.list(workspaceA, nowMs, 10), [a]);
    assert.deepEqual(await presence.list(workspaceB, nowMs, 10), [other, b]);
  });

  test('writes of one device at once leave one of them, whole', async (t) => {
    const { presence } = (await make(t)).store;
    const records = Array.from({ length: 8 }, (_, n) => ({
      ...presenceOf(workspaceA, 1, nowMs + n),
      connectionId: `connection ${n}`,
    }));
    await Promise.all(records.map((record) => presence.put(record)));
    const [left, ...more] = await presence.list(workspaceA, nowMs, 10);
    assert.deepEqual(more, []);
    assert.deepEqual(
      left,
      records.find(({ connectionId }) => connectionId === left?.connectionId),
    );
  });

  test('a second instance sees who is there', async (t) => {
    const { store, reopen } = await make(t);
    if (reopen === undefined) return t.skip('this store lasts as long as its instance');
    const record = presenceOf(workspaceA, 1, nowMs);
    await store.presence.put(record);
    const second = (await reopen()).presence;
    assert.deepEqual(await second.get(workspaceA, record.deviceId, nowMs), record);
    assert.deepEqual(await second.list(workspaceA, nowMs, 10), [record]);
  });
}

function expiryTests(make: MakeMetadataStore): void {
  test('a record is there until its time is over, and another write gives it a new time', async (t) => {
    const { presence } = (await make(t)).store;
    const record = presenceOf(workspaceA, 1, nowMs);
    const { deviceId, expiresMs } = record;
    await presence.put(record);
    assert.deepEqual(await presence.get(workspaceA, deviceId, expiresMs - 1), record);
    assert.deepEqual(await presence.list(workspaceA, expiresMs - 1, 10), [record]);
    assert.equal(await presence.get(workspaceA, deviceId, expiresMs), undefined);
    assert.deepEqual(await presence.list(workspaceA, expiresMs, 10), []);
    const again = { ...record, expiresMs: expiresMs + 1 };
    await presence.put(again);
    assert.deepEqual(await presence.get(workspaceA, deviceId, expiresMs), again);
  });

  test('sweeping takes what has expired and nothing else, once', async (t) => {
    const { presence } = (await make(t)).store;
    const records = [1, 2, 3, 4].map((n) => ({ ...presenceOf(workspaceA, n, nowMs), expiresMs: nowMs + n * 60_000 }));
    const other = { ...presenceOf(workspaceB, 1, nowMs), expiresMs: nowMs + 60_000 };
    await putAll(presence, [...records, other]);
    const swept = await presence.sweep(nowMs + 3 * 60_000);
    assert.ok(swept === 3 || swept === 0, 'three had expired, or the store forgets by itself');
    assert.equal(await presence.sweep(nowMs + 3 * 60_000), 0);
    const left = await presence.list(workspaceA, nowMs + 2 * 60_000, 10);
    assert.deepEqual(new Set(left.map(({ deviceId }) => deviceId)), new Set(records.slice(2).map((r) => r.deviceId)));
    if (swept === 3) assert.deepEqual(await presence.list(workspaceB, nowMs, 10), []);
  });
}

function orderTests(make: MakeMetadataStore): void {
  test('those that expired take no place of the limit', async (t) => {
    const { presence } = (await make(t)).store;
    const gone = [1, 2, 3].map((n) => ({ ...presenceOf(workspaceA, n, nowMs + 100 + n), expiresMs: nowMs + 1_000 }));
    const there = [4, 5, 6].map((n) => presenceOf(workspaceA, n, nowMs + n));
    await putAll(presence, [...gone, ...there]);
    const newest = [there[2], there[1]];
    assert.deepEqual(await presence.list(workspaceA, nowMs + 1_000, 2), newest);
    assert.deepEqual(await presence.list(workspaceA, nowMs + 1_000, 0), []);
  });

  test('more devices than one page of a store holds are listed, the newest first', async (t) => {
    const { presence } = (await make(t)).store;
    const records = Array.from({ length: 230 }, (_, n) => presenceOf(workspaceA, n + 1, nowMs + ((n * 37) % 230)));
    await Promise.all(records.map((record) => presence.put(record)));
    const newest = records.toSorted((a, b) => b.seenMs - a.seenMs);
    assert.deepEqual(await presence.list(workspaceA, nowMs, 1_000), newest);
    assert.deepEqual(await presence.list(workspaceA, nowMs, 120), newest.slice(0, 120));
  });

  test('whatever is put in whatever order: the newest seen of what stands, at most the limit', async (t) => {
    const { presence } = (await make(t)).store;
    const workspaces = [workspaceA, workspaceB] as const;
    const put = fc.record({
      place: fc.constantFrom(0, 1),
      device: fc.integer({ min: 1, max: 5 }),
      seen: fc.integer({ min: 0, max: 9 }),
      expires: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(put, { maxLength: 12 }), fc.nat(10), fc.nat(6), async (puts, now, limit) => {
        // What earlier runs left has expired: these are put over it with the times of this run.
        const cleared: typeof puts = [];
        const standing = new Map<string, PresenceRecord>();
        for (const place of [0, 1] as const) {
          for (let device = 1; device <= 5; device++) cleared.push({ place, device, seen: 0, expires: 0 });
        }
        for (const { place, device, seen, expires } of [...cleared, ...puts]) {
          const record = presenceOf(workspaces[place === 0 ? 0 : 1], device, nowMs + seen * 1_000);
          const timed = { ...record, expiresMs: nowMs + (expires + 1) * 60_000 };
          await presence.put(timed);
          standing.set(`${place} ${device}`, timed);
        }
        const atMs = nowMs + (now + 1) * 60_000;
        for (const workspaceId of workspaces) {
          const listed = await presence.list(workspaceId, atMs, limit);
          const expected = [...standing.values()]
            .filter((record) => record.workspaceId === workspaceId && record.expiresMs > atMs)
            .map(({ seenMs }) => seenMs)
            .sort((a, b) => b - a)
            .slice(0, limit);
          assert.deepEqual(
            listed.map(({ seenMs }) => seenMs),
            expected,
          );
          for (const record of listed) {
            const key = `${workspaces.indexOf(workspaceId)} ${Number.parseInt(record.deviceId, 16)}`;
            assert.deepEqual(record, standing.get(key));
          }
        }
      }),
      { numRuns: 25 },
    );
  });
}

export function presenceStoreContract(make: MakeMetadataStore): void {
  recordTests(make);
  expiryTests(make);
  orderTests(make);
}
