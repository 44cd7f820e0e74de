/** Properties of the queue of unacknowledged messages, against a client that keeps what it hears as the protocol says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ReliableQueue } from '../../../local/web-pubsub/reliable-queue.ts';

interface Sized {
  readonly bytes: number;
  readonly content: number;
}

type Step =
  | { readonly kind: 'push'; readonly bytes: number }
  /** The client hears what was sent and is under way, so many frames of it. */
  | { readonly kind: 'hear'; readonly frames: number }
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'acknowledge-again'; readonly sequenceId: number }
  /** What is under way is lost, and sent again. */
  | { readonly kind: 'lose' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), bytes: fc.nat({ max: 50 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('hear' as const), frames: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'acknowledge' as const }) },
  {
    arbitrary: fc.record({ kind: fc.constant('acknowledge-again' as const), sequenceId: fc.nat({ max: 30 }) }),
    weight: 1,
  },
  { arbitrary: fc.constant({ kind: 'lose' as const }), weight: 1 },
);

const bounds = { messagesMax: 6, bytesMax: 120 };

class Model {
  readonly queue = new ReliableQueue<Sized>(bounds);
  readonly accepted: number[] = [];
  readonly heard: number[] = [];
  underWay: (readonly [number, Sized])[] = [];
  lastHeard = 0;
  #next = 0;

  apply(one: Step): void {
    switch (one.kind) {
      case 'push':
        return this.#push(one.bytes);
      case 'hear':
        for (const [sequenceId, { content }] of this.underWay.splice(0, one.frames)) this.#hear(sequenceId, content);
        return;
      case 'acknowledge':
        return this.queue.acknowledge(this.lastHeard);
      case 'acknowledge-again':
        return this.queue.acknowledge(Math.min(one.sequenceId, this.lastHeard));
      case 'lose':
        this.underWay = [...this.queue.unacknowledged()];
    }
  }

  #push(bytes: number): void {
    const { count, bytes: before } = this.queue;
    const message = { bytes, content: this.#next++ };
    const sequenceId = this.queue.push(message);
    const hasRoom = count < bounds.messagesMax && before + bytes <= bounds.bytesMax;
    assert.equal(sequenceId !== undefined, hasRoom);
    if (sequenceId === undefined) return assert.deepEqual([this.queue.count, this.queue.bytes], [count, before]);
    this.accepted.push(message.content);
    assert.equal(sequenceId, this.accepted.length, 'ids begin at 1 and have no gaps');
    this.underWay.push([sequenceId, message]);
  }

  #hear(sequenceId: number, content: number): void {
    if (sequenceId <= this.lastHeard) return;
    this.lastHeard = sequenceId;
    this.heard.push(content);
  }

  check(): void {
    const kept = [...this.queue.unacknowledged()];
    assert.ok(this.queue.count <= bounds.messagesMax && this.queue.bytes <= bounds.bytesMax);
    assert.equal(this.queue.count, kept.length);
    assert.equal(
      this.queue.bytes,
      kept.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    );
    assert.deepEqual(this.heard, this.accepted.slice(0, this.heard.length), 'in order, once');
    const lost = this.accepted.length - kept.length;
    assert.ok(lost <= this.lastHeard, 'what was not heard is kept');
    assert.deepEqual(
      kept.map(([sequenceId, { content }]) => [sequenceId, content]),
      this.accepted.slice(lost).map((content, index) => [lost + index + 1, content]),
    );
  }
}

test('whatever is lost on the way, the client hears what was accepted once and in order, within the bounds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model();
      for (const one of steps) {
        model.apply(one);
        model.check();
      }
      model.apply({ kind: 'lose' });
      model.apply({ kind: 'hear', frames: Number.MAX_SAFE_INTEGER });
      assert.deepEqual(model.heard, model.accepted);
      model.apply({ kind: 'acknowledge' });
      assert.deepEqual([model.queue.count, model.queue.bytes], [0, 0]);
    }),
    { numRuns: 500 },
  );
});

test('an acknowledgement of what was never sent does not move the ids', () => {
  const queue = new ReliableQueue<Sized>(bounds);
  queue.push({ bytes: 1, content: 1 });
  queue.acknowledge(1_000);
  assert.equal(queue.count, 0);
  assert.equal(queue.push({ bytes: 1, content: 2 }), 2);
  queue.clear();
  assert.deepEqual([queue.count, queue.bytes, queue.push({ bytes: 1, content: 3 })], [0, 0, 3]);
});
