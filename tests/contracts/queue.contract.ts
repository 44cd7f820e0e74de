/** What every queue owes (shared/ports/queue.ts). No test relies on an order: none is promised. */
import assert from 'node:assert/strict';
import { type TestContext, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { type Queue, type QueueMessage, queueBodyBytesMax, receivedMax } from '../../shared/ports/queue.ts';

export interface QueueUnderTest {
  readonly queue: Queue;
  /** Moves the queue's clock. Absent where time is the service's own: what needs it is skipped there. */
  readonly advance?: (milliseconds: number) => void;
  /** A second instance over the same messages, as another process or as after a crash. Absent where nothing lasts. */
  readonly reopen?: () => Promise<Queue>;
}

/** Makes empty queues; ends with the test. */
export type MakeQueue = (t: TestContext) => Promise<QueueUnderTest>;

const noClock = 'time cannot be moved here';

function bodiesOf(messages: readonly QueueMessage[]): string[] {
  return messages.map(({ body }) => body).sort();
}

/** Receives until nothing is visible. */
async function receiveAll(queue: Queue, hiddenSeconds = 60): Promise<QueueMessage[]> {
  const all: QueueMessage[] = [];
  for (;;) {
    const messages = await queue.receive('quarantine', receivedMax, hiddenSeconds);
    if (messages.length === 0) return all;
    all.push(...messages);
  }
}

async function mustReceive(queue: Queue, hiddenSeconds = 60): Promise<QueueMessage> {
  const [message] = await queue.receive('quarantine', 1, hiddenSeconds);
  assert.ok(message, 'a message is visible');
  return message;
}

function messageTests(make: MakeQueue): void {
  test('a message is received as it was sent, and hidden from others then', async (t) => {
    const { queue } = await make(t);
    assert.deepEqual(await queue.receive('quarantine', 1, 60), []);
    const body = '{"é": "\u{1d11e} <&> \\" \n"}';
    await queue.send('quarantine', body);
    const message = await mustReceive(queue);
    assert.deepEqual([message.body, message.dequeueCount], [body, 1]);
    assert.ok(message.id !== '' && message.receipt !== '');
    assert.ok(Number.isInteger(message.insertedMs) && message.insertedMs > 0);
    assert.deepEqual(await queue.receive('quarantine', receivedMax, 60), []);
    assert.deepEqual(await queue.peek('quarantine', receivedMax), []);
  });

  test('a message may be as large as the bound in UTF-8, and no larger', async (t) => {
    const { queue } = await make(t);
    const full = 'é'.repeat(queueBodyBytesMax / 2);
    await queue.send('quarantine', full);
    assert.equal((await mustReceive(queue)).body, full);
    await assert.rejects(queue.send('quarantine', `${full}x`), (error) => isTidemarkError(error, 'too-large'));
    assert.deepEqual(await receiveAll(queue), []);
  });

  test('messages come in portions, each once', async (t) => {
    const { queue } = await make(t);
    const bodies = Array.from({ length: receivedMax + 8 }, (_, n) => `message ${n}`).sort();
    for (const body of bodies) await queue.send('quarantine', body);
    const first = await queue.receive('quarantine', receivedMax, 60);
    assert.ok(first.length <= receivedMax);
    const rest = await receiveAll(queue);
    assert.deepEqual(bodiesOf([...first, ...rest]), bodies);
    assert.equal(new Set([...first, ...rest].map(({ id }) => id)).size, bodies.length);
  });

  test('a portion has a bound', async (t) => {
    const { queue } = await make(t);
    await queue.send('quarantine', 'x');
    for (const max of [0, -1, 1.5, receivedMax + 1]) {
      await assert.rejects(queue.receive('quarantine', max, 60));
      await assert.rejects(queue.peek('quarantine', max));
    }
    assert.equal((await mustReceive(queue)).dequeueCount, 1);
  });

  test('queues do not mix', async (t) => {
    const { queue } = await make(t);
    await queue.send('quarantine', 'good');
    await queue.send('quarantine-poison', 'bad');
    const message = await mustReceive(queue);
    assert.equal(message.body, 'good');
    assert.equal(await queue.remove('quarantine-poison', message), 'lost');
    assert.deepEqual(bodiesOf(await queue.peek('quarantine-poison', 5)), ['bad']);
    assert.equal(await queue.remove('quarantine', message), 'removed');
  });

  test('peeking shows visible messages and receives none', async (t) => {
    const { queue } = await make(t);
    for (const body of ['a', 'b', 'c']) await queue.send('quarantine', body);
    const peeked = await queue.peek('quarantine', receivedMax);
    assert.deepEqual(bodiesOf(peeked), ['a', 'b', 'c']);
    assert.ok(peeked.every(({ receipt, dequeueCount }) => receipt === '' && dequeueCount === 0));
    assert.equal((await queue.peek('quarantine', 2)).length, 2);
    assert.equal(await queue.remove('quarantine', peeked[0]!), 'lost');
    const received = await receiveAll(queue);
    assert.deepEqual(
      received.map(({ dequeueCount }) => dequeueCount),
      [1, 1, 1],
    );
  });

  test('what is removed is gone, and can be removed once', async (t) => {
    const { queue, advance } = await make(t);
    await queue.send('quarantine', 'x');
    const message = await mustReceive(queue);
    assert.equal(await queue.remove('quarantine', message), 'removed');
    assert.equal(await queue.remove('quarantine', message), 'lost');
    advance?.(1e9);
    assert.deepEqual(await receiveAll(queue), []);
  });

  test('no two receivers get one message', async (t) => {
    const { queue, reopen } = await make(t);
    const other = (await reopen?.()) ?? queue;
    const bodies = Array.from({ length: 20 }, (_, n) => `message ${n}`).sort();
    for (const body of bodies) await queue.send('quarantine', body);
    const portions = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? queue : other).receive('quarantine', 3, 60)),
    );
    const received = [...portions.flat(), ...(await receiveAll(queue))];
    assert.deepEqual(bodiesOf(received), bodies);
  });
}

function timeTests(make: MakeQueue): void {
  test('a message comes back with a higher count unless it is removed in time', async (t) => {
    const { queue, advance } = await make(t);
    if (advance === undefined) return t.skip(noClock);
    await queue.send('quarantine', 'x');
    const first = await mustReceive(queue, 30);
    advance(29_999);
    assert.deepEqual(await queue.receive('quarantine', 1, 30), []);
    advance(1);
    assert.deepEqual(bodiesOf(await queue.peek('quarantine', 1)), ['x']);
    const second = await mustReceive(queue, 10);
    assert.deepEqual([second.id, second.dequeueCount, second.insertedMs], [first.id, 2, first.insertedMs]);
    assert.equal(await queue.remove('quarantine', first), 'lost');
    advance(10_000);
    const third = await mustReceive(queue);
    assert.equal(third.dequeueCount, 3);
    assert.equal(await queue.remove('quarantine', second), 'lost');
    assert.equal(await queue.remove('quarantine', third), 'removed');
  });

  test('a late remove still removes what nobody received since', async (t) => {
    const { queue, advance } = await make(t);
    if (advance === undefined) return t.skip(noClock);
    await queue.send('quarantine', 'x');
    const message = await mustReceive(queue, 5);
    advance(60_000);
    assert.equal(await queue.remove('quarantine', message), 'removed');
    assert.deepEqual(await receiveAll(queue), []);
  });

  test('a second instance sees what was sent, received and removed', async (t) => {
    const { queue, reopen, advance } = await make(t);
    if (reopen === undefined) return t.skip('these queues last as long as their instance');
    for (const body of ['kept', 'hidden', 'removed']) await queue.send('quarantine', body);
    const received = await queue.receive('quarantine', 3, 60);
    const named = (body: string) => received.find((message) => message.body === body)!;
    await queue.remove('quarantine', named('removed'));
    const second = await reopen();
    assert.deepEqual(await second.receive('quarantine', 3, 60), []);
    assert.equal(await second.remove('quarantine', named('kept')), 'removed');
    if (advance === undefined) return;
    advance(60_000);
    const [again] = await second.receive('quarantine', 3, 60);
    assert.deepEqual([again?.body, again?.dequeueCount], ['hidden', 2]);
  });
}

type Act =
  | { readonly kind: 'send' }
  | { readonly kind: 'receive'; readonly max: number; readonly seconds: number }
  | { readonly kind: 'remove'; readonly nth: number }
  | { readonly kind: 'wait'; readonly seconds: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('send' as const) }),
  fc.record({
    kind: fc.constant('receive' as const),
    max: fc.integer({ min: 1, max: 4 }),
    seconds: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), nth: fc.nat(20) }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 6 }) }),
);

interface Modelled {
  count: number;
  visibleAt: number;
}

/** Plays the acts on the queue and on a map of bodies; leaves the queue empty. */
async function playActs(queue: Queue, advance: (ms: number) => void, acts: readonly Act[]): Promise<void> {
  const model = new Map<string, Modelled>();
  const receipts: QueueMessage[] = [];
  let [nowSeconds, sent] = [0, 0];
  const receive = async (max: number, seconds: number): Promise<void> => {
    const visible = [...model].filter(([, { visibleAt }]) => visibleAt <= nowSeconds);
    const messages = await queue.receive('quarantine', max, seconds);
    assert.equal(messages.length, Math.min(max, visible.length));
    for (const message of messages) {
      const known = model.get(message.body);
      assert.ok(known !== undefined && known.visibleAt <= nowSeconds);
      known.count += 1;
      known.visibleAt = nowSeconds + seconds;
      assert.equal(message.dequeueCount, known.count);
      receipts.push(message);
    }
  };
  for (const step of acts) {
    if (step.kind === 'send') {
      model.set(`message ${(sent += 1)}`, { count: 0, visibleAt: nowSeconds });
      await queue.send('quarantine', `message ${sent}`);
    } else if (step.kind === 'receive') await receive(step.max, step.seconds);
    else if (step.kind === 'remove' && receipts.length > 0) {
      const message = receipts[step.nth % receipts.length]!;
      const isNewest = model.get(message.body)?.count === message.dequeueCount;
      assert.equal(await queue.remove('quarantine', message), isNewest ? 'removed' : 'lost');
      if (isNewest) model.delete(message.body);
    } else if (step.kind === 'wait') {
      nowSeconds += step.seconds;
      advance(step.seconds * 1_000);
    }
  }
  advance(1e6);
  const left = await receiveAll(queue);
  assert.deepEqual(bodiesOf(left), [...model.keys()].sort());
  for (const message of left) assert.equal(await queue.remove('quarantine', message), 'removed');
}

export function queueContract(name: string, make: MakeQueue): void {
  describe(`queue: ${name}`, () => {
    messageTests(make);
    timeTests(make);

    test('whatever is sent, received, removed and waited for, nothing is lost and nothing comes early', async (t) => {
      const { queue, advance } = await make(t);
      if (advance === undefined) return t.skip(noClock);
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 40 }), (acts) => playActs(queue, advance, acts)),
        { numRuns: 50 },
      );
    });
  });
}
