/** What every blob store owes, sentence by sentence of shared/ports/blob-store.ts. */
import assert from 'node:assert/strict';
import { type TestContext, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { blobStagingContract } from './blob-staging.contract.ts';
import { blobUrlContract } from './blob-url.contract.ts';
import { collect, listAll } from './collect.ts';
import { concatBytes, utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { type BlobStore, type Container, containers } from '../../shared/ports/blob-store.ts';

export interface BlobStoreUnderTest {
  readonly store: BlobStore;
  /** Sends a request to one of the store's URLs. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  /** Moves the clock by which URLs expire; absent where it is not ours to move. */
  readonly advance?: (milliseconds: number) => void;
  /** How an upload to a name that is taken is refused: 409, or by Azure, which looks at the signature first, 403. */
  readonly takenStatus?: 403 | 409;
  /** A second instance over what the first one holds, as after a crash of the first. Absent where nothing lasts. */
  readonly reopen?: () => Promise<BlobStore>;
}

/** Makes an empty store; ends with the test. */
export type MakeBlobStore = (t: TestContext) => Promise<BlobStoreUnderTest>;

const badNames = [
  '',
  '/',
  'a/',
  '/a',
  'a//b',
  '.',
  '..',
  'a/..',
  '../a',
  'a/./b',
  'a b',
  'a\\b',
  'a%2fb',
  'ä',
  'a\0',
  'a\n',
];

async function mustHead(store: BlobStore, container: Container, name: string) {
  const properties = await store.head(container, name);
  assert.ok(properties, `${name} is there`);
  return properties;
}

function isMalformed(error: unknown): boolean {
  return isTidemarkError(error, 'malformed');
}

function testsOfBytes(make: MakeBlobStore): void {
  test('put creates once; a second put leaves the blob as it is', async (t) => {
    const { store } = await make(t);
    assert.equal(await store.put('chunks', 'a/b', utf8('first')), 'created');
    const before = await mustHead(store, 'chunks', 'a/b');
    assert.equal(await store.put('chunks', 'a/b', utf8('other')), 'exists');
    assert.deepEqual(await store.get('chunks', 'a/b'), utf8('first'));
    assert.deepEqual(await store.head('chunks', 'a/b'), before);
    assert.equal(before.length, 5);
    assert.ok(Number.isFinite(before.createdMs));
  });

  test('of racing puts of one name exactly one creates, and its bytes are there', async (t) => {
    const { store } = await make(t);
    const bodies = Array.from({ length: 16 }, (_, i) => new Uint8Array(10_000).fill(i));
    const results = await Promise.all(bodies.map((body) => store.put('chunks', 'race', body)));
    assert.deepEqual(results.toSorted(), ['created', ...Array<string>(15).fill('exists')]);
    assert.deepEqual(await store.get('chunks', 'race'), bodies[results.indexOf('created')]);
  });

  test('a reader beside a writer sees all of a blob or none', async (t) => {
    const { store } = await make(t);
    const body = new Uint8Array(1 << 20).fill(7);
    const state = { writing: true };
    const written = store.put('chunks', 'big', body).finally(() => (state.writing = false));
    while (state.writing) {
      const seen = await store.get('chunks', 'big');
      if (seen !== undefined) assert.equal(seen.length, body.length);
      await new Promise(setImmediate);
    }
    assert.equal(await written, 'created');
    assert.deepEqual(await store.get('chunks', 'big'), body);
  });

  test('bytes given and taken are not shared with the store', async (t) => {
    const { store } = await make(t);
    const given = utf8('given');
    await store.put('chunks', 'a', given);
    given.fill(0);
    (await store.get('chunks', 'a'))?.fill(1);
    assert.deepEqual(await store.get('chunks', 'a'), utf8('given'));
  });

  test('get gives any range, clipped to the blob', async (t) => {
    const { store } = await make(t);
    await store.put('chunks', 'a', utf8('0123456789'));
    await store.put('chunks', 'empty', new Uint8Array(0));
    assert.deepEqual(await store.get('chunks', 'a', { from: 2, to: 5 }), utf8('234'));
    assert.deepEqual(await store.get('chunks', 'a', { from: 8, to: 100 }), utf8('89'));
    assert.deepEqual(await store.get('chunks', 'a', { from: 10, to: 20 }), utf8(''));
    assert.deepEqual(await store.get('chunks', 'a', { from: 30, to: 40 }), utf8(''));
    assert.deepEqual(await store.get('chunks', 'empty'), utf8(''));
  });

  test('open streams the whole blob, in order', async (t) => {
    const { store } = await make(t);
    const body = new Uint8Array(700_001).map((_, i) => i % 251);
    await store.put('chunks', 'a', body);
    const opened = await store.open('chunks', 'a');
    assert.ok(opened);
    assert.deepEqual(opened.properties, await store.head('chunks', 'a'));
    assert.deepEqual(concatBytes(...(await collect(opened.pieces))), body);
  });

  test('what is absent is undefined, in every container', async (t) => {
    const { store } = await make(t);
    await store.put('chunks', 'a/b', utf8('x'));
    for (const [container, name] of [
      ['chunks', 'a'],
      ['chunks', 'a/b/c'],
      ['chunks', 'z'],
      ['manifests', 'a/b'],
    ] as const) {
      assert.equal(await store.head(container, name), undefined);
      assert.equal(await store.get(container, name), undefined);
      assert.equal(await store.open(container, name), undefined);
    }
  });

  test('bad names are malformed, whatever is asked', async (t) => {
    const { store } = await make(t);
    for (const name of badNames) {
      await assert.rejects(store.put('chunks', name, utf8('x')), isMalformed, `put ${name}`);
      await assert.rejects(store.head('chunks', name), isMalformed, `head ${name}`);
      await assert.rejects(store.get('chunks', name), isMalformed, `get ${name}`);
      await assert.rejects(store.open('chunks', name), isMalformed, `open ${name}`);
      await assert.rejects(store.createUrl('chunks', name, 60), isMalformed, `createUrl ${name}`);
      await assert.rejects(store.readUrl('chunks', name, 60), isMalformed, `readUrl ${name}`);
      await assert.rejects(store.deleteIfMatch('chunks', name, 'x'), isMalformed, `delete ${name}`);
      await assert.rejects(store.moveIfMatch('chunks', name, 'x', 'quarantine'), isMalformed, `move ${name}`);
      await assert.rejects(store.setTier('chunks', name, 'cool'), isMalformed, `setTier ${name}`);
      await assert.rejects(store.staged(name), isMalformed, `staged ${name}`);
      await assert.rejects(store.stageUrl(name, 60), isMalformed, `stageUrl ${name}`);
      await assert.rejects(store.promote('a', 'x', name), isMalformed, `promote to ${name}`);
      await assert.rejects(store.promote(name, 'x', 'a'), isMalformed, `promote ${name}`);
    }
  });
}

function testsOfIncarnations(make: MakeBlobStore): void {
  test('an ETag names one incarnation: it differs each time a name is deleted and created', async (t) => {
    const { store } = await make(t);
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) {
      assert.equal(await store.put('chunks', 'a', utf8('same')), 'created');
      const { etag } = await mustHead(store, 'chunks', 'a');
      seen.add(etag);
      assert.equal(await store.deleteIfMatch('chunks', 'a', etag), 'deleted');
      assert.equal(await store.head('chunks', 'a'), undefined);
    }
    assert.equal(seen.size, 20);
  });

  test('deleteIfMatch and moveIfMatch leave every other incarnation alone', async (t) => {
    const { store } = await make(t);
    await store.put('chunks', 'a', utf8('old'));
    const { etag } = await mustHead(store, 'chunks', 'a');
    await store.deleteIfMatch('chunks', 'a', etag);
    assert.equal(await store.deleteIfMatch('chunks', 'a', etag), 'changed');
    assert.equal(await store.moveIfMatch('chunks', 'a', etag, 'quarantine'), 'changed');
    await store.put('chunks', 'a', utf8('new'));
    assert.equal(await store.deleteIfMatch('chunks', 'a', etag), 'changed');
    assert.equal(await store.moveIfMatch('chunks', 'a', etag, 'quarantine'), 'changed');
    assert.deepEqual(await store.get('chunks', 'a'), utf8('new'));
    assert.deepEqual(await listAll(store, 'quarantine', ''), []);
  });

  test('moveIfMatch moves to the name with its ETag and frees the old name', async (t) => {
    const { store } = await make(t);
    await store.put('chunks', 'w/a.blob', utf8('bad'));
    const { etag } = await mustHead(store, 'chunks', 'w/a.blob');
    assert.equal(await store.moveIfMatch('chunks', 'w/a.blob', etag, 'quarantine'), 'moved');
    assert.equal(await store.head('chunks', 'w/a.blob'), undefined);
    assert.deepEqual(await store.get('quarantine', `w/a.blob-${etag}`), utf8('bad'));
    assert.equal(await store.put('chunks', 'w/a.blob', utf8('good')), 'created');
    const again = await mustHead(store, 'chunks', 'w/a.blob');
    assert.equal(await store.moveIfMatch('chunks', 'w/a.blob', again.etag, 'quarantine'), 'moved');
    assert.deepEqual(await listAll(store, 'quarantine', ''), [`w/a.blob-${etag}`, `w/a.blob-${again.etag}`].toSorted());
  });

  test('of racing deletes and moves of one incarnation exactly one takes it away', async (t) => {
    const { store } = await make(t);
    await store.put('chunks', 'a', utf8('x'));
    const { etag } = await mustHead(store, 'chunks', 'a');
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        i % 2 === 0 ? store.deleteIfMatch('chunks', 'a', etag) : store.moveIfMatch('chunks', 'a', etag, 'quarantine'),
      ),
    );
    assert.equal(results.filter((result) => result !== 'changed').length, 1);
    assert.equal(await store.head('chunks', 'a'), undefined);
  });

  test('racing deleters and creators: a delete never takes an incarnation that it does not name', async (t) => {
    const { store } = await make(t);
    let created = 0;
    let deleted = 0;
    const worker = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        if ((await store.put('chunks', 'a', utf8('x'))) === 'created') created += 1;
        const properties = await store.head('chunks', 'a');
        if (properties && (await store.deleteIfMatch('chunks', 'a', properties.etag)) === 'deleted') deleted += 1;
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    const left = (await store.head('chunks', 'a')) === undefined ? 0 : 1;
    assert.equal(created, deleted + left);
  });
}

function testsOfListing(make: MakeBlobStore): void {
  test('list gives the names with a prefix, ascending, of one container', async (t) => {
    const { store } = await make(t);
    const names = ['a-b', 'a.b', 'a/b', 'a/c/d', 'a0', 'b', 'A/z', 'a_/x'];
    for (const name of names) await store.put('chunks', name, utf8(name));
    await store.put('manifests', 'a/other', utf8('x'));
    const all = names.toSorted();
    assert.deepEqual(await listAll(store, 'chunks', ''), all);
    for (const prefix of ['a', 'a/', 'a/c', 'a/c/d', 'a/c/d/', 'z', 'a/b', 'A', '..', 'a//', '../manifests/']) {
      const expected = all.filter((name) => name.startsWith(prefix));
      assert.deepEqual(await listAll(store, 'chunks', prefix), expected, `prefix ${prefix}`);
    }
    for (const container of containers.slice(2)) assert.deepEqual(await listAll(store, container, ''), []);
  });

  test('any names come back in order, by any prefix', async (t) => {
    const { store } = await make(t);
    const segment = fc.stringMatching(/^[a-c0.-]{1,4}x$/);
    const prefixes = new Set<string>();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(segment, segment), { maxLength: 6, selector: String }),
        async (pairs) => {
          const base = `r${round++}/`;
          const names = pairs.map(([folder, name]) => `${base}d${folder}/${name}`);
          for (const name of names) await store.put('manifests', name, utf8(name));
          const prefix = base + (pairs[0]?.[0] === undefined ? '' : `d${pairs[0][0].slice(0, 2)}`);
          prefixes.add(prefix);
          const expected = names.filter((name) => name.startsWith(prefix)).toSorted();
          assert.deepEqual(await listAll(store, 'manifests', prefix), expected);
          assert.deepEqual(await listAll(store, 'manifests', base), names.toSorted());
        },
      ),
      { numRuns: 25 },
    );
    assert.ok(prefixes.size > 1);
  });
}

export function blobStoreContract(name: string, make: MakeBlobStore): void {
  describe(`blob store: ${name}`, () => {
    testsOfBytes(make);
    testsOfIncarnations(make);
    testsOfListing(make);
    blobUrlContract(make);
    blobStagingContract(make);
  });
}
