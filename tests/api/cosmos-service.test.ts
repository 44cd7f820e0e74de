/** The whole service over Cosmos DB whose replicas are far behind: what a client has done, it sees. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from './world/calls.ts';
import { createCosmosService, withSession } from './world/cosmos-world.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation } from './world/test-device.ts';

void test('a client reads what it wrote, from any instance, however far replicas are behind', async (t) => {
  const { emulator, instance } = await createCosmosService(t);
  emulator.lag = 100_000;
  const session = { token: null };
  const here = withSession(instance(), session);
  const there = withSession({ ...instance(), blobs: here.blobs }, session);
  const { workspaceId } = await createWorkspaceAs(here, 'ann');
  const device = await TestDevice.register(here, 'ann', workspaceId, 'laptop');
  const elsewhere = new TestDevice(there, 'ann', workspaceId, device.deviceId);
  for (let n = 1; n <= 10; n++) {
    const [one, other] = n % 2 === 0 ? [device, elsewhere] : [elsewhere, device];
    const request = one.request([mkdirOperation(`folder ${n}`, `folder ${n}`)]);
    const { head } = await must(one.send(request, `commit ${n}`));
    assert.equal(head?.seq, n);
    const { headSeq, entries } = await must(other.changes());
    assert.deepEqual([headSeq, entries.length], [n, n]);
    assert.equal((await other.list()).size, n);
  }
  const { head } = await device.commitPut({ node: 'file', name: 'file', text: 'some text' });
  assert.equal(head?.seq, 11);
  assert.equal((await elsewhere.list()).size, 11);
});

void test('a client without its token may see an older state, never a wrong one', async (t) => {
  const { emulator, instance } = await createCosmosService(t);
  const world = instance();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const device = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  await device.commit(mkdirOperation('a', 'a'));
  await device.commit(mkdirOperation('b', 'b'));
  for (const lag of [1, 2, 5, 9]) {
    emulator.lag = lag;
    const reply = await device.changes();
    if (!reply.ok) continue;
    assert.ok(reply.value.headSeq <= 2);
    assert.deepEqual(
      reply.value.entries.map(({ seq }) => seq),
      [1, 2].slice(0, reply.value.entries.length),
    );
  }
  emulator.lag = 0;
  assert.equal((await must(device.changes())).headSeq, 2);
});
