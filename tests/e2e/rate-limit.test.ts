/** Devices whose user is limited to a handful of requests: they wait as they are told, and end equal. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import { openClient } from '../local/stack-client.ts';
import { type World, openSharedFolder, openWorld } from './world.ts';

let world: World;

before(async () => {
  world = await openWorld({ TIDEMARK_RATE_LIMIT: '3/1' });
});
after(() => world.close());

test('a sync on an empty bucket converges', async () => {
  const { server } = world.stack.endpoints;
  // First, while the bucket is full: this client of the tests waits for nothing.
  const { token } = await openClient(server, 'ann');
  const [a, b] = await openSharedFolder(world, 'limited');
  mkdirSync(join(a.folder, 'docs'));
  for (let i = 0; i < 30; i++) writeFileSync(join(a.folder, 'docs', `${i}.txt`), `content ${i}`);
  const statuses: number[] = [];
  for (const device of [a, b]) {
    // Nothing is left for the first request of the sync.
    let response: Response;
    do {
      response = await fetch(`${server}/workspaces`, { headers: { authorization: `Bearer ${token}` } });
      await response.arrayBuffer();
      assert.equal(response.headers.get('ratelimit-policy'), '"user";q=3;w=1');
    } while (response.status === 200);
    statuses.push(response.status);
    assert.ok(Number(response.headers.get('retry-after')) >= 1);
    assert.ok((await device.sync()).upToDate);
  }
  assert.deepEqual(statuses, [429, 429]);
  assert.deepEqual(compareFolders(a.folder, b.folder), []);
});
