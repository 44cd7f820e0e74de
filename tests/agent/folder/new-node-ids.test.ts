import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIds } from '../../../client/agent/folder/new-node-ids.ts';

/** Bytes that are other ones at every call. */
function countingRandomness() {
  let calls = 0;
  return { bytes: (length: number) => new Uint8Array(length).fill(++calls) };
}

test('the ids of a scan ascend in the order in which they are given out, and none comes twice', () => {
  const newNodeId = createNodeIds(countingRandomness());
  const ids = Array.from({ length: 70_000 }, () => newNodeId());
  assert.deepEqual(ids.slice().sort(), ids);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids[0], '01'.repeat(10) + '00'.repeat(6));
  assert.equal(ids[65_537], `${'01'.repeat(10)}000000010001`);
});

test('two scans share no id', () => {
  const randomness = countingRandomness();
  const [first, second] = [createNodeIds(randomness), createNodeIds(randomness)];
  assert.notEqual(first(), second());
});
