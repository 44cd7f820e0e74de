/** Queue triggers on a queue of the test's own, with a clock that stands still until it is moved. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseHostJson } from '../../../local/host/host-json.ts';
import { createQueueTrigger } from '../../../local/host/queue-trigger.ts';
import type { HostContext, TriggerInput, TriggeredFunction } from '../../../local/host/trigger.ts';
import type { Queue, QueueMessage, QueueName } from '../../../shared/ports/queue.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createRecordingLogger } from './recording-logger.ts';

const noon = Date.UTC(2026, 0, 5, 12);

interface Held {
  readonly id: string;
  readonly body: string;
  readonly insertedMs: number;
  visibleMs: number;
  dequeueCount: number;
}

/** The port's guarantees over the fake clock, and what was asked of it. */
class FakeQueue implements Queue {
  readonly #clock: FakeClock;
  readonly queues = new Map<QueueName, Held[]>();
  receives: number[] = [];
  failing = false;
  #ids = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  held(name: QueueName): Held[] {
    const held = this.queues.get(name) ?? [];
    this.queues.set(name, held);
    return held;
  }

  async send(name: QueueName, body: string): Promise<void> {
    const now = this.#clock.now();
    this.held(name).push({ id: `m${++this.#ids}`, body, insertedMs: now, visibleMs: now, dequeueCount: 0 });
  }

  async receive(name: QueueName, max: number, hiddenSeconds: number): Promise<readonly QueueMessage[]> {
    const now = this.#clock.now();
    this.receives.push(now - noon);
    if (this.failing) throw new Error('the queue is away');
    const visible = this.held(name).filter((each) => each.visibleMs <= now);
    return visible.slice(0, max).map((each) => {
      each.dequeueCount++;
      each.visibleMs = now + hiddenSeconds * 1_000;
      return { ...each, receipt: String(each.dequeueCount) };
    });
  }

  async remove(name: QueueName, message: QueueMessage): Promise<'removed' | 'lost'> {
    const held = this.held(name);
    const at = held.findIndex(({ id, dequeueCount }) => id === message.id && String(dequeueCount) === message.receipt);
    if (at < 0) return 'lost';
    held.splice(at, 1);
    return 'removed';
  }

  async peek(name: QueueName, max: number): Promise<readonly QueueMessage[]> {
    return this.held(name)
      .slice(0, max)
      .map((each) => ({ ...each, receipt: '' }));
  }
}

type Settings = Readonly<Record<string, unknown>>;

function createRig(settings: Settings = {}, binding: Settings = {}) {
  const clock = createFakeClock(noon);
  const queue = new FakeQueue(clock);
  const logger = createRecordingLogger();
  const calls: TriggerInput[] = [];
  const rig = { clock, queue, logger, calls, concurrent: 0, concurrentMax: 0, hold: Promise.resolve(), ok: true };
  const hostJson = { version: '2.0', extensions: { queues: settings } };
  const context: HostContext = {
    clock,
    logger,
    keys: {},
    routePrefix: 'api',
    settings: { QUEUE: 'quarantine' },
    bodyBytesMax: 0,
    queues: parseHostJson(JSON.stringify(hostJson)).queues,
    newInvocationId: () => 'id',
    async invoke(_fn, input) {
      rig.calls.push(input);
      rig.concurrentMax = Math.max(rig.concurrentMax, ++rig.concurrent);
      await rig.hold;
      rig.concurrent--;
      return rig.ok ? { ok: true, response: { invocationId: 'id' } } : { ok: false, error: new Error('no') };
    },
  };
  const fn = {
    name: 'onQueue',
    bindingName: 'q',
    binding: { type: 'queueTrigger', queueName: '%QUEUE%', ...binding },
  } as unknown as TriggeredFunction;
  return Object.assign(rig, { listener: createQueueTrigger(queue)([fn], context) });
}

describe('queue triggers', () => {
  it('hand over a message as Azure does, and remove it when the function succeeds', async () => {
    const rig = createRig();
    await rig.queue.send('quarantine', '{"a":1}');
    await rig.listener.start?.();
    await rig.clock.advance(0);
    assert.equal(rig.calls.length, 1);
    const [{ data, metadata }] = rig.calls as [TriggerInput];
    assert.deepEqual(data, { string: '{"a":1}' });
    assert.deepEqual(metadata?.['Id'], { string: 'm1' });
    assert.deepEqual(metadata?.['DequeueCount'], { int: 1 });
    assert.deepEqual(metadata?.['InsertionTime'], { json: JSON.stringify(new Date(noon).toISOString()) });
    assert.deepEqual(rig.queue.held('quarantine'), []);
    rig.listener.stop?.();
  });

  it('let a message that failed come back, and move it to the poison queue after maxDequeueCount calls', async () => {
    const rig = createRig({ maxDequeueCount: 3, visibilityTimeout: '00:00:10' });
    rig.ok = false;
    await rig.queue.send('quarantine', 'bad');
    await rig.listener.start?.();
    await rig.clock.advance(9_000);
    assert.equal(rig.calls.length, 1);
    await rig.clock.advance(60_000);
    assert.deepEqual(
      rig.calls.map((call) => call.metadata?.['DequeueCount']),
      [{ int: 1 }, { int: 2 }, { int: 3 }],
    );
    assert.deepEqual(rig.queue.held('quarantine'), []);
    assert.deepEqual(
      rig.queue.held('quarantine-poison').map(({ body }) => body),
      ['bad'],
    );
    assert.equal(rig.logger.lines.filter(({ level }) => level === 'error').length, 1);
    rig.listener.stop?.();
  });

  it('do not call again for a message whose calls never came to an end', async () => {
    const rig = createRig({ maxDequeueCount: 2 });
    await rig.queue.send('quarantine', 'kills the process');
    rig.queue.held('quarantine')[0]!.dequeueCount = 2;
    await rig.listener.start?.();
    await rig.clock.advance(0);
    assert.deepEqual([rig.calls.length, rig.queue.held('quarantine').length], [0, 0]);
    assert.equal(rig.queue.held('quarantine-poison').length, 1);
    rig.listener.stop?.();
  });

  it('handle at most batchSize messages at once, and the next as soon as one is done', async () => {
    const rig = createRig({ batchSize: 3 });
    const gate = Promise.withResolvers<void>();
    rig.hold = gate.promise;
    for (let i = 0; i < 8; i++) await rig.queue.send('quarantine', String(i));
    await rig.listener.start?.();
    await rig.clock.advance(5_000);
    assert.deepEqual([rig.calls.length, rig.concurrent], [3, 3]);
    gate.resolve();
    await rig.clock.advance(0);
    await rig.clock.advance(1_000);
    assert.deepEqual([rig.calls.length, rig.concurrentMax, rig.queue.held('quarantine').length], [8, 3, 0]);
    rig.listener.stop?.();
  });

  it('look at an empty queue less and less often, and at once often again after a message', async () => {
    const rig = createRig();
    await rig.listener.start?.();
    await rig.clock.advance(10_000);
    assert.deepEqual(rig.queue.receives, [0, 100, 300, 700, 1_500, 3_100, 5_100, 7_100, 9_100]);
    await rig.queue.send('quarantine', 'x');
    rig.queue.receives = [];
    await rig.clock.advance(1_800);
    assert.deepEqual(rig.queue.receives, [11_100, 11_200, 11_300, 11_500]);
    rig.listener.stop?.();
  });

  it('go on when the queue cannot be read', async () => {
    const rig = createRig();
    rig.queue.failing = true;
    await rig.queue.send('quarantine', 'x');
    await rig.listener.start?.();
    await rig.clock.advance(1_000);
    rig.queue.failing = false;
    await rig.clock.advance(2_000);
    assert.equal(rig.calls.length, 1);
    assert.ok(rig.logger.lines.some(({ message }) => message === 'the queue could not be read'));
    rig.listener.stop?.();
  });

  it('stop cleanly: nothing is armed, and what is under way is waited for and removed', async () => {
    const rig = createRig();
    const gate = Promise.withResolvers<void>();
    rig.hold = gate.promise;
    await rig.queue.send('quarantine', 'x');
    await rig.listener.start?.();
    await rig.clock.advance(0);
    rig.listener.stop?.();
    assert.equal(rig.clock.armed, 0);
    let settled = false;
    const waiting = rig.listener.settled?.().then(() => (settled = true));
    await rig.clock.advance(1_000);
    assert.equal(settled, false);
    gate.resolve();
    await waiting;
    assert.deepEqual(rig.queue.held('quarantine'), []);
    await rig.queue.send('quarantine', 'later');
    await rig.clock.advance(60_000);
    assert.equal(rig.calls.length, 1);
  });

  it('say so when a function listens to a queue that is not there', async () => {
    const rig = createRig({}, { queueName: 'elsewhere' });
    await rig.listener.start?.();
    await rig.clock.advance(10_000);
    assert.deepEqual(rig.queue.receives, []);
    assert.deepEqual(
      rig.logger.lines.map(({ message }) => message),
      ['there is no such queue here: the function never fires'],
    );
  });

  it('refuse settings that are none', () => {
    for (const queues of [
      { batchSize: 0 },
      { batchSize: 33 },
      { maxDequeueCount: '5' },
      { visibilityTimeout: '5 s' },
    ]) {
      assert.throws(() => parseHostJson(JSON.stringify({ version: '2.0', extensions: { queues } })), {
        code: 'malformed',
      });
    }
  });
});
