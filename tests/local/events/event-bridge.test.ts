import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type EventBridgeOptions, createEventBridge } from '../../../local/events/event-bridge.ts';
import type { Log } from '../../../shared/ports/log.ts';

interface Rig {
  readonly options: EventBridgeOptions;
  readonly accepted: number[];
  readonly delays: number[];
  readonly warnings: string[];
}

/** A webhook that answers with `statuses` one after the other ('down': no answer), then with 200; waits take no time. */
function createRig(statuses: readonly (number | 'down')[], changes: Partial<EventBridgeOptions> = {}): Rig {
  const accepted: number[] = [];
  const delays: number[] = [];
  const warnings: string[] = [];
  let requests = 0;
  const warn = (_fields: object, message: string): void => {
    warnings.push(message);
  };
  const log: Log = { debug: () => {}, info: () => {}, warn, error: warn };
  const fetch: typeof globalThis.fetch = async (_url, init) => {
    const status = statuses[requests++] ?? 200;
    if (status === 'down') throw new TypeError('fetch failed');
    if (status === 200) accepted.push(...eventsOf(init));
    return new Response(null, { status });
  };
  const wait = async (milliseconds: number): Promise<void> => {
    delays.push(milliseconds);
  };
  return {
    options: { webhookUrl: 'http://x/', log, fetch, wait, random: () => 0.5, ...changes },
    accepted,
    delays,
    warnings,
  };
}

function eventsOf(init: RequestInit | undefined): number[] {
  assert.equal(typeof init?.body, 'string');
  return JSON.parse(init?.body as string) as number[];
}

const never = new AbortController().signal;

test('events arrive in order, in batches, and run ends when closed and empty', async () => {
  const sizes: number[] = [];
  const rig = createRig([]);
  const fetch: typeof globalThis.fetch = (url, init) => {
    sizes.push(eventsOf(init).length);
    return rig.options.fetch!(url, init);
  };
  const bridge = createEventBridge<number>({ ...rig.options, fetch, batchMax: 4 });
  for (let i = 0; i < 10; i++) assert.equal(bridge.emit(i), true);
  bridge.close();
  await bridge.run(never);
  assert.deepEqual(rig.accepted, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(sizes, [4, 4, 2]);
});

test('events that come while it runs are delivered too', async () => {
  const rig = createRig([]);
  const bridge = createEventBridge<number>(rig.options);
  const running = bridge.run(never);
  for (let i = 0; i < 5; i++) {
    bridge.emit(i);
    await new Promise(setImmediate);
  }
  bridge.close();
  await running;
  assert.deepEqual(rig.accepted, [0, 1, 2, 3, 4]);
});

test('whatever fails for a while, every event arrives, first in the order of emission', async () => {
  const failure = fc.constantFrom<number | 'down'>('down', 401, 404, 429, 500, 503);
  await fc.assert(
    fc.asyncProperty(
      fc.array(failure, { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (statuses, batchMax) => {
        const rig = createRig(statuses, { batchMax });
        const bridge = createEventBridge<number>(rig.options);
        const running = bridge.run(never);
        for (let i = 0; i < 9; i++) bridge.emit(i);
        while (rig.accepted.length < 9) await new Promise(setImmediate);
        bridge.close();
        await running;
        assert.deepEqual(rig.accepted, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert.equal(rig.delays.length, statuses.length);
      },
    ),
    { numRuns: 40 },
  );
});

test('waits double up to half a minute, drawn from their second half', async () => {
  const rig = createRig(Array<'down'>(10).fill('down'));
  const bridge = createEventBridge<number>(rig.options);
  const running = bridge.run(never);
  bridge.emit(1);
  while (rig.accepted.length < 1) await new Promise(setImmediate);
  bridge.close();
  await running;
  const longest = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000];
  assert.deepEqual(
    rig.delays,
    longest.map((delay) => delay * 0.75),
  );
});

test('a full queue loses the newcomer, with one warning, and goes on', async () => {
  const rig = createRig([], { queueMax: 2 });
  const bridge = createEventBridge<number>(rig.options);
  assert.deepEqual(
    [1, 2, 3, 4].map((event) => bridge.emit(event)),
    [true, true, false, false],
  );
  assert.equal(rig.warnings.length, 1);
  const running = bridge.run(never);
  while (!bridge.emit(5)) await new Promise(setImmediate);
  bridge.close();
  await running;
  assert.deepEqual(rig.accepted, [1, 2, 5]);
});

test('a batch that the webhook calls malformed is given up, so that others get through', async () => {
  const rig = createRig([400, 413], { batchMax: 1 });
  const bridge = createEventBridge<number>(rig.options);
  for (const event of [1, 2, 3]) bridge.emit(event);
  bridge.close();
  await bridge.run(never);
  assert.deepEqual(rig.accepted, [3]);
  assert.deepEqual(rig.delays, []);
});

test('closing with the webhook away ends at the first failure; aborting ends at once', async () => {
  const rig = createRig(Array<'down'>(100).fill('down'));
  const bridge = createEventBridge<number>(rig.options);
  bridge.emit(1);
  bridge.close();
  await bridge.run(never);
  assert.deepEqual(rig.accepted, []);
  assert.equal(bridge.emit(2), false);

  const abort = new AbortController();
  const idle = createEventBridge<number>(createRig([]).options).run(abort.signal);
  abort.abort();
  await idle;
});
