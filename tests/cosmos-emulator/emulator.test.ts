/** The emulator through the official SDK, unmodified: whatever the adapter relies on, refusals above all. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JSONObject, OperationInput } from '@azure/cosmos';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';
import { startCosmosEmulator } from './emulator.ts';
import { createClient, createEmulatorWorld } from './world.ts';

function hasCode(code: number, substatus?: number) {
  return (error: unknown) => {
    const { code: found, substatus: sub } = error as { code?: number; substatus?: number };
    assert.equal(found, code, String(error));
    if (substatus !== undefined) assert.equal(sub, substatus);
    return true;
  };
}

const create = (resourceBody: JSONObject): OperationInput => ({ operationType: 'Create', resourceBody });

test('a document is created, read, replaced under its ETag, upserted and deleted', async (t) => {
  const { container } = await createEmulatorWorld(t);
  const created = await container.items.create({ id: 'a', pk: 'p', n: 1 });
  assert.equal(created.statusCode, 201);
  await assert.rejects(container.items.create({ id: 'a', pk: 'p' }), hasCode(409));
  await container.items.create({ id: 'a', pk: 'other' });
  const item = container.item('a', 'p');
  assert.equal((await item.read()).resource?.n, 1);
  const accessCondition = { type: 'IfMatch', condition: created.etag };
  const replaced = await item.replace({ id: 'a', pk: 'p', n: 2 }, { accessCondition });
  assert.notEqual(replaced.etag, created.etag);
  await assert.rejects(item.replace({ id: 'a', pk: 'p', n: 3 }, { accessCondition }), hasCode(412));
  await assert.rejects(item.delete({ accessCondition }), hasCode(412));
  assert.equal((await container.items.upsert({ id: 'a', pk: 'p', n: 4 })).statusCode, 200);
  assert.equal((await container.items.upsert({ id: 'b', pk: 'p', n: 4 })).statusCode, 201);
  assert.equal((await item.read()).resource?.n, 4);
  await item.delete();
  assert.equal((await item.read()).statusCode, 404);
  await assert.rejects(item.delete(), hasCode(404));
  assert.ok(created.requestCharge >= 5);
});

test('wrong keys, bodies, ids and headers are refused', async (t) => {
  const { emulator, container } = await createEmulatorWorld(t);
  const stranger = createClient(emulator.endpoint, Buffer.from('another key').toString('base64'));
  t.after(() => stranger.dispose());
  await assert.rejects(stranger.database('test').read(), hasCode(401));
  await assert.rejects(container.items.create({ id: 'a/b', pk: 'p' }));
  await assert.rejects(container.item('a', 'p').replace({ id: 'a', pk: 'q' }), hasCode(404));
  await container.items.create({ id: 'a', pk: 'p' });
  await assert.rejects(container.item('a', 'p').replace({ id: 'a', pk: 'q' }), hasCode(400, 1001));
  await assert.rejects(container.items.create({ id: 'b', pk: 'p', ttl: 0 }), hasCode(400));
  await assert.rejects(container.items.create({ id: 'big', pk: 'p', v: 'x'.repeat(2 * 1024 * 1024) }), hasCode(413));
  await assert.rejects(container.items.create({ id: 'c', pk: 'p' }, { indexingDirective: 'Exclude' }), hasCode(400));
  await assert.rejects(container.database.containers.create({ id: 'x', partitionKey: { paths: ['/a', '/b'] } }));
  await assert.rejects(
    container.database.container('nowhere').items.query('SELECT * FROM c', { partitionKey: 'p' }).fetchAll(),
  );
});

test('a batch happens whole or not at all', async (t) => {
  const { container } = await createEmulatorWorld(t);
  const good = await container.items.batch([create({ id: 'a', pk: 'p' }), create({ id: 'b', pk: 'p' })], 'p');
  assert.equal(good.code, 200);
  assert.deepEqual(
    good.result?.map((one) => one.statusCode),
    [201, 201],
  );
  const bad = await container.items.batch([create({ id: 'c', pk: 'p' }), create({ id: 'a', pk: 'p' })], 'p');
  assert.equal(bad.code, 207);
  assert.deepEqual(
    bad.result?.map((one) => one.statusCode),
    [424, 409],
  );
  assert.equal((await container.item('c', 'p').read()).statusCode, 404);
  const stale = await container.items.batch(
    [
      create({ id: 'c', pk: 'p' }),
      { operationType: 'Replace', id: 'a', ifMatch: '"old"', resourceBody: { id: 'a', pk: 'p' } },
    ],
    'p',
  );
  assert.deepEqual(
    stale.result?.map((one) => one.statusCode),
    [424, 412],
  );
  const stranger = await container.items.batch([create({ id: 'd', pk: 'q' })], 'p');
  assert.equal(stranger.code, 207);
  const big = Array.from({ length: 3 }, (_, i) => create({ id: `big${i}`, pk: 'p', v: 'x'.repeat(900_000) }));
  await assert.rejects(container.items.batch(big, 'p'), (error: Error) => hasCode(413)(error.cause));
});

test('a query stays in its partition, pages, orders and filters', async (t) => {
  const { container } = await createEmulatorWorld(t);
  for (let n = 0; n < 25; n++) await container.items.create({ id: `id-${String(n).padStart(2, '0')}`, pk: 'p', n });
  await container.items.create({ id: 'id-03', pk: 'q', n: 3 });
  const ids = 'SELECT VALUE c.id FROM c';
  const pages: string[][] = [];
  const iterator = container.items.query<string>(`${ids} ORDER BY c.id DESC`, { partitionKey: 'p', maxItemCount: 10 });
  while (iterator.hasMoreResults()) pages.push((await iterator.fetchNext()).resources);
  assert.deepEqual(
    pages.map((page) => page.length),
    [10, 10, 5],
  );
  assert.equal(pages[0]![0], 'id-24');
  const byNumber = container.items.query<{ n: number }>('SELECT * FROM c ORDER BY c.n DESC', {
    partitionKey: 'p',
    maxItemCount: 10,
  });
  const numbers: number[][] = [];
  while (byNumber.hasMoreResults()) numbers.push((await byNumber.fetchNext()).resources.map(({ n }) => n));
  assert.deepEqual(
    numbers,
    [24, 14, 4].map((from) => Array.from({ length: Math.min(10, from + 1) }, (_, i) => from - i)),
  );
  const query = {
    query: `SELECT TOP 2 c.id, c.n FROM c WHERE c.n >= @from AND c.id IN (@a, @b, @c) ORDER BY c.id`,
    parameters: [
      { name: '@from', value: 4 },
      { name: '@a', value: 'id-03' },
      { name: '@b', value: 'id-04' },
      { name: '@c', value: 'id-05' },
    ],
  };
  const found = await container.items.query(query, { partitionKey: 'p' }).fetchAll();
  assert.deepEqual(found.resources, [
    { id: 'id-04', n: 4 },
    { id: 'id-05', n: 5 },
  ]);
  const everywhere = { query: `${ids} WHERE c.n = @n`, parameters: [{ name: '@n', value: 3 }] };
  await assert.rejects(container.items.query(everywhere).fetchAll(), hasCode(400));
  const filter = { ...everywhere, query: 'SELECT c.pk FROM c WHERE c.n = @n' };
  assert.deepEqual((await container.items.query(filter).fetchAll()).resources, [{ pk: 'p' }, { pk: 'q' }]);
});

test('a query that it does not know, or that would scan, is refused', async (t) => {
  const { container } = await createEmulatorWorld(t);
  const parameters = [{ name: '@a', value: 'x' }];
  const refused = [
    'SELECT * FROM c WHERE c.other = @a',
    'SELECT * FROM c ORDER BY c.other',
    'SELECT * FROM c WHERE c.id = @missing',
    "SELECT * FROM c WHERE c.id = 'literal'",
    'SELECT COUNT(1) FROM c',
    'SELECT * FROM c WHERE c.id = @a OR c.id = @a',
    'SELECT * FROM c JOIN d IN c.d',
    'DELETE FROM c',
  ];
  for (const query of refused) {
    const asked = container.items.query({ query, parameters }, { partitionKey: 'p' }).fetchAll();
    await assert.rejects(asked, hasCode(400), query);
  }
});

test('documents end with their time to live, by the clock that was given', async (t) => {
  let now = 1_000_000;
  const { container } = await createEmulatorWorld(t, { now: () => now });
  await container.items.create({ id: 'short', pk: 'p', ttl: 10 });
  await container.items.create({ id: 'long', pk: 'p' });
  now += 9_999;
  assert.equal((await container.item('short', 'p').read()).statusCode, 200);
  now += 1;
  assert.equal((await container.item('short', 'p').read()).statusCode, 404);
  const left = await container.items.query('SELECT VALUE c.id FROM c', { partitionKey: 'p' }).fetchAll();
  assert.deepEqual(left.resources, ['long']);
  assert.equal((await container.items.create({ id: 'short', pk: 'p' })).statusCode, 201);
});

test('a read without a session token may be behind; with one it sees the write, or says that it cannot', async (t) => {
  const { emulator, container } = await createEmulatorWorld(t, { lagMax: 5 });
  await container.items.create({ id: 'a', pk: 'p', n: 1 });
  const written = await container.items.upsert({ id: 'a', pk: 'p', n: 2 });
  const sessionToken = written.headers['x-ms-session-token'] as string;
  emulator.lag = 1;
  const item = container.item('a', 'p');
  const all = 'SELECT VALUE c.n FROM c';
  assert.equal((await item.read()).resource?.n, 1);
  assert.deepEqual((await container.items.query(all, { partitionKey: 'p' }).fetchAll()).resources, [1]);
  assert.equal((await item.read({ sessionToken })).resource?.n, 2);
  assert.deepEqual((await container.items.query(all, { partitionKey: 'p', sessionToken }).fetchAll()).resources, [2]);
  emulator.lag = 5;
  assert.equal((await item.read()).statusCode, 404);
  emulator.lag = 0;
  assert.equal((await item.read()).resource?.n, 2);
  const strict = createClient(emulator.endpoint, emulator.key, {
    connectionPolicy: { enableEndpointDiscovery: false },
  });
  t.after(() => strict.dispose());
  const future = await strict.database('test').container('things').item('a', 'p').read({ sessionToken: '0:-1#999' });
  assert.deepEqual([future.statusCode, future.substatus], [404, 1002]);
  await assert.rejects(item.read({ sessionToken: 'nonsense' }), hasCode(400));
});

test('faults: throttling, and a write that is done though its answer is lost', async (t) => {
  const { emulator, container } = await createEmulatorWorld(t);
  await container.items.create({ id: 'warm', pk: 'p' });
  emulator.fault = () => ({ kind: 'throttle', retryAfterMs: 7 });
  await assert.rejects(
    container.items.create({ id: 'a', pk: 'p' }),
    (error: { code: number; retryAfterInMs: number }) => {
      assert.deepEqual([error.code, error.retryAfterInMs], [429, 7]);
      return true;
    },
  );
  emulator.fault = () => ({ kind: 'break-before' });
  await assert.rejects(container.items.create({ id: 'b', pk: 'p' }));
  emulator.fault = () => ({ kind: 'break-after' });
  await assert.rejects(container.items.create({ id: 'c', pk: 'p' }), { code: 'ECONNRESET' });
  emulator.fault = undefined;
  const found = await container.items.query('SELECT VALUE c.id FROM c', { partitionKey: 'p' }).fetchAll();
  assert.deepEqual(found.resources, ['c', 'warm']);
});

test('a file keeps everything; the process ends with its parent', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'cosmos.sqlite');
  const first = await startCosmosEmulator({ file });
  const client = createClient(first.endpoint, first.key);
  const { database } = await client.databases.create({ id: 'test' });
  const { container } = await database.containers.create({ id: 'things', partitionKey: { paths: ['/pk'] } });
  await container.items.create({ id: 'a', pk: 'p' });
  client.dispose();
  await first.close();
  const script = fileURLToPath(new URL('main.ts', import.meta.url));
  const child = fork(script, ['--file', file], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [told] = (await once(child, 'message')) as [{ endpoint: string; key: string }];
  const second = createClient(told.endpoint, told.key);
  t.after(() => second.dispose());
  assert.equal((await second.database('test').container('things').item('a', 'p').read()).statusCode, 200);
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
});
