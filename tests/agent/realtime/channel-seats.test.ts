/** Folders that come and go, and seats that are granted or not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { createRealtimeChannel } from '../../../client/agent/realtime/realtime-channel.ts';
import { FakeService } from './fake-service.ts';
import { ListeningFolder, commitOf, workspaceOf } from './listening-folder.ts';
import { openWith } from './open-channel.ts';

describe('the seats of a channel', () => {
  it('goes on with what it has while it asks for more, and changes over once there is more', async () => {
    const { service, channel, folders } = await openWith(1);
    const [old] = folders;
    const fresh = new ListeningFolder(channel, 2);
    await service.time.advance(200);
    await service.fail(new TidemarkError('unavailable', 'no'));
    service.socket.hear(commitOf(1, 3));
    assert.deepEqual([old!.lives, old!.seqs(), fresh.lives], [[true], [3], []]);
    await service.time.advance(2_000);
    await service.connect();
    assert.deepEqual([old!.lives, fresh.lives], [[true, false, true], [true]], 'so that the old one looks');
    assert.equal(service.sockets.length, 2);
  });

  it('waits for the old connection to be down before it opens another', async () => {
    const { service, channel, folders } = await openWith(2);
    service.closesAtOnce = false;
    const third = new ListeningFolder(channel, 3);
    await service.time.advance(200);
    await service.grant();
    assert.deepEqual(
      folders.map(({ isLive }) => isLive),
      [false, false],
    );
    assert.equal(service.sockets.length, 1);
    service.socket.finishClose();
    await service.time.settle();
    assert.equal(service.sockets.length, 2);
    service.socket.open();
    service.socket.answerJoins('joined');
    await service.time.settle();
    assert.ok(third.isLive);
  });

  it('gives up seats of folders that left, and the connection of the last', async () => {
    const { service, folders } = await openWith(2);
    folders[0]!.leave();
    service.socket.hear(commitOf(1, 5));
    await service.time.advance(200);
    assert.deepEqual(
      service.questions[0]?.seats.map(({ workspaceId }) => workspaceId),
      [workspaceOf(2)],
    );
    await service.connect();
    folders[1]!.leave();
    await service.time.advance(200);
    assert.ok(service.socket.isDown);
    assert.equal(service.time.waits.size, 0);
    assert.equal(service.asked, 2);
  });

  it('has no reason to come back when its connection ends just after the last folder left', async () => {
    for (const isOpen of [true, false]) {
      const service = new FakeService();
      const channel = createRealtimeChannel(service.needs);
      const folder = new ListeningFolder(channel, 1);
      await service.time.advance(200);
      if (isOpen) await service.connect();
      else await service.grant();
      folder.leave();
      service.socket.end('lost');
      assert.equal(service.time.waits.size, 0);
      const next = new ListeningFolder(channel, 2);
      await service.time.advance(200);
      await service.connect();
      assert.ok(next.isLive);
    }
  });

  it('serves a folder that came while the connection of the last one went down', async () => {
    const service = new FakeService();
    service.closesAtOnce = false;
    const channel = createRealtimeChannel(service.needs);
    const last = new ListeningFolder(channel, 1);
    await service.time.advance(200);
    await service.connect();
    last.leave();
    await service.time.advance(200);
    const next = new ListeningFolder(channel, 2);
    service.socket.finishClose();
    await service.time.advance(200);
    await service.connect();
    assert.ok(next.isLive);
  });

  it('listens for the seats that were granted, and asks for the others again, without harm to the first', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const member = new ListeningFolder(channel, 1);
    const stranger = new ListeningFolder(channel, 2);
    await service.time.advance(200);
    await service.connect([member]);
    assert.deepEqual([member.lives, stranger.lives], [[true], []]);
    assert.deepEqual(service.ofKind('refused'), [{ kind: 'refused', workspaces: [workspaceOf(2)] }]);
    await service.time.advance(601_000);
    assert.equal(service.asked, 2);
    await service.grant([member]);
    assert.deepEqual([service.sockets.length, member.lives], [1, [true]], 'nothing new: nothing changes');
    await service.time.advance(601_000);
    await service.connect();
    assert.deepEqual([member.isLive, stranger.lives], [true, [true]], 'it has become a member');
    assert.deepEqual(service.ofKind('refused').at(-1), { kind: 'refused', workspaces: [] });
  });

  it('takes no seat that it did not ask for', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const folder = new ListeningFolder(channel, 1);
    await service.time.advance(200);
    const { deviceId } = folder;
    await service.grant([{ workspaceId: workspaceOf(9), deviceId }, folder, folder]);
    service.socket.open();
    assert.deepEqual([...service.socket.joins.keys()], [`ws-${workspaceOf(1)}`]);
    service.socket.end('lost');
    await service.time.advance(3_000);
    await service.grant([{ workspaceId: workspaceOf(9), deviceId }]);
    assert.equal(service.sockets.length, 1, 'with none of ours there is nothing to listen for');
  });

  it('takes a join that is refused for a seat that is not granted, and one that is not answered for a broken line', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const one = new ListeningFolder(channel, 1);
    const two = new ListeningFolder(channel, 2);
    await service.time.advance(200);
    await service.grant();
    service.socket.open();
    service.socket.joins.get(`ws-${workspaceOf(1)}`)?.('joined');
    service.socket.joins.get(`ws-${workspaceOf(2)}`)?.('refused');
    await service.time.settle();
    assert.deepEqual([one.lives, two.lives], [[true], []]);
    assert.deepEqual(service.sent.at(-1)?.report, {
      folders: [{ workspaceId: one.workspaceId, deviceId: one.deviceId, state: 'idle' }],
    });
    service.socket.end('lost');
    await service.time.advance(3_000);
    await service.grant();
    service.socket.open();
    service.socket.joins.get(`ws-${workspaceOf(1)}`)?.('joined');
    service.socket.joins.get(`ws-${workspaceOf(2)}`)?.('failed');
    await service.time.settle();
    assert.deepEqual([one.isLive, service.socket.isDown], [false, true]);
  });

  it('serves as many folders as one connection may, and the next when one of them leaves', async () => {
    const { service, folders } = await openWith(34);
    assert.equal(folders.filter(({ isLive }) => isLive).length, 32);
    assert.deepEqual(service.ofKind('crowded'), [{ kind: 'crowded', folders: 2 }]);
    await service.time.advance(1_000);
    assert.equal(service.asked, 1, 'asking again for the same is no use');
    folders[0]!.leave();
    await service.time.advance(200);
    await service.connect();
    assert.deepEqual([folders[32]!.isLive, folders[33]!.isLive], [true, false]);
  });
});
