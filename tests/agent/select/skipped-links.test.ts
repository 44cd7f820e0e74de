/** A folder that links are not for: it is up to date without them, and takes them from nobody. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineWorld } from '../engine/world.ts';

it('a folder that skips links is up to date without those of the workspace, whatever becomes of them', async () => {
  const world = await EngineWorld.create();
  const [a, b] = await world.devices('laptop', 'phone');
  assert.ok(a !== undefined && b !== undefined);
  b.folder.skipsLinks = true;
  a.folder.mkdir('d');
  a.folder.link('d/link', 'somewhere');
  a.folder.write('d/file', 'text');
  await a.sync();
  const first = await b.sync();
  assert.deepEqual([first.upToDate, first.operations], [true, 0]);
  assert.deepEqual(
    first.problems.map(({ path, code }) => [path, code]),
    [['d/link', 'special']],
  );
  assert.equal((await (await b.engine()).status()).upToDate, true);
  assert.deepEqual(b.tree(), { d: 'dir', 'd/file': 'text' });

  a.folder.link('d/link', 'elsewhere');
  a.folder.move('d', 'e');
  await a.sync();
  b.folder.write('d/file', 'edited');
  const second = await b.sync();
  assert.deepEqual([second.upToDate, second.operations], [true, 1]);
  assert.deepEqual(b.tree(), { e: 'dir', 'e/file': 'edited' });
  await a.sync();
  assert.equal(a.tree()['e/link'], '-> elsewhere');

  b.folder.remove('e');
  const third = await b.sync();
  assert.equal(third.upToDate, true);
  await a.sync();
  assert.deepEqual(a.tree(), { e: 'dir', 'e/link': '-> elsewhere' }, 'what a device does not have it cannot delete');

  a.folder.remove('e');
  await a.sync();
  assert.equal((await b.sync()).upToDate, true);
  assert.deepEqual([a.tree(), b.tree()], [{}, {}]);
});
