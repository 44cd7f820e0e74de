/** The change feed adapter over Microsoft's reader, on the feed that the embedded Azurite writes in Azure's own layout. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import * as fc from 'fast-check';
import { startAzurite } from '../../local/azurite/azurite.ts';
import type { AzuriteChange } from '../../local/azurite/blob-changes.ts';
import { encodeBlock, encodeChange, encodeFileHeader } from '../../local/azurite/change-feed-record.ts';
import { type ChangeFeedWriter, createChangeFeedWriter } from '../../local/azurite/change-feed-writer.ts';
import { createAzureBlobStore } from '../../shared/adapters/azure-blob/azure-blob-store.ts';
import { createAzureChangeFeed } from '../../shared/adapters/azure-change-feed/azure-change-feed.ts';
import { connectionStringAccess } from '../../shared/adapters/azure-storage/storage-access.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { BlobChange, ChangeFeed } from '../../shared/ports/change-feed.ts';
import { createManualClock } from '../contracts/manual-clock.ts';
import { accessOverTls } from './azurite-over-tls.ts';

const hour = 3_600_000;

async function makeWorld(t: TestContext) {
  const clock = createManualClock();
  const writers: ChangeFeedWriter[] = [];
  const onChange = (change: AzuriteChange): void => writers.at(-1)?.append(change);
  const azurite = await startAzurite({ folder: null, now: () => clock.now(), onChange, anyToken: true });
  t.after(() => azurite.close());
  const restart = (): ChangeFeedWriter => {
    writers.push(createChangeFeedWriter(azurite, () => clock.now()));
    return writers.at(-1)!;
  };
  const access = connectionStringAccess(azurite.connectionString, 'blob');
  const store = createAzureBlobStore({ access, clock: systemClock, createContainers: true });
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    '$blobchangefeed',
  );
  return { clock, azurite, writer: restart(), restart, store, feed: createAzureChangeFeed({ access }), container };
}

/** Everything from a cursor on, in pages of a size. */
async function readAll(feed: ChangeFeed, from: string | null, limit: number) {
  const changes: BlobChange[] = [];
  let cursor = from;
  for (;;) {
    const page = await feed.read(cursor, limit);
    assert.ok(page.changes.length <= limit);
    assert.ok((page.cursor ?? '').length <= 16 * 1024);
    if (page.changes.length === 0 && page.cursor === cursor) return { changes, cursor };
    changes.push(...page.changes);
    cursor = page.cursor;
  }
}

function madeUp(name: string, timeMs: number, account = 'a'): AzuriteChange {
  return {
    kind: 'created',
    api: 'PutBlob',
    account,
    container: 'chunks',
    name,
    etag: '0x1',
    length: 1,
    contentType: 'application/octet-stream',
    blobType: 'BlockBlob',
    timeMs,
  };
}

describe('the change feed of a storage account', () => {
  test('tells what happened to blobs, when the hour is over', async (t) => {
    const { clock, writer, store, feed } = await makeWorld(t);
    await store.put('chunks', 'w/a', utf8('one'));
    const etag = (await store.head('chunks', 'w/a'))?.etag ?? '';
    await store.moveIfMatch('chunks', 'w/a', etag, 'quarantine');
    await writer.flush();
    assert.deepEqual(await feed.read(null, 100), { changes: [], cursor: null });
    clock.advance(hour);
    await writer.flush();
    const page = await feed.read(null, 100);
    assert.deepEqual(
      page.changes.map(({ kind, api, container, name }) => [kind, api, container, name]),
      [
        ['created', 'PutBlob', 'chunks', 'w/a'],
        ['created', 'CopyBlob', 'quarantine', `w/a-${etag}`],
        ['deleted', 'DeleteBlob', 'chunks', 'w/a'],
      ],
    );
    assert.equal(page.changes[0]?.etag, etag);
    assert.equal(page.changes[0].timeMs, clock.now() - hour);
    assert.deepEqual(await feed.read(page.cursor, 100), { changes: [], cursor: page.cursor });
  });

  test('is read by an identity too', async (t) => {
    const { clock, writer, azurite } = await makeWorld(t);
    for (let i = 0; i < 3; i++) writer.append(madeUp(`n/${i}`, clock.now(), azurite.name));
    await writer.flush();
    clock.advance(hour);
    await writer.flush();
    const feed = createAzureChangeFeed({ access: accessOverTls(azurite.blobUrl) });
    const { changes } = await readAll(feed, null, 2);
    assert.deepEqual(
      changes.map(({ name }) => name),
      ['n/0', 'n/1', 'n/2'],
    );
  });

  test('any cursor goes on where it was taken, over hours, empty hours, files and blocks', async (t) => {
    const { clock, azurite, writer, restart, feed } = await makeWorld(t);
    const segments = fc.array(fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    });
    let cursor: string | null = null;
    let current = writer;
    let made = 0;
    await fc.assert(
      fc.asyncProperty(segments, fc.integer({ min: 1, max: 9 }), fc.boolean(), async (hours, limit, kill) => {
        const expected: string[] = [];
        for (const blocks of hours) {
          for (const count of blocks) {
            for (let i = 0; i < count; i++) {
              const name = `n/${made++}`;
              expected.push(name);
              current.append(madeUp(name, clock.now(), azurite.name));
            }
            await current.flush();
            if (kill) current = restart();
          }
          clock.advance(hour);
          await current.flush();
        }
        const { changes, cursor: end } = await readAll(feed, cursor, limit);
        assert.deepEqual(
          changes.map(({ name }) => name),
          expected,
        );
        const whole = await readAll(feed, cursor, 5_000);
        assert.deepEqual(whole.changes, changes);
        cursor = end;
      }),
      { numRuns: 4 },
    );
    assert.ok(made > 0);
  });

  test('goes on from places where the reader itself cannot: one shard of a segment has ended, another has not', async (t) => {
    const { clock, writer, feed, container } = await makeWorld(t);
    await writer.flush();
    const path = new Date(clock.now()).toISOString().replace(/^(\d+)-(\d+)-(\d+)T(\d+).*/, '$1/$2/$3/$400');
    const put = async (name: string, bytes: Uint8Array) =>
      container.getBlockBlobClient(name).upload(bytes, bytes.length);
    const marker = new Uint8Array(16).fill(9);
    for (const [shard, count] of [
      ['00', 2],
      ['01', 7],
    ] as const) {
      const records = Array.from({ length: count }, (_, i) =>
        encodeChange(madeUp(`${shard}/${i}`, clock.now()), `${i}`, i),
      );
      await put(
        `log/${shard}/${path}/00000.avro`,
        Buffer.concat([encodeFileHeader(marker), encodeBlock(records, marker)]),
      );
    }
    const chunkFilePaths = ['00', '01'].map((shard) => `$blobchangefeed/log/${shard}/${path}/`);
    await put(
      `idx/segments/${path}/meta.json`,
      utf8(JSON.stringify({ version: 0, status: 'Finalized', chunkFilePaths })),
    );
    clock.advance(hour);
    await put(
      'meta/segments.json',
      utf8(JSON.stringify({ version: 0, lastConsumable: new Date(clock.now()).toISOString() })),
    );
    const whole = (await readAll(feed, null, 100)).changes.map(({ name }) => name);
    assert.equal(whole.length, 9);
    for (const limit of [1, 3, 4]) {
      const paged = (await readAll(feed, null, limit)).changes.map(({ name }) => name);
      assert.deepEqual(paged, whole, `pages of ${limit}`);
    }
  });

  test('what was written in an hour that ended without its writer is final with the next writer', async (t) => {
    const { clock, azurite, writer, restart, feed, container } = await makeWorld(t);
    writer.append(madeUp('before', clock.now(), azurite.name));
    await writer.flush();
    const path = new Date(clock.now()).toISOString().replace(/^(\d+)-(\d+)-(\d+)T(\d+).*/, '$1/$2/$3/$400');
    // A process that ended between making a file and writing it.
    await container.getAppendBlobClient(`log/00/${path}/00001.avro`).create();
    clock.advance(5 * hour);
    const next = restart();
    next.append(madeUp('after', clock.now(), azurite.name));
    await next.flush();
    clock.advance(hour);
    await next.flush();
    const { changes } = await readAll(feed, null, 10);
    assert.deepEqual(
      changes.map(({ name }) => name),
      ['before', 'after'],
    );
    const meta = await container.getBlobClient(`idx/segments/${path}/meta.json`).downloadToBuffer();
    assert.match(meta.toString('utf8'), /"status": "Finalized"/);
  });

  test('a foreign cursor is malformed, and a feed that is not enabled unavailable', async (t) => {
    const { feed, writer } = await makeWorld(t);
    await assert.rejects(feed.read(null, 1), (error) => isTidemarkError(error, 'unavailable'));
    await writer.flush();
    const bad = ['', 'x', '{}', 'null', '{"v":2}', '{"v":1,"hour":"2026-11-22T10:30:00.000Z","read":0,"token":null}'];
    for (const cursor of [
      ...bad,
      `{"v":1,"hour":"2026-11-22T10:00:00.000Z","read":-1,"token":null}`,
      'x'.repeat(20_000),
    ]) {
      await assert.rejects(feed.read(cursor, 1), (error) => isTidemarkError(error, 'malformed'), cursor.slice(0, 80));
    }
  });
});
