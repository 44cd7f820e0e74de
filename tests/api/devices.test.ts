/** A person's devices: listed, revoked for ever, and what a revoked one can still do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { parseDeviceId } from '../../shared/core/ids.ts';
import { deviceList, deviceView } from '../../shared/core/wire/device.ts';
import { uploadSessionStatus } from '../../shared/core/wire/upload-status.ts';
import { call, must, mustFail } from './world/calls.ts';
import { clientOf } from './world/test-client.ts';
import { TestDevice, createWorkspaceAs, idBytesOf, mkdirOperation } from './world/test-device.ts';
import { createTestWorld } from './world/test-world.ts';

async function start() {
  const world = createTestWorld();
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const laptop = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  world.clock.ms += 1_000;
  const phone = await TestDevice.register(world, 'ann', workspaceId, 'phone');
  return { world, workspaceId, laptop, phone, ann: clientOf(world, 'ann') };
}

describe('devices', () => {
  it('are listed for their owner alone, with the time when each was revoked', async () => {
    const { world, laptop, phone, ann } = await start();
    assert.deepEqual(await clientOf(world, 'bob').listDevices(), []);
    const revoked = await ann.revokeDevice(laptop.deviceId);
    assert.equal(revoked.revokedMs, world.clock.ms);
    const devices = await ann.listDevices();
    assert.deepEqual(
      devices.map(({ deviceId, name, revokedMs }) => [deviceId, name, revokedMs]),
      [
        [laptop.deviceId, 'laptop', world.clock.ms],
        [phone.deviceId, 'phone', null],
      ],
    );
  });

  it('are revoked once: a repeat keeps the time of the first', async () => {
    const { world, laptop, ann } = await start();
    const first = await ann.revokeDevice(laptop.deviceId);
    world.clock.ms += 1_000;
    assert.deepEqual(await ann.revokeDevice(laptop.deviceId), first);
  });

  it('of others are not there, and neither are those that never were', async () => {
    const { world, laptop } = await start();
    const bob = clientOf(world, 'bob');
    for (const id of [laptop.deviceId, parseDeviceId('9'.repeat(32))]) {
      await assert.rejects(bob.revokeDevice(id), { code: 'not-found', message: 'there is no such device of yours' });
    }
    assert.equal((await clientOf(world, 'ann').listDevices())[0]?.revokedMs, null);
    const odd = call(world.api, { token: 'ann', method: 'DELETE', path: '/devices/laptop', response: deviceView });
    await mustFail(odd, 'malformed');
    const path = `/devices/${laptop.deviceId}`;
    const reader = call(world.api, { token: 'reader', method: 'DELETE', path, response: deviceView });
    await mustFail(reader, 'forbidden');
  });
});

describe('a revoked device', () => {
  it('neither commits nor uploads, nor comes back by its token; the others go on', async () => {
    const { world, laptop, phone, workspaceId, ann } = await start();
    await laptop.commit(mkdirOperation('a', 'a'));
    const session = await must(laptop.openSession([utf8('begun before')]));
    await ann.revokeDevice(laptop.deviceId);
    const problem = await mustFail(laptop.send(laptop.request([mkdirOperation('b', 'b')])), 'revoked');
    assert.deepEqual([problem.status, problem['deviceId'], problem['retryable']], [403, laptop.deviceId, false]);
    await mustFail(laptop.openSession([utf8('more')]), 'revoked');
    const path = `/upload/session/${session.sessionId}?workspace=${workspaceId}`;
    await mustFail(call(world.api, { token: 'ann', path, response: uploadSessionStatus }), 'revoked');
    const again = ann.registerDevice({ token: idBytesOf('ann laptop'), name: 'laptop' });
    await assert.rejects(again, { code: 'revoked' });
    const { outcomes } = await phone.commit(mkdirOperation('b', 'b'));
    assert.equal(outcomes[0]?.status, 'applied');
    assert.equal((await ann.getWorkspace(workspaceId)).seq, 2, 'what it did before stands');
  });

  it('gets no answer of a commit of before either', async () => {
    const { laptop, ann } = await start();
    const request = laptop.request([mkdirOperation('a', 'a')]);
    await must(laptop.send(request, 'key'));
    await ann.revokeDevice(laptop.deviceId);
    await mustFail(laptop.send(request, 'key'), 'revoked');
  });

  it('that names itself is refused on every route with a token; the person at another device is not', async () => {
    const { world, laptop, phone, workspaceId, ann } = await start();
    const [atLaptop, atPhone] = [clientOf(world, 'ann', laptop.deviceId), clientOf(world, 'ann', phone.deviceId)];
    await atLaptop.listWorkspaces();
    await ann.revokeDevice(laptop.deviceId);
    for (const refused of [
      atLaptop.listWorkspaces(),
      atLaptop.getWorkspace(workspaceId),
      atLaptop.changes(workspaceId, 0),
      atLaptop.listDevices(),
      atLaptop.revokeDevice(phone.deviceId),
    ]) {
      await assert.rejects(refused, { code: 'revoked' });
    }
    assert.equal((await atLaptop.configuration()).protocol, 1, 'what needs no token');
    const fresh = await atLaptop.registerDevice({ token: idBytesOf('fresh'), name: 'laptop' });
    assert.equal(fresh.revokedMs, null, 'its person may begin anew');
    assert.equal((await atPhone.listWorkspaces()).length, 1);
    assert.equal((await ann.listWorkspaces()).length, 1, 'a token alone names no device');
  });
});

describe('the header that names the device', () => {
  it('is refused when it names one of somebody else, one that is not there, or none', async () => {
    const { world, laptop } = await start();
    const ask = (token: string, device: string) =>
      call(world.api, { token, path: '/devices', response: deviceList, headers: { 'tidemark-device': device } });
    await mustFail(ask('bob', laptop.deviceId), 'not-found');
    await mustFail(ask('ann', '9'.repeat(32)), 'not-found');
    await mustFail(ask('ann', 'laptop'), 'malformed');
    assert.equal((await must(ask('ann', laptop.deviceId))).devices.length, 2);
  });
});
