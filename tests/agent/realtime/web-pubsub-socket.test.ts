/** The package for clients, as the channel uses it, before the local endpoint and before services that keep to nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEventHandler } from '../../local/web-pubsub/event-handler.ts';
import { createRealtimeWorld, hub } from '../../local/web-pubsub/realtime-world.ts';
import { VirtualTime } from '../watch/virtual-time.ts';
import { binaryFrame, namedFrame, startRawService, startRefusal, startSilence, watchSocket } from './watched-socket.ts';

const roles = ['webpubsub.joinLeaveGroup.ws-1'];

async function openWorld(t: TestContext) {
  const handler = await startEventHandler(t);
  const world = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const url = await world.urlOf({ userId: 'ann', roles });
  return { handler, world, url };
}

describe('a connection by the package', () => {
  it('joins what its URL allows, hears binary messages and reports', async (t) => {
    const { handler, world, url } = await openWorld(t);
    const { socket, story, messages } = watchSocket(t, url);
    await story.hears('opened');
    assert.equal(await socket.join('ws-1'), 'joined');
    assert.equal(await socket.join('ws-2'), 'refused');
    await world.service.group('ws-1').sendToAll(Uint8Array.of(1, 2, 3).buffer);
    await world.service.group('ws-1').sendToAll('text', { contentType: 'text/plain' });
    await world.service.sendToUser('ann', Uint8Array.of(4).buffer);
    await story.hears('message', 2);
    assert.deepEqual(
      messages.map((bytes) => [...bytes]),
      [[1, 2, 3], [4]],
    );
    assert.equal(story.count('dropped'), 1);
    socket.send('presence', { folders: [] });
    assert.equal((await handler.seen('user.presence')).body.toString(), '{"folders":[]}');
    await socket.close();
    await handler.seen('sys.disconnected');
    assert.equal(await socket.join('ws-1'), 'failed');
    assert.equal(story.count('ended'), 0, 'whoever closes it is told nothing');
  });

  it('is mended when its line breaks, with nothing lost', async (t) => {
    const { handler, world, url } = await openWorld(t);
    const { socket, story, messages } = watchSocket(t, url);
    await story.hears('opened');
    await socket.join('ws-1');
    const { headers } = await handler.seen('sys.connected');
    for (let n = 0; n < 5; n++) {
      world.server.cut(hub, String(headers['ce-connectionid']));
      await world.service.group('ws-1').sendToAll(Uint8Array.of(n).buffer);
      await story.hears('message', n + 1);
    }
    assert.deepEqual(
      messages.map(([n]) => n),
      [0, 1, 2, 3, 4],
    );
    assert.equal(world.server.counters.recovered, 5);
    assert.equal(story.count('opened'), 1);
  });

  it('ends as refused when the service ends it, or does not know its token', async (t) => {
    const { handler, world, url } = await openWorld(t);
    const one = watchSocket(t, url);
    await one.story.hears('opened');
    const { headers } = await handler.seen('sys.connected');
    await world.service.closeConnection(String(headers['ce-connectionid']));
    assert.deepEqual(await one.ended, { reason: 'refused', askedMs: 0 });
    world.clock.advance(3_600_000 * 2);
    const two = watchSocket(t, url);
    assert.deepEqual(await two.ended, { reason: 'refused', askedMs: 0 }, 'a URL that is too old');
    assert.equal(two.story.count('opened'), 0);
  });

  for (const status of [401, 403]) {
    it(`ends as refused when its line broke and the service answers ${status} to the next`, async (t) => {
      const service = await startRawService(t);
      const { story, ended } = watchSocket(t, service.url);
      const line = await service.accepted();
      line.send(namedFrame('one'));
      await story.hears('opened');
      service.refuse(status);
      line.terminate();
      assert.deepEqual(await ended, { reason: 'refused', askedMs: 0 });
    });
  }

  it('ends as unreachable where nobody is, and says how long a service wants to be left alone', async (t) => {
    const busy = await startRefusal(t, 503, { 'retry-after': '7' });
    assert.deepEqual(await watchSocket(t, busy).ended, { reason: 'unreachable', askedMs: 7_000 });
    const odd = await startRefusal(t, 429, { 'retry-after': 'soon' });
    assert.deepEqual(await watchSocket(t, odd).ended, { reason: 'unreachable', askedMs: 0 });
    const moved = await startRefusal(t, 302, { location: 'ws://127.0.0.1:1/' });
    assert.deepEqual(await watchSocket(t, moved).ended, { reason: 'unreachable', askedMs: 0 });
    const { reason } = await watchSocket(t, 'ws://127.0.0.1:1/client').ended;
    assert.equal(reason, 'unreachable');
  });

  it('drops what is no message, and lives on', async (t) => {
    const service = await startRawService(t);
    const { story, messages } = watchSocket(t, service.url);
    const peer = await service.accepted();
    const junk = [
      'no json',
      'null',
      '7',
      '[]',
      '{}',
      '{"type":"message","from":"group","dataType":"binary","sequenceId":1,"data":7}',
      '{"type":"message","from":"group","dataType":"text","sequenceId":2,"data":"x"}',
      '{"type":"message","from":"group","dataType":"json","sequenceId":"three","data":{}}',
      '{"type":"message","from":"group","dataType":"protobuf","sequenceId":4,"data":"AAAA"}',
      '{"type":"system","event":"connected"}',
      '{"type":"streamAck","streamId":"s"}',
      binaryFrame(5, new Uint8Array(20_000)),
    ];
    peer.send(namedFrame('one'));
    for (const text of junk) peer.send(text);
    peer.send(Buffer.from('binary'));
    peer.send('{"type":"ack","ackId":999,"success":false,"error":"odd"}');
    peer.send(binaryFrame(6, Uint8Array.of(9)));
    peer.send(binaryFrame(6, Uint8Array.of(9)));
    peer.send(binaryFrame(7, Uint8Array.of(8)));
    await story.hears('message', 2);
    assert.deepEqual(
      messages.map(([n]) => n),
      [9, 8],
    );
    assert.equal(story.count('dropped'), junk.length + 1);
  });

  it('breaks a line that brings a message of megabytes, and does not take another connection for its own', async (t) => {
    const service = await startRawService(t);
    const { story, ended } = watchSocket(t, service.url);
    const first = await service.accepted();
    first.send(namedFrame('one'));
    await story.hears('opened');
    first.send('x'.repeat(2_000_000));
    const second = await service.accepted();
    second.send(namedFrame('two'));
    assert.equal((await ended).reason, 'lost');
    assert.equal(story.count('message'), 0);
  });

  it('that is silent is over within a minute, and after a sleep of the machine at once', async (t) => {
    for (const isAsleep of [false, true]) {
      const time = new VirtualTime();
      const service = await startRawService(t);
      const { story, ended } = watchSocket(t, service.url, time);
      await time.advance(0);
      const peer = await service.accepted();
      const pings: string[] = [];
      const pinged = new Promise<void>((resolve) =>
        peer.on('message', (data: Buffer) => {
          pings.push(data.toString());
          if (pings.length === 3) resolve();
        }),
      );
      peer.send(namedFrame('one'));
      await story.hears('opened');
      if (isAsleep) {
        time.sleep(600_000);
        await time.advance(15_000);
      } else {
        await time.advance(45_000);
        await pinged;
        assert.deepEqual(pings, Array(3).fill('{"type":"ping"}'));
        assert.equal(story.count('ended'), 0);
        await time.advance(15_000);
      }
      assert.equal((await ended).reason, 'silent');
    }
  });

  it('that ends by itself tells nothing to whoever closes it meanwhile', async (t) => {
    const time = new VirtualTime();
    let look = (): void => undefined;
    const service = await startRawService(t);
    const { socket, story } = watchSocket(t, service.url, {
      now: () => time.now(),
      wall: () => time.wall(),
      random: () => 0,
      after: (ms, work) => {
        look = work;
        return time.after(ms, work);
      },
    });
    await time.advance(0);
    const peer = await service.accepted();
    peer.send(namedFrame('one'));
    await story.hears('opened');
    time.sleep(600_000);
    look();
    await socket.close();
    await time.settle();
    assert.equal(story.count('ended'), 0);
  });

  it('that answers pings is not', async (t) => {
    const time = new VirtualTime();
    const service = await startRawService(t);
    const { story } = watchSocket(t, service.url, time);
    await time.advance(0);
    const peer = await service.accepted();
    peer.send(namedFrame('one'));
    await story.hears('opened');
    for (let n = 1; n <= 8; n++) {
      const ping = once(peer, 'message');
      await time.advance(15_000);
      await ping;
      peer.send(binaryFrame(n, Uint8Array.of(n)));
      await story.hears('message', n);
    }
    assert.equal(story.count('ended'), 0);
  });

  it('is not mended for longer than it may be silent', async (t) => {
    const time = new VirtualTime();
    const service = await startRawService(t);
    const { story, ended } = watchSocket(t, service.url, time);
    await time.advance(0);
    const peer = await service.accepted();
    peer.send(namedFrame('one'));
    await story.hears('opened');
    const gone = once(peer, 'close');
    peer.terminate();
    await gone;
    await time.advance(60_000);
    const { reason } = await ended;
    assert.ok(reason === 'silent' || reason === 'lost');
  });
});

describe('a process', () => {
  for (const when of ['connecting', 'hanging', 'open', 'mending'] as const) {
    it(`ends by itself after a connection was closed while it was ${when}`, async (t) => {
      const raw = await startRawService(t);
      const silent = await startSilence(t);
      const world = await createRealtimeWorld(t);
      const urls = { connecting: raw.url, hanging: silent.url, open: await world.urlOf({ roles }), mending: raw.url };
      const child = spawn(process.execPath, [fileURLToPath(new URL('closing-process.ts', import.meta.url)), when], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      t.after(() => child.kill('SIGKILL'));
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.stdin.write(urls[when]);
      if (when === 'hanging') await silent.taken;
      child.stdin.end();
      if (when === 'mending') {
        const peer = await raw.accepted();
        peer.send(namedFrame('one'));
        await once(child.stdout, 'data');
        peer.terminate();
      }
      const [code] = (await once(child, 'exit')) as [number | null];
      assert.equal(code, 0);
      assert.match(said, /closed\n$/);
    });
  }
});
