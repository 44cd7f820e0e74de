/** What comes over an open connection, and what is said over it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseSessionId, parseUserId } from '../../../shared/core/ids.ts';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import { createRealtimeChannel } from '../../../client/agent/realtime/realtime-channel.ts';
import { FakeService } from './fake-service.ts';
import { ListeningFolder, commitOf, deviceOf, workspaceOf } from './listening-folder.ts';

async function openFolder(): Promise<{ service: FakeService; folder: ListeningFolder }> {
  const service = new FakeService();
  const channel = createRealtimeChannel(service.needs);
  const folder = new ListeningFolder(channel, 1);
  await service.time.advance(200);
  await service.connect();
  return { service, folder };
}

function sessionOf(n: number) {
  return parseSessionId(n.toString(16).padStart(32, '0'));
}

function progressOf(n: number, percent: number): RealtimeEvent {
  return { kind: 'progress', workspaceId: workspaceOf(1), deviceId: deviceOf(2), sessionId: sessionOf(n), percent };
}

describe('events of an open connection', () => {
  it('come at once, and in a flood a few times a second with the newest commit', async () => {
    const { service, folder } = await openFolder();
    for (const seq of [5, 7, 9, 8, 6]) service.socket.hear(commitOf(1, seq));
    assert.deepEqual(folder.seqs(), [5]);
    await service.time.advance(250);
    assert.deepEqual(folder.seqs(), [5, 9]);
    await service.time.advance(250);
    service.socket.hear(commitOf(1, 3));
    assert.deepEqual(folder.seqs(), [5, 9, 3], 'an older number may be a new history');
    for (let seq = 0; seq < 10_000; seq++) service.socket.hear(commitOf(1, seq));
    await service.time.advance(10_000);
    assert.deepEqual(folder.seqs(), [5, 9, 3, 9_999]);
  });

  it('of other kinds hold up no commit, and take bounded room', async () => {
    const { service, folder } = await openFolder();
    for (let n = 0; n < 1_000; n++) service.socket.hear(progressOf(n, 10));
    service.socket.hear(progressOf(1, 20));
    service.socket.hear(commitOf(1, 4));
    assert.deepEqual(
      folder.heard.map(({ kind }) => kind),
      ['progress', 'commit'],
    );
    await service.time.advance(250);
    assert.equal(folder.heard.length, 2 + 64);
    assert.deepEqual(folder.heard[2], progressOf(1, 20), 'the newest of each session');
    service.socket.end('lost');
    assert.equal(service.ofKind('lost')[0]?.dropped, 1_000 - 1 - 64);
  });

  it('are gone with the connection', async () => {
    const { service, folder } = await openFolder();
    service.socket.hear(commitOf(1, 5));
    service.socket.hear(commitOf(1, 6));
    service.socket.end('lost');
    await service.time.advance(400);
    assert.deepEqual(folder.seqs(), [5], 'it looks for itself');
  });

  it('are dropped and counted when they are not ours', async () => {
    const { service, folder } = await openFolder();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        service.socket.bytes(bytes);
      }),
    );
    service.socket.bytes(new Uint8Array(100_000));
    service.socket.hear(commitOf(2, 1));
    service.socket.hear({
      kind: 'presence',
      workspaceId: workspaceOf(3),
      userId: parseUserId('somebody'),
      deviceId: deviceOf(3),
      state: 'idle',
    });
    service.socket.events.dropped();
    assert.deepEqual(folder.heard, []);
    service.socket.end('lost');
    assert.equal(service.ofKind('lost')[0]?.dropped, 100 + 4);
  });
});

describe('reports over an open connection', () => {
  const presence = (service: FakeService) =>
    service.sent.filter(({ event }) => event === 'presence').map(({ report, atMs }) => ({ report, atMs }));

  it('tell of all folders in one, at once, and then at most once a second', async () => {
    const service = new FakeService();
    const channel = createRealtimeChannel(service.needs);
    const one = new ListeningFolder(channel, 1);
    const two = new ListeningFolder(channel, 2);
    two.seat.report('syncing');
    await service.time.advance(200);
    await service.connect();
    const report = (first: string, second: string) => ({
      folders: [
        { workspaceId: one.workspaceId, deviceId: one.deviceId, state: first },
        { workspaceId: two.workspaceId, deviceId: two.deviceId, state: second },
      ],
    });
    assert.deepEqual(presence(service), [{ report: report('idle', 'syncing'), atMs: 200 }]);
    for (let n = 0; n < 100; n++) {
      one.seat.report(n % 2 === 0 ? 'syncing' : 'idle');
      await service.time.advance(100);
    }
    one.seat.report('syncing');
    two.seat.report('idle');
    await service.time.advance(1_000);
    const sent = presence(service);
    assert.ok(sent.length <= 12, `${sent.length} in eleven seconds`);
    assert.deepEqual(sent.at(-1)?.report, report('syncing', 'idle'), 'the last word is said');
  });

  it('say the same again from time to time, and nothing of a folder that left', async () => {
    const { service, folder } = await openFolder();
    await service.time.advance(600_000);
    const sent = presence(service);
    const gaps = sent.slice(1).map(({ atMs }, n) => atMs - sent[n]!.atMs);
    assert.ok(
      gaps.every((gap) => gap === 54_000),
      'below a minute, by chance',
    );
    assert.equal(gaps.length, 11);
    folder.seat.report('syncing');
    folder.seat.report('idle');
    await service.time.advance(1_000);
    assert.equal(presence(service).length, 12 + 2, 'busy was said at once, idle a second later');
    folder.leave();
    await service.time.advance(600_000);
    assert.equal(presence(service).length, 14);
  });

  it('begin anew on every connection', async () => {
    const { service, folder } = await openFolder();
    service.socket.end('lost');
    folder.seat.report('syncing');
    folder.seat.progress(sessionOf(1), 50);
    assert.equal(service.sent.length, 1, 'nobody is there to hear');
    await service.time.advance(3_000);
    await service.connect();
    assert.deepEqual(
      service.sent.slice(1).map(({ event, report }) => [event, report]),
      [['presence', { folders: [{ workspaceId: folder.workspaceId, deviceId: folder.deviceId, state: 'syncing' }] }]],
    );
  });

  it('tell of progress once a second for each session, and always of its end', async () => {
    const { service, folder } = await openFolder();
    const told = () =>
      service.sent.filter(({ event }) => event === 'progress').map(({ report }) => report['percent'] as number);
    for (let percent = 0; percent < 100; percent++) {
      folder.seat.progress(sessionOf(1), percent);
      await service.time.advance(50);
    }
    folder.seat.progress(sessionOf(1), 100);
    folder.seat.progress(sessionOf(1), 100);
    assert.deepEqual(told(), [0, 19, 39, 59, 79, 99, 100]);
    await service.time.advance(5_000);
    assert.equal(told().length, 7);
    assert.deepEqual(service.sent.at(-1)?.report, {
      workspaceId: folder.workspaceId,
      sessionId: sessionOf(1),
      percent: 100,
    });
    folder.seat.progress(sessionOf(2), 12.7);
    folder.seat.progress(sessionOf(3), -1);
    folder.seat.progress(sessionOf(4), 1_000);
    folder.seat.progress(sessionOf(5), Number.NaN);
    assert.deepEqual(told().slice(7), [12, 0, 100, 0]);
  });

  it('of ever new sessions hold a bounded number of timers', async () => {
    const { service, folder } = await openFolder();
    for (let n = 0; n < 1_000; n++) folder.seat.progress(sessionOf(n), 1);
    assert.equal(service.time.waits.size, 64 + 1, 'and the heartbeat');
  });
});
