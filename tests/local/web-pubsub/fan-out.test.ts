/** Messages go out after their senders were answered, in order, in batches, and within bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestError } from '@azure/core-rest-pipeline';
import { SendMessageError } from '@azure/web-pubsub-client';
import * as fc from 'fast-check';
import { FanOut } from '../../../local/web-pubsub/fan-out.ts';
import { type OutboundMessage, encodeMessage } from '../../../local/web-pubsub/json-protocol.ts';
import { createRealtimeWorld } from './realtime-world.ts';

/** Turns that the test runs. */
function createTurns() {
  const waiting: (() => void)[] = [];
  return {
    later: (run: () => void) => void waiting.push(run),
    /** False: there was none to run. */
    run: (): boolean => {
      const next = waiting.shift();
      next?.();
      return next !== undefined;
    },
    get waiting() {
      return waiting.length;
    },
  };
}

const messageOf = (text: string): OutboundMessage => encodeMessage({ from: 'server' }, { dataType: 'text', text });

test('whoever is sent to gets everything once and in order, so much a turn, and what is refused nobody gets', () => {
  const act = fc.oneof(
    { weight: 3, arbitrary: fc.record({ target: fc.nat(2), skip: fc.option(fc.nat(4), { nil: undefined }) }) },
    { weight: 2, arbitrary: fc.constant('turn' as const) },
  );
  const setting = { batch: fc.integer({ min: 1, max: 7 }), receiversMax: fc.integer({ min: 1, max: 20 }) };
  fc.assert(
    fc.property(fc.record(setting), fc.array(act, { maxLength: 50 }), ({ batch, receiversMax }, acts) => {
      const turns = createTurns();
      const bounds = { fanOutBatch: batch, fanOutReceiversMax: receiversMax, fanOutBytesMax: 1_000_000 };
      const fanOut = new FanOut(bounds, turns.later);
      let sentNow = 0;
      /** Three targets of one, two and five receivers. */
      const targets = [1, 2, 5].map((size) =>
        Array.from({ length: size }, () => {
          const heard: OutboundMessage[] = [];
          const send = (message: OutboundMessage): void => {
            heard.push(message);
            sentNow += 1;
          };
          return { heard, expected: [] as OutboundMessage[], send };
        }),
      );
      const turn = (): boolean => {
        sentNow = 0;
        const before = fanOut.waiting;
        const ran = turns.run();
        assert.ok(sentNow <= batch);
        assert.equal(fanOut.waiting, Math.max(0, before - batch));
        return ran;
      };
      for (const [n, given] of acts.entries()) {
        if (given === 'turn') turn();
        else {
          const connections = targets[given.target]!;
          const skipped = given.skip === undefined ? undefined : connections[given.skip];
          const message = messageOf(`${n}`);
          const before = fanOut.waiting;
          const isWanted = (one: object): boolean => one !== skipped;
          sentNow = 0;
          const isAccepted = fanOut.accept({ message, target: `${given.target}`, connections, isWanted });
          assert.equal(sentNow, 0, 'nothing goes out before its sender was answered');
          assert.equal(isAccepted, before === 0 || before + connections.length <= receiversMax);
          if (isAccepted) for (const one of connections) if (one !== skipped) one.expected.push(message);
        }
      }
      while (turn());
      assert.deepEqual([fanOut.waiting, turns.waiting], [0, 0]);
      for (const { heard, expected } of targets.flat()) assert.deepEqual(heard, expected);
    }),
  );
});

test('a small target does not wait for a large one', () => {
  const turns = createTurns();
  const fanOut = new FanOut({ fanOutBatch: 10, fanOutReceiversMax: 5_000, fanOutBytesMax: 1_000 }, turns.later);
  const heard: string[] = [];
  const receiver = (name: string) => ({ send: () => void heard.push(name) });
  const many = Array.from({ length: 1_000 }, () => receiver('large'));
  const isWanted = (): boolean => true;
  for (const message of [messageOf('1'), messageOf('2')])
    fanOut.accept({ message, target: 'large', connections: many, isWanted });
  fanOut.accept({ message: messageOf('3'), target: 'small', connections: [receiver('small')], isWanted });
  turns.run();
  turns.run();
  assert.equal(heard.indexOf('small'), 10);
});

test('bytes that wait are bounded, and counted until the last receiver had its turn', () => {
  const turns = createTurns();
  const message = messageOf('x'.repeat(100));
  const bounds = { fanOutBatch: 1, fanOutReceiversMax: 1_000, fanOutBytesMax: 2 * message.bytes };
  const fanOut = new FanOut(bounds, turns.later);
  const connections = [1, 2].map(() => ({ send: () => undefined }));
  const accept = (): boolean => fanOut.accept({ message, target: 'g', connections, isWanted: () => true });
  assert.deepEqual([accept(), accept(), accept()], [true, true, false]);
  turns.run();
  assert.equal(accept(), false);
  turns.run();
  assert.equal(accept(), true);
});

test('REST is answered before anything is sent, and past the bound it is told to try again', async (t) => {
  const turns = createTurns();
  const bounds = { fanOutBatch: 1, fanOutReceiversMax: 2 };
  const { connect, service, server } = await createRealtimeWorld(t, { bounds, later: turns.later });
  const one = await connect({ userId: 'ada', groups: ['g'], roles: ['webpubsub.sendToGroup'] });
  const other = await connect({ groups: ['g'] });
  await service.group('g').sendToAll({ n: 1 });
  assert.deepEqual([server.counters.sent, turns.waiting], [0, 1]);
  const refused = (error: unknown): boolean =>
    error instanceof RestError &&
    error.statusCode === 429 &&
    error.code === 'TooManyRequests' &&
    error.response?.headers.get('retry-after') === '1';
  await assert.rejects(service.sendToUser('ada', { n: 2 }), refused);
  await assert.rejects(
    one.client.sendToGroup('g', { n: 3 }, 'json'),
    (error) => error instanceof SendMessageError && error.errorDetail?.name === 'InternalServerError',
  );
  turns.run();
  turns.run();
  await Promise.all([one.hears(1), other.hears(1)]);
  await one.client.sendToGroup('g', { n: 4 }, 'json');
  turns.run();
  turns.run();
  await Promise.all([one.hears(2), other.hears(2)]);
  assert.deepEqual(
    [one.heard, other.heard],
    [
      [{ n: 1 }, { n: 4 }],
      [{ n: 1 }, { n: 4 }],
    ],
  );
});

test('who has left the group, or has ended, by the time it is their turn gets nothing; others go on', async (t) => {
  const turns = createTurns();
  const { connect, service, server } = await createRealtimeWorld(t, { later: turns.later });
  const [kept, left, ended] = await Promise.all([1, 2, 3].map(() => connect({ groups: ['g'] })));
  await service.group('g').sendToAll({ n: 1 });
  await service.group('g').removeConnection(left!.connectionId);
  await service.closeConnection(ended!.connectionId);
  const late = await connect({ groups: ['g'] });
  while (turns.run());
  await service.sendToAll({ n: 2 });
  while (turns.run());
  await Promise.all([kept!.hears(2), left!.hears(1), late.hears(1)]);
  assert.deepEqual(
    [kept!.heard, left!.heard, ended!.heard, late.heard],
    [[{ n: 1 }, { n: 2 }], [{ n: 2 }], [], [{ n: 2 }]],
  );
  assert.equal(server.counters.sent, 4);
});
