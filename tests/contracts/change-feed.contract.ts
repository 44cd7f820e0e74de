/**
 * What every change feed owes, sentence by sentence of shared/ports/change-feed.ts, over the store whose changes it tells. On Azure
 * the feed trails, and tells of containers and blobs besides: `settle` waits until it has caught up, and only this test's own
 * names are looked at.
 */
import assert from 'node:assert/strict';
import { type TestContext, describe, test } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { BlobStore, Container } from '../../shared/ports/blob-store.ts';
import type { BlobChange, ChangeFeed } from '../../shared/ports/change-feed.ts';

export interface ChangeFeedUnderTest {
  readonly store: BlobStore;
  readonly feed: ChangeFeed;
  /** Resolves when everything that the store has done is in the feed. */
  readonly settle: () => Promise<void>;
}

/** Makes an empty store with a feed of its own; ends with the test. */
export type MakeChangeFeed = (t: TestContext) => Promise<ChangeFeedUnderTest>;

interface Followed {
  readonly changes: readonly BlobChange[];
  readonly cursor: string | null;
}

/** Reads on from a cursor to the end, page by page. */
async function follow(feed: ChangeFeed, cursor: string | null = null, limit = 100): Promise<Followed> {
  const changes: BlobChange[] = [];
  for (;;) {
    const page = await feed.read(cursor, limit);
    // A page may be empty though there is more: what is between may be of no blob of the store.
    if (page.changes.length === 0 && page.cursor === cursor) return { changes, cursor };
    changes.push(...page.changes);
    assert.ok(page.cursor !== null && page.cursor !== cursor && page.cursor.length <= 16_384);
    cursor = page.cursor;
  }
}

function kindsOf(changes: readonly BlobChange[], name: string, container: Container = 'chunks'): readonly string[] {
  return changes.filter((one) => one.container === container && one.name === name).map((one) => one.kind);
}

async function etagOf(store: BlobStore, container: Container, name: string): Promise<string> {
  const properties = await store.head(container, name);
  assert.ok(properties, `${name} is there`);
  return properties.etag;
}

async function createAndDelete(store: BlobStore, name: string, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    assert.equal(await store.put('chunks', name, utf8(`${i}`)), 'created');
    assert.equal(await store.deleteIfMatch('chunks', name, await etagOf(store, 'chunks', name)), 'deleted');
  }
}

function testsOfChanges(make: MakeChangeFeed): void {
  test('a feed of nothing is empty, and gives back the cursor', async (t) => {
    const { feed } = await make(t);
    assert.deepEqual(kindsOf((await follow(feed)).changes, 'w/a'), []);
    const { cursor } = await follow(feed);
    assert.deepEqual((await feed.read(cursor, 10)).cursor, cursor);
  });

  test('created and deleted blobs are told, with the incarnation that was created', async (t) => {
    const { store, feed, settle } = await make(t);
    await store.put('chunks', 'w/a', utf8('x'));
    await store.put('chunks', 'w/a', utf8('again'));
    await store.put('manifests', 'w/b', utf8('y'));
    const etag = await etagOf(store, 'chunks', 'w/a');
    await store.deleteIfMatch('chunks', 'w/a', 'another');
    await store.deleteIfMatch('chunks', 'w/a', etag);
    await settle();
    const { changes } = await follow(feed);
    assert.deepEqual(kindsOf(changes, 'w/a'), ['created', 'deleted']);
    assert.deepEqual(kindsOf(changes, 'w/b', 'manifests'), ['created']);
    const created = changes.find((change) => change.name === 'w/a');
    assert.ok(created !== undefined && (created.etag === etag || created.etag === ''));
    assert.ok(changes.every((change) => Number.isFinite(change.timeMs) && change.api !== ''));
  });

  test('a move is told in both containers, and a bulk delete for each name', async (t) => {
    const { store, feed, settle } = await make(t);
    await store.put('chunks', 'w/a', utf8('x'));
    const etag = await etagOf(store, 'chunks', 'w/a');
    await store.moveIfMatch('chunks', 'w/a', etag, 'quarantine');
    for (const name of ['w/b', 'w/c']) await store.put('chunks', name, utf8(name));
    await store.deleteMany('chunks', ['w/b', 'w/c', 'w/none']);
    await settle();
    const { changes } = await follow(feed);
    assert.deepEqual(kindsOf(changes, 'w/a'), ['created', 'deleted']);
    assert.deepEqual(kindsOf(changes, `w/a-${etag}`, 'quarantine'), ['created']);
    for (const name of ['w/b', 'w/c']) assert.deepEqual(kindsOf(changes, name), ['created', 'deleted']);
    assert.deepEqual(kindsOf(changes, 'w/none'), []);
  });

  test('a promoted blob is told as created', async (t) => {
    const { store, feed, settle } = await make(t);
    await store.put('staging', 'w/s/p', utf8('x'));
    const etag = await etagOf(store, 'staging', 'w/s/p');
    assert.equal(await store.promote('w/s/p', etag, 'w/p'), 'created');
    await settle();
    assert.deepEqual(kindsOf((await follow(feed)).changes, 'w/p'), ['created']);
  });
}

function testsOfReading(make: MakeChangeFeed): void {
  test('the changes of one name come in their order, by pages of any size', async (t) => {
    const { store, feed, settle } = await make(t);
    await Promise.all(['w/a', 'w/b', 'w/c'].map((name) => createAndDelete(store, name, 5)));
    await settle();
    const whole = (await follow(feed)).changes;
    const expected = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'created' : 'deleted'));
    for (const name of ['w/a', 'w/b', 'w/c']) assert.deepEqual(kindsOf(whole, name), expected);
    for (const limit of [1, 3, 7]) assert.deepEqual((await follow(feed, null, limit)).changes, whole);
  });

  test('from a cursor on nothing is left out and nothing comes again', async (t) => {
    const { store, feed, settle } = await make(t);
    const told: BlobChange[] = [];
    let cursor: string | null = null;
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 3; i++) await store.put('chunks', `w/${round}-${i}`, utf8('x'));
      await settle();
      const followed = await follow(feed, cursor, 2);
      told.push(...followed.changes);
      cursor = followed.cursor;
    }
    assert.deepEqual(told, (await follow(feed)).changes);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 3; i++) assert.deepEqual(kindsOf(told, `w/${round}-${i}`), ['created']);
    }
    assert.deepEqual(await follow(feed, cursor), { changes: [], cursor });
  });

  test('a reader beside writers misses nothing', async (t) => {
    const { store, feed, settle } = await make(t);
    const state = { writing: true };
    const names = ['w/a', 'w/b', 'w/c', 'w/d'];
    const written = Promise.all(names.map((name) => createAndDelete(store, name, 8))).finally(() => {
      state.writing = false;
    });
    const told: BlobChange[] = [];
    let cursor: string | null = null;
    while (state.writing) {
      const followed = await follow(feed, cursor, 5);
      told.push(...followed.changes);
      cursor = followed.cursor;
      await new Promise(setImmediate);
    }
    await written;
    await settle();
    told.push(...(await follow(feed, cursor)).changes);
    const expected = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 'created' : 'deleted'));
    for (const name of names) assert.deepEqual(kindsOf(told, name), expected);
    assert.deepEqual(told, (await follow(feed)).changes);
  });

  test('a cursor of anything else is malformed', async (t) => {
    const { store, feed, settle } = await make(t);
    await store.put('chunks', 'w/a', utf8('x'));
    await settle();
    const { cursor } = await follow(feed);
    assert.ok(cursor !== null);
    for (const foreign of ['', 'x', '0', '{}', '0123456789abcdef.1', 'memory-99', `${cursor}9`, cursor.slice(1)]) {
      await assert.rejects(feed.read(foreign, 10), (error) => isTidemarkError(error, 'malformed'), foreign);
    }
  });
}

export function changeFeedContract(name: string, make: MakeChangeFeed): void {
  describe(`change feed: ${name}`, () => {
    testsOfChanges(make);
    testsOfReading(make);
  });
}
