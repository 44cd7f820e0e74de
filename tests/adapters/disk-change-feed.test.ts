/** What only the change feed on disk can get wrong: several processes that tell, crashes, and what is forgotten. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createDiskBlobStore } from '../../shared/adapters/disk/disk-blob-store.ts';
import { ChangeLog, changeLogName } from '../../shared/adapters/disk/change-log.ts';
import { type DiskChangeFeed, createDiskChangeFeed } from '../../shared/adapters/disk/disk-change-feed.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { type Log, silentLog } from '../../shared/ports/log.ts';
import type { BlobChange } from '../../shared/ports/change-feed.ts';
import { createBlobServer } from '../../local/blob/blob-server.ts';
import { collect } from '../contracts/collect.ts';
import { createManualClock } from '../contracts/manual-clock.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

const key = new Uint8Array(32).fill(5);
const clock = createManualClock();

function openStore(folder: string, endpoint = 'http://blobs.example', log: Log = silentLog) {
  return createDiskBlobStore({ folder, endpoint, key, clock, log });
}

function openFeed(t: TestContext, folder: string, kept?: number): DiskChangeFeed {
  const feed = createDiskChangeFeed(kept === undefined ? { folder } : { folder, kept });
  t.after(() => feed.close());
  return feed;
}

async function readAll(feed: DiskChangeFeed): Promise<readonly BlobChange[]> {
  const changes: BlobChange[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await feed.read(cursor, 500);
    if (page.changes.length === 0) return changes;
    changes.push(...page.changes);
    cursor = page.cursor;
  }
}

function change(n: number): BlobChange {
  return { kind: 'created', container: 'chunks', name: `w/${n}`, etag: `${n}`, timeMs: n, api: 'PutBlob' };
}

test('the endpoint and the store tell one feed: uploads, staged blobs, promotion, deletes, tiers', async (t) => {
  const folder = await createTemporaryFolder(t);
  const server = createBlobServer({ folder, key, clock, log: silentLog });
  const store = openStore(folder, await server.start('127.0.0.1', 0));
  t.after(() => server.close(0));
  const headers = { 'x-ms-blob-type': 'BlockBlob' };
  await fetch(await store.createUrl('chunks', 'w/a', 60), { method: 'PUT', headers, body: 'x' });
  const url = await store.stageUrl('w/s/p', 60);
  await fetch(`${url}&comp=block&blockid=AAAA`, { method: 'PUT', body: 'block' });
  await fetch(`${url}&comp=blocklist`, { method: 'PUT', body: '<BlockList><Latest>AAAA</Latest></BlockList>' });
  const { etag } = (await store.head('staging', 'w/s/p'))!;
  await store.promote('w/s/p', etag, 'w/p');
  await store.deleteIfMatch('staging', 'w/s/p', etag);
  await store.setTier('chunks', 'w/p', 'cool');
  const told = await readAll(openFeed(t, folder));
  assert.deepEqual(
    told.map(({ kind, container, name, api }) => [kind, container, name, api]),
    [
      ['created', 'chunks', 'w/a', 'PutBlob'],
      ['created', 'staging', 'w/s/p', 'PutBlockList'],
      ['created', 'chunks', 'w/p', 'CopyBlob'],
      ['deleted', 'staging', 'w/s/p', 'DeleteBlob'],
      ['other', 'chunks', 'w/p', 'SetBlobTier'],
    ],
  );
  assert.equal(told[2]!.etag, (await store.head('chunks', 'w/p'))?.etag);
});

test('what could not be created is not told', async (t) => {
  const folder = await createTemporaryFolder(t);
  const store = openStore(folder);
  await store.put('chunks', 'a', utf8('blob'));
  await store.put('chunks', 'b/c', utf8('blob'));
  assert.equal(await store.put('chunks', 'a', utf8('again')), 'exists');
  for (const name of ['a/b', 'b']) {
    await assert.rejects(store.put('chunks', name, utf8('x')), (error) => isTidemarkError(error, 'conflict'));
  }
  assert.equal(await store.deleteIfMatch('chunks', 'a', 'other'), 'changed');
  await store.deleteMany('chunks', ['none']);
  const told = await readAll(openFeed(t, folder));
  assert.deepEqual(
    told.map((one) => one.name),
    ['a', 'b/c'],
  );
});

test('many stores at once tell the changes of one name in their order', async (t) => {
  const folder = await createTemporaryFolder(t);
  const worker = async (): Promise<void> => {
    const store = openStore(folder);
    for (let i = 0; i < 20; i++) {
      await store.put('chunks', 'w/a', utf8('x'));
      const etag = (await store.head('chunks', 'w/a'))?.etag;
      if (etag !== undefined) await store.deleteIfMatch('chunks', 'w/a', etag);
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  const told = await readAll(openFeed(t, folder));
  for (const [i, one] of told.entries()) assert.equal(one.kind, i % 2 === 0 ? 'created' : 'deleted');
  // A deletion names the incarnation that was created right before it.
  for (let i = 1; i < told.length; i += 2) assert.equal(told[i]!.etag, told[i - 1]!.etag);
});

test('after kill -9 every blob that is there is told, and a reader goes on from its cursor', async (t) => {
  const folder = await createTemporaryFolder(t);
  const victim = path.join(import.meta.dirname, '..', 'local', 'blob', 'write-until-killed.ts');
  const blobFolder = path.join(folder, 'blobs');
  const feed = openFeed(t, blobFolder);
  const told = new Set<string>();
  let cursor: string | null = null;
  for (const lines of [5, 20]) {
    const child = spawn(process.execPath, [victim, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.split('\n').length > lines) child.kill('SIGKILL');
    });
    await once(child, 'close');
    for (;;) {
      const page: Awaited<ReturnType<DiskChangeFeed['read']>> = await feed.read(cursor, 7);
      if (page.changes.length === 0) break;
      for (const one of page.changes) told.add(one.name);
      cursor = page.cursor;
    }
    const there = await collect(openStore(blobFolder).list('chunks', ''));
    assert.ok(there.length >= lines);
    assert.deepEqual(
      there.filter((name) => !told.has(name)),
      [],
    );
    // A crash between telling and doing leaves one change that did not come about, at most, for each kill.
    assert.ok(told.size <= there.length + 2);
  }
});

test('the oldest changes are forgotten, and a cursor from before them is refused', async (t) => {
  const folder = await createTemporaryFolder(t);
  const log = new ChangeLog(path.join(folder, changeLogName), { kept: 100 });
  t.after(() => log.close());
  log.append([change(1)]);
  const { cursor: old } = log.read(null, 1);
  for (let n = 2; n <= 1_023; n++) log.append([change(n)]);
  const { cursor: young } = log.read(old, 1_000);
  log.append([change(1_024)]);
  const kept = log.read(null, 10_000).changes;
  assert.equal(kept.length, 100);
  assert.equal(kept.at(-1)?.name, 'w/1024');
  assert.deepEqual(log.read(young, 1_000).changes.at(-1), change(1_024));
  assert.throws(() => log.read(old, 10), { code: 'malformed' });
});

test('a damaged feed keeps nobody from writing: it begins anew, for all stores, with a warning', async (t) => {
  const folder = await createTemporaryFolder(t);
  await writeFile(path.join(folder, changeLogName), 'this is no database, and long enough to be looked at'.repeat(100));
  const warned: string[] = [];
  const log = { ...silentLog, warn: (_: unknown, message: string) => void warned.push(message) };
  const [first, second] = [openStore(folder, undefined, log), openStore(folder, undefined, log)];
  for (const [store, name] of [
    [first, 'a'],
    [second, 'b'],
    [first, 'c'],
  ] as const) {
    assert.equal(await store.put('chunks', name, utf8('x')), 'created');
  }
  assert.equal(warned.length, 1);
  const told = await readAll(openFeed(t, folder));
  assert.deepEqual(
    told.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
});

test('a reader that finds the feed damaged begins it anew too', async (t) => {
  const folder = await createTemporaryFolder(t);
  await writeFile(path.join(folder, changeLogName), 'this is no database, and long enough to be looked at'.repeat(100));
  const feed = openFeed(t, folder);
  assert.deepEqual(await feed.read(null, 10), { changes: [], cursor: null });
  await openStore(folder).put('chunks', 'a', utf8('x'));
  assert.equal((await readAll(feed)).length, 1);
});

test('whoever has the old feed open goes on in the new one, and cursors of the old one are refused', async (t) => {
  const folder = await createTemporaryFolder(t);
  const [one, other] = [0, 1].map(() => new ChangeLog(path.join(folder, changeLogName)));
  t.after(() => one!.close());
  t.after(() => other!.close());
  one!.append([change(1)]);
  other!.append([change(2)]);
  const { cursor } = other!.read(null, 10);
  one!.leaveAside();
  other!.append([change(3)]);
  one!.append([change(4)]);
  assert.deepEqual(other!.read(null, 10).changes, [change(3), change(4)]);
  assert.throws(() => one!.read(cursor, 10), { code: 'malformed' });
});

test('changes that are asked for at once are told in few transactions, and those of one name in their order', async (t) => {
  const folder = await createTemporaryFolder(t);
  const store = openStore(folder);
  const names = Array.from({ length: 100 }, (_, n) => `w/${n}`);
  await Promise.all(names.map((name) => store.put('chunks', name, utf8('x'))));
  const same = await Promise.all(Array.from({ length: 5 }, () => store.put('chunks', 'w/same', utf8('x'))));
  assert.deepEqual(same.toSorted(), ['created', 'exists', 'exists', 'exists', 'exists']);
  const appended = t.mock.method(ChangeLog.prototype, 'append');
  await store.deleteMany('chunks', [...names, 'w/0', 'none']);
  assert.ok(appended.mock.callCount() <= 2, `${appended.mock.callCount()} transactions`);
  const told = await readAll(openFeed(t, folder));
  assert.deepEqual(
    told.slice(101).map(({ kind, name }) => [kind, name]),
    names.map((name) => ['deleted', name]),
  );
  assert.deepEqual(
    told
      .slice(0, 101)
      .map(({ name }) => name)
      .toSorted(),
    [...names, 'w/same'].toSorted(),
  );
});

test('a cursor of another folder is refused, though it has as many changes', async (t) => {
  const feeds = await Promise.all(
    [0, 1].map(async () => {
      const folder = await createTemporaryFolder(t);
      await openStore(folder).put('chunks', 'a', utf8('x'));
      return openFeed(t, folder);
    }),
  );
  const { cursor } = await feeds[0]!.read(null, 10);
  await assert.rejects(feeds[1]!.read(cursor, 10), (error) => isTidemarkError(error, 'malformed'));
});
