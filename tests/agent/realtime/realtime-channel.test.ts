import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { limits } from '../../../shared/core/limits.ts';
import { createRealtimeChannel } from '../../../client/agent/realtime/realtime-channel.ts';
import { FakeService, testUrl } from './fake-service.ts';
import { ListeningFolder, commitOf, workspaceOf } from './listening-folder.ts';
import { openWith } from './open-channel.ts';

const minuteMs = 60_000;

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
