/** Whatever happens in whatever order. The fakes check that there is one connection at a time, and that nothing is said on one that ended. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { groupOfWorkspace } from '../../../shared/core/wire/realtime-event.ts';
import type { Channel } from '../../../client/agent/realtime/channel.ts';
import { createRealtimeChannel } from '../../../client/agent/realtime/realtime-channel.ts';
import type { EndReason } from '../../../client/agent/realtime/socket.ts';
import { FakeService, testUrl } from './fake-service.ts';
import { ListeningFolder, commitOf } from './listening-folder.ts';

class World {
  readonly service = new FakeService();
  readonly channel: Channel = createRealtimeChannel(this.service.needs);
  readonly folders: ListeningFolder[] = [];

  join(n: number): void {
    if (this.folders.length < 40) this.folders.push(new ListeningFolder(this.channel, n, (n % 3) + 1));
  }

  /** By what the service knows: the connection is open, and the folder's group joined. */
  check(): void {
    const { sockets, time } = this.service;
    const socket = sockets.at(-1);
    const isUp = socket !== undefined && socket.isOpen && !socket.isClosing && !socket.isDown;
    for (const folder of this.folders) {
      const isJoined = isUp && socket.joined.has(groupOfWorkspace(folder.workspaceId));
      if (folder.isLive) assert.ok(isJoined, 'who is live is in its group, on a connection that is up');
    }
    if (isUp) for (let seq = 0; seq < 3; seq++) for (let n = 1; n < 8; n++) socket.hear(commitOf(n, seq));
    assert.ok(time.longestMs <= 3_600_000 + 301_000, 'no wait is longer than an hour and our longest');
    // One for the state, one for the heartbeat, and a window for each workspace.
    assert.ok(time.waits.size <= 2 + 8, `${time.waits.size} timers`);
  }
}

type Step = (world: World) => Promise<void> | void;

const reasons: readonly EndReason[] = ['unreachable', 'refused', 'lost', 'silent'];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 1, max: 7 }).map(
    (n): Step =>
      (world) =>
        world.join(n),
  ),
  fc.nat(39).map(
    (n): Step =>
      (world) =>
        world.folders.splice(n % (world.folders.length || 1), 1)[0]?.leave(),
  ),
  fc.constantFrom(0, 100, 250, 1_500, 31_000, 130_000, 700_000).map(
    (ms): Step =>
      (world) =>
        world.service.time.advance(ms),
  ),
  fc.constantFrom(0, 0.3, 0.999).map(
    (chance): Step =>
      (world) =>
        void (world.service.time.chance = chance),
  ),
  fc.array(fc.boolean(), { maxLength: 8 }).map((kept): Step => async ({ service }) => {
    const question = service.questions[0];
    if (question !== undefined) await service.grant(question.seats.filter((_, n) => kept[n] ?? true));
  }),
  fc.constantFrom(null, testUrl, 'ws://elsewhere.example/').map((url): Step => async ({ service }) => {
    if (service.questions.length > 0) await service.grant(undefined, url);
  }),
  fc
    .constantFrom(
      new TidemarkError('unavailable', 'no'),
      new TidemarkError('busy', 'later', { data: { retryAfterMs: 1e9 } }),
      new TidemarkError('forbidden', 'never'),
      new Error('a surprise'),
    )
    .map((error): Step => async ({ service }) => {
      if (service.questions.length > 0) await service.fail(error);
    }),
  fc.constant<Step>(({ service }) => service.sockets.at(-1)?.open()),
  fc.constantFrom('joined', 'joined', 'refused', 'failed').map((result): Step => async ({ service }) => {
    service.sockets.at(-1)?.answerJoins(result);
    await service.time.settle();
  }),
  fc.constantFrom(...reasons).map(
    (reason): Step =>
      ({ service }) =>
        service.sockets.at(-1)?.end(reason, 5),
  ),
  fc.boolean().map((atOnce): Step => async ({ service }) => {
    service.closesAtOnce = atOnce;
    service.sockets.at(-1)?.finishClose();
    await service.time.settle();
  }),
  fc.constantFrom('idle', 'syncing').map(
    (state): Step =>
      ({ folders }) =>
        folders[0]?.seat.report(state),
  ),
);

/** Often enough everything works. */
const fairWeather: Step = async ({ service }) => {
  while (service.questions.length > 0) await service.grant();
  service.sockets.at(-1)?.open();
  service.sockets.at(-1)?.answerJoins('joined');
  await service.time.settle();
};

const anyWeather = fc.array(fc.oneof({ arbitrary: step, weight: 4 }, fc.constant(fairWeather)), {
  minLength: 10,
  maxLength: 60,
});

describe('a channel in any weather', () => {
  it('has live folders only where they are joined, and nothing left once it is closed', async () => {
    await fc.assert(
      fc.asyncProperty(anyWeather, async (steps) => {
        const world = new World();
        for (const next of steps) {
          await next(world);
          world.check();
        }
        const { service, channel, folders } = world;
        const before = folders.map(({ lives, heard }) => [lives.length, heard.length]);
        const notes = service.notes.length;
        const closed = channel.close();
        assert.equal(service.time.waits.size, 0);
        service.sockets.at(-1)?.finishClose();
        await closed;
        for (const socket of service.sockets) {
          assert.ok(socket.isDown);
          socket.events.ended('lost', 0);
          socket.events.opened();
        }
        while (service.questions.length > 0) await service.grant();
        await service.time.advance(7_200_000);
        assert.deepEqual(
          folders.map(({ lives, heard }) => [lives.length, heard.length]),
          before,
        );
        assert.equal(service.notes.length, notes);
        assert.equal(service.time.waits.size, 0);
      }),
      { numRuns: 300 },
    );
  });

  it('comes back, once everything works again', async () => {
    await fc.assert(
      fc.asyncProperty(anyWeather, async (steps) => {
        const world = new World();
        for (const next of steps) await next(world);
        const { service, channel, folders } = world;
        world.join(1);
        service.closesAtOnce = true;
        service.sockets.at(-1)?.finishClose();
        for (let round = 0; round < 400 && !folders.every(({ isLive }) => isLive); round++) {
          await service.time.advance(20_000);
          await fairWeather(world);
        }
        assert.ok(folders.every(({ isLive }) => isLive));
        await channel.close();
      }),
      { numRuns: 150 },
    );
  });
});
