/** How far upload sessions are, as it is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { SessionId } from '../../../shared/core/ids.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { createSimulated } from '../folder/simulated-device.ts';

/** Uploads some bytes; what was told of each session, in order. The first `refusals` packs are not taken. */
async function uploadTold(bytes: number, refusals = 0): Promise<readonly (readonly number[])[]> {
  const author = await createSimulated();
  const told = new Map<SessionId, number[]>();
  Object.assign(author.device.transfer, {
    sessionProgress: (sessionId: SessionId, percent: number) => {
      told.set(sessionId, [...(told.get(sessionId) ?? []), percent]);
    },
  });
  author.device.server.onPut = () => {
    if (refusals-- > 0) throw new TidemarkError('forbidden', 'the URL has expired');
  };
  author.write('a', randomBytesOf('a', bytes));
  await author.device.scan();
  await author.device.upload();
  return [...told.values()];
}

test('pack by pack from 0 to 100', async () => {
  const [percents, ...others] = await uploadTold(40_000_000);
  assert.deepEqual(others, []);
  assert.ok(percents!.length > 2, percents!.join());
  assert.deepEqual([percents![0], percents!.at(-1)], [0, 100]);
  assert.deepEqual(
    percents,
    [...percents!].sort((a, b) => a - b),
  );
});

test('a small session is not told of', async () => {
  assert.deepEqual(await uploadTold(1_024), []);
});

test('a session of which a pack was lost does not come to 100; the one that makes it good does', async () => {
  const [first, second] = await uploadTold(40_000_000, 1);
  assert.ok(first!.at(-1)! < 100, first!.join());
  assert.equal(second?.at(-1) ?? 100, 100);
});
