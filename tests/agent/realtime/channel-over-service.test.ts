/** The channel over the package for clients and the local endpoint: what a device sees of a service that goes away and comes back. */
import assert from 'node:assert/strict';
import { type TestContext, describe, it } from 'node:test';
import { roleOfGroup } from '../../../shared/ports/notifier.ts';
import { encodeRealtimeEvent, groupOfWorkspace } from '../../../shared/core/wire/realtime-event.ts';
import { presenceReport } from '../../../shared/core/wire/presence.ts';
import type { ChannelNeeds } from '../../../client/agent/realtime/channel-needs.ts';
import { createRealtimeChannel } from '../../../client/agent/realtime/realtime-channel.ts';
import { webPubSubSockets } from '../../../client/agent/realtime/web-pubsub-socket.ts';
import { createWebPubSubServer } from '../../../local/web-pubsub/server.ts';
import { startEventHandler } from '../../local/web-pubsub/event-handler.ts';
import { type RealtimeWorld, accessKey, createRealtimeWorld } from '../../local/web-pubsub/realtime-world.ts';
import { ListeningFolder, commitOf, workspaceOf } from './listening-folder.ts';
import { Story, machineTimers } from './watched-socket.ts';

type Negotiate = ChannelNeeds['negotiate'];

function openChannel(t: TestContext, negotiate: Negotiate) {
  const timers = machineTimers();
  const story = new Story();
  const channel = createRealtimeChannel({
    negotiate,
    openSocket: webPubSubSockets(timers),
    timers,
    tell: (note) => story.tell(note.kind === 'lost' ? `lost: ${note.reason}` : note.kind),
  });
  t.after(() => channel.close());
  return { channel, story };
}

function grantAll(world: RealtimeWorld): Negotiate {
  return async (seats) => {
    const roles = seats.map(({ workspaceId }) => roleOfGroup(groupOfWorkspace(workspaceId)));
    return { url: await world.urlOf({ userId: 'ann', roles }), expiresMs: world.clock.now() + 300_000, seats };
  };
}

function publish(world: RealtimeWorld, n: number, seq: number): Promise<void> {
  const bytes = encodeRealtimeEvent(commitOf(n, seq));
  return world.service.group(groupOfWorkspace(workspaceOf(n))).sendToAll(bytes.slice().buffer);
}

describe('a channel over a service', () => {
  it('serves all folders by one connection, and reports for them', async (t) => {
    const handler = await startEventHandler(t);
    const world = await createRealtimeWorld(t, { webhookUrl: handler.url });
    const { channel } = openChannel(t, grantAll(world));
    const heard = new Story();
    const folders = [1, 2, 3].map((n) => new ListeningFolder(channel, n, 1, (isLive) => heard.tell(`live ${isLive}`)));
    await heard.hears('live true', 3);
    assert.equal(world.server.counters.opened, 1);
    const report = await handler.seen('user.presence');
    const { folders: told } = presenceReport.fromJson(JSON.parse(report.body.toString()), '');
    assert.deepEqual(
      told.map(({ state }) => state),
      ['idle', 'idle', 'idle'],
    );
    await publish(world, 2, 7);
    await folders[1]!.hears(1);
    folders[1]!.seat.report('syncing');
    await handler.seen('user.presence', ({ body }) => body.includes('syncing'));
    assert.deepEqual(
      folders.map((folder) => folder.seqs()),
      [[], [7], []],
    );
  });

  it('comes back to a service that was started anew, and tells its folders of the time between', async (t) => {
    const world = await createRealtimeWorld(t);
    const { channel, story } = openChannel(t, grantAll(world));
    const lives = new Story();
    const folder = new ListeningFolder(channel, 1, 1, (isLive) => lives.tell(`live ${isLive}`));
    await lives.hears('live true');
    const closed = world.server.close(0);
    world.timers.advance(0);
    await closed;
    const { port } = new URL(world.endpoint);
    const { clock, timers } = world;
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const next = createWebPubSubServer({ accessKey, endpoint: null, webhookUrl: null, clock, timers, log });
    await next.start('127.0.0.1', Number(port));
    t.after(async () => {
      const ended = next.close(0);
      timers.advance(0);
      await ended;
    });
    await lives.hears('live true', 2);
    assert.deepEqual(folder.lives, [true, false, true]);
    assert.deepEqual(story.told, ['connected', 'lost: refused', 'connected']);
  });

  it('asks for another URL when its own has expired, and for another connection when it was ended', async (t) => {
    const handler = await startEventHandler(t);
    const world = await createRealtimeWorld(t, { webhookUrl: handler.url });
    const grant = grantAll(world);
    let asked = 0;
    const { channel, story } = openChannel(t, async (seats, signal) => {
      asked++;
      const answer = await grant(seats, signal);
      if (asked === 1) world.clock.advance(7_200_000);
      if (asked === 2) world.clock.advance(-7_200_000);
      return answer;
    });
    const folder = new ListeningFolder(channel, 1);
    const { headers } = await handler.seen('sys.connected');
    await story.hears('connected');
    await world.service.closeConnection(String(headers['ce-connectionid']));
    await story.hears('connected', 2);
    assert.deepEqual(story.told, ['lost: refused', 'connected', 'lost: refused', 'connected']);
    assert.deepEqual(folder.lives, [true, false, true]);
  });
});
