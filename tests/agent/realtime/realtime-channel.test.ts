import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { limits } from '../../../shared/core/limits.ts';
import { createRealtimeChannel } from '../../../client/agent/realtime/realtime-channel.ts';
import { FakeService, testUrl } from './fake-service.ts';
import { ListeningFolder, commitOf, workspaceOf } from './listening-folder.ts';

const minuteMs = 60_000;

async function openWith(folders: number): Promise<{
  service: FakeService;
  channel: ReturnType<typeof createRealtimeChannel>;
  folders: ListeningFolder[];
}> {
  const service = new FakeService();
  const channel = createRealtimeChannel(service.needs);
  const joined = Array.from({ length: folders }, (_, n) => new ListeningFolder(channel, n + 1));
  await service.time.advance(200);
  await service.connect();
  return { service, channel, folders: joined };
}

describe('the realtime channel', () => {
  it('serves folders that are opened together by one negotiation and one connection', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const one = new ListeningFolder(channel, 1);
    await service.time.advance(150);
    const two = new ListeningFolder(channel, 2);
    const same = new ListeningFolder(channel, 2);
    assert.equal(service.asked, 0);
    await service.time.advance(50);
    assert.deepEqual(
      service.questions[0]?.seats.map(({ workspaceId }) => workspaceId),
      [workspaceOf(1), workspaceOf(2)],
    );
    await service.grant();
    service.socket.open();
    await service.time.settle();
    assert.deepEqual([...service.socket.joins.keys()], [`ws-${workspaceOf(1)}`, `ws-${workspaceOf(2)}`]);
    assert.deepEqual([one.lives, two.lives], [[], []], 'not before the groups are joined');
    service.socket.hear(commitOf(1, 6));
    service.socket.answerJoins('joined');
    await service.time.settle();
    assert.deepEqual([one.lives, two.lives, same.lives], [[true], [true], [true]]);
    service.socket.hear(commitOf(2, 7));
    assert.deepEqual([one.seqs(), two.seqs(), same.seqs()], [[], [7], [7]]);
    service.socket.end('lost');
    assert.deepEqual(service.notes, [
      { kind: 'connected', folders: 2 },
      { kind: 'lost', reason: 'lost', dropped: 0, waitMs: 1_500 },
    ]);
  });

  it('tells every folder when the connection is lost, and comes back after a wait with chance in it', async () => {
    for (const [chance, waitMs] of [
      [0, 500],
      [0.999, 2_498],
    ] as const) {
      const { service, folders } = await openWith(2);
      await service.time.advance(2 * minuteMs);
      service.time.chance = chance;
      service.socket.end('lost');
      assert.deepEqual(
        folders.map(({ lives }) => lives),
        [
          [true, false],
          [true, false],
        ],
      );
      assert.deepEqual(service.ofKind('lost'), [{ kind: 'lost', reason: 'lost', dropped: 0, waitMs }]);
      await service.time.advance(waitMs - 2);
      assert.equal(service.asked, 1);
      await service.time.advance(2);
      assert.equal(service.asked, 2);
      await service.connect();
      assert.deepEqual(
        folders.map(({ lives }) => lives),
        [
          [true, false, true],
          [true, false, true],
        ],
      );
    }
  });

  it('waits longer after each connection that did not last, up to minutes, and never gives up', async () => {
    const { service } = await openWith(1);
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      service.socket.end('lost');
      const waitMs = service.ofKind('lost').at(-1)!.waitMs;
      waits.push(waitMs);
      await service.time.advance(waitMs + 1);
      await service.connect();
    }
    assert.deepEqual(waits.slice(0, 4), [1_500, 2_500, 4_500, 8_500], 'half of 2, 4, 8, 16 seconds and a half');
    assert.deepEqual(waits.slice(-3), [150_500, 150_500, 150_500]);
    await service.time.advance(minuteMs);
    service.socket.end('lost');
    assert.equal(service.ofKind('lost').at(-1)?.waitMs, 1_500, 'one that lasted makes up for them');
  });

  it('leaves a server alone for as long as it asks, within an hour', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const folder = new ListeningFolder(channel, 1);
    await service.time.advance(200);
    await service.fail(new TidemarkError('busy', 'later', { data: { retryAfterMs: 90_000 } }));
    await service.time.advance(90_000);
    assert.equal(service.asked, 1);
    await service.time.advance(1_500);
    assert.equal(service.asked, 2);
    await service.fail(new TidemarkError('busy', 'never', { data: { retryAfterMs: 1e12 } }));
    await service.time.advance(60 * minuteMs + 3_000);
    assert.equal(service.asked, 3);
    await service.grant();
    service.socket.end('unreachable', 30_000);
    await service.time.advance(30_000);
    assert.equal(service.asked, 3, 'the realtime service may ask for it too');
    await service.time.advance(5_000);
    assert.equal(service.asked, 4);
    assert.deepEqual(folder.lives, []);
  });

  it('asks a server that refuses, or has no realtime service, every few minutes, and sooner for another folder', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const folder = new ListeningFolder(channel, 1);
    await service.time.advance(200);
    await service.grant([], null);
    await service.time.advance(599_000);
    assert.equal(service.asked, 1);
    await service.time.advance(2_000);
    assert.equal(service.asked, 2);
    await service.fail(new TidemarkError('not-found', 'an older server'));
    assert.deepEqual(service.notes, [
      { kind: 'absent', waitMs: 600_000 },
      { kind: 'absent', waitMs: 600_000 },
    ]);
    const second = new ListeningFolder(channel, 2);
    await service.time.advance(200);
    assert.equal(service.asked, 3);
    second.leave();
    await service.fail(new TidemarkError('unauthenticated', 'log in'));
    assert.deepEqual(service.notes.at(-1), { kind: 'failed', code: 'unauthenticated', waitMs: 300_000 });
    folder.leave();
    assert.equal(service.time.waits.size, 0, 'nobody waits for nobody');
  });

  it('is not held up by a server, or a service, that never answers', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const folder = new ListeningFolder(channel, 1);
    await service.time.advance(200 + minuteMs);
    assert.ok(service.questions.shift()?.signal.aborted);
    await service.time.advance(2_000);
    assert.equal(service.asked, 2);
    await service.grant();
    await service.time.advance(30_000);
    assert.ok(service.socket.isDown, 'a connection that does not come to be');
    assert.equal(service.ofKind('lost').at(-1)?.reason, 'slow');
    await service.time.advance(3_000);
    await service.grant();
    service.socket.open();
    await service.time.advance(30_000);
    assert.ok(service.socket.isDown, 'one whose joins are not answered');
    assert.deepEqual(folder.lives, []);
  });

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

  it('opens no connection that is neither by TLS nor to this machine, and none with a login in its URL', async () => {
    const urls = [
      'ws://realtime.example/client',
      'ws://127.0.0.1.example/client',
      'http://127.0.0.1/client',
      'https://realtime.example/client',
      'wss://user:word@realtime.example/client',
      'wss://realtime.example/client#here',
      'file:///etc/hosts',
      'no url',
      `${testUrl}?x=${'y'.repeat(limits.urlBytesMax)}`,
    ];
    for (const url of urls) {
      const service = new FakeService();
      const channel = createRealtimeChannel(service.needs);
      const folder = new ListeningFolder(channel, 1);
      await service.time.advance(200);
      await service.grant(undefined, url);
      assert.deepEqual([service.sockets.length, folder.lives], [0, []], url.slice(0, 60));
      assert.deepEqual(service.notes, [{ kind: 'failed', code: 'malformed', waitMs: 300_000 }]);
      await channel.close();
    }
    for (const url of [testUrl, 'ws://127.0.0.1:7075/client', 'ws://localhost:1/c', 'ws://[::1]:1/c']) {
      const service = new FakeService();
      const channel = createRealtimeChannel(service.needs);
      const folder = new ListeningFolder(channel, 1);
      await service.time.advance(200);
      await service.grant(undefined, url);
      assert.equal(service.socket.url, url);
      folder.leave();
    }
  });

  it('is closed for good, and safe to close from a listener', async () => {
    const { service, channel, folders } = await openWith(2);
    await service.time.advance(2_000);
    const sent = service.sent.length;
    service.closesAtOnce = false;
    let isClosed = false;
    const closing = channel.close().then(() => (isClosed = true));
    await service.time.settle();
    assert.equal(isClosed, false, 'not before the line is down');
    service.socket.finishClose();
    await closing;
    folders[0]!.seat.report('syncing');
    const late = new ListeningFolder(channel, 3);
    await service.time.advance(30 * minuteMs);
    assert.equal(service.time.waits.size, 0);
    assert.deepEqual([service.asked, service.sent.length], [1, sent]);
    assert.deepEqual([folders.map(({ lives }) => lives), late.lives], [[[true], [true]], []]);

    const slow = new FakeService();
    slow.closesAtOnce = false;
    const leaver = createRealtimeChannel(slow.needs);
    const guest = new ListeningFolder(leaver, 1);
    await slow.time.advance(200);
    await slow.connect();
    guest.leave();
    await slow.time.advance(200);
    const left = leaver.close();
    slow.socket.finishClose();
    await left;
    await slow.time.settle();

    const other = new FakeService();
    const inner = createRealtimeChannel(other.needs);
    const closer = new ListeningFolder(inner, 1, 1, () => void inner.close());
    const next = new ListeningFolder(inner, 2);
    await other.time.advance(200);
    await other.connect();
    assert.deepEqual([closer.lives, next.lives, other.time.waits.size], [[true], [], 0]);
  });
});
