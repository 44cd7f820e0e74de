/** The memory of transfers: as many buffers as may be lent, whatever comes and whatever gets lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BufferPool, type Lent } from '../../../client/agent/transfer/buffers.ts';

const MiB = 1024 * 1024;

/** A pool that remembers what it made. */
function watchedPool(lentMax: number) {
  const made: WeakRef<ArrayBuffer>[] = [];
  let bytes = 0;
  const pool = new BufferPool<ArrayBuffer>(
    (size) => {
      const memory = new ArrayBuffer(size);
      made.push(new WeakRef(memory));
      bytes += size;
      return memory;
    },
    lentMax,
    4 * MiB,
  );
  return { pool, made, bytesMade: () => bytes };
}

test('a buffer is lent again instead of made anew', async () => {
  const { pool, made } = watchedPool(2);
  for (let i = 0; i < 100; i++) await pool.use(MiB - i, async ({ memory }) => assert.ok(memory.byteLength >= MiB - i));
  assert.equal(made.length, 1);
});

test('never more are out than may be, and all that ask are served in turn', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.integer({ min: 0, max: 4 * MiB }), { maxLength: 40 }),
      async (lentMax, sizes) => {
        const { pool } = watchedPool(lentMax);
        let out = 0;
        const served: number[] = [];
        await Promise.all(
          sizes.map((size, i) =>
            pool.use(size, async ({ memory }) => {
              assert.ok(++out <= lentMax);
              assert.ok(memory.byteLength >= size);
              served.push(i);
              await new Promise((resolve) => setImmediate(resolve));
              out--;
            }),
          ),
        );
        assert.deepEqual(served, [...sizes.keys()]);
      },
    ),
    { numRuns: 50 },
  );
});

test('two that hold a buffer at once never hold the same', async () => {
  const { pool } = watchedPool(3);
  const held: Lent<ArrayBuffer>[] = [];
  for (const size of [10, 2 * MiB, 10]) held.push(await pool.take(size));
  assert.equal(new Set(held.map(({ memory }) => memory)).size, 3);
  for (const lent of held) pool.give(lent);
});

test('memory that went away with a worker is made anew, and its place is free again', async () => {
  const { pool, made } = watchedPool(1);
  await assert.rejects(
    pool.use(10, async ({ memory }) => {
      structuredClone(memory, { transfer: [memory] });
      throw new Error('a worker thread failed');
    }),
    /a worker thread failed/,
  );
  await pool.use(10, async ({ memory }) => assert.ok(memory.byteLength >= 10));
  assert.equal(made.length, 2);
});

test('a buffer that is too small makes way for a larger one', async () => {
  const { pool, bytesMade } = watchedPool(1);
  await pool.use(10, async () => undefined);
  await pool.use(3 * MiB, async () => undefined);
  await pool.use(10, async ({ memory }) => assert.equal(memory.byteLength, 3 * MiB));
  assert.equal(bytesMade(), 64 * 1024 + 3 * MiB);
});

test('more than a buffer can have is refused at once', async () => {
  const { pool } = watchedPool(1);
  await assert.rejects(pool.take(4 * MiB + 1), RangeError);
  await pool.use(4 * MiB, async () => undefined);
});
