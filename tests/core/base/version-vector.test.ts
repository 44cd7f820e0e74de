import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type DeviceId, parseDeviceId } from '../../../shared/core/ids.ts';
import {
  type VersionVector,
  compareVersions,
  counterOf,
  countUp,
  dominates,
  emptyVersion,
  mergeVersions,
} from '../../../shared/core/version-vector.ts';

const devices: readonly DeviceId[] = ['a', 'b', 'c', 'd'].map((letter) => parseDeviceId(letter.repeat(32)));
/** Histories of four devices, so that all orders between two vectors come up. */
const vector: fc.Arbitrary<VersionVector> = fc
  .array(fc.constantFrom(...devices), { maxLength: 6 })
  .map((changes) => changes.reduce(countUp, emptyVersion));

const mirrored = { equal: 'equal', before: 'after', after: 'before', concurrent: 'concurrent' } as const;

test('merge is commutative, associative and idempotent, and has seen both', () => {
  fc.assert(
    fc.property(vector, vector, vector, (a, b, c) => {
      assert.deepEqual(mergeVersions(a, b), mergeVersions(b, a));
      assert.deepEqual(mergeVersions(a, mergeVersions(b, c)), mergeVersions(mergeVersions(a, b), c));
      assert.deepEqual(mergeVersions(a, a), a);
      assert.ok(dominates(mergeVersions(a, b), a) && dominates(mergeVersions(a, b), b));
    }),
  );
});

test('merge is the least that has seen both', () => {
  fc.assert(
    fc.property(vector, vector, vector, (a, b, c) => {
      if (dominates(c, a) && dominates(c, b)) assert.ok(dominates(c, mergeVersions(a, b)));
    }),
  );
});

test('the order is a partial order, and equal vectors have equal bytes', () => {
  fc.assert(
    fc.property(vector, vector, vector, (a, b, c) => {
      const order = compareVersions(a, b);
      assert.equal(compareVersions(b, a), mirrored[order]);
      if (order === 'equal') assert.deepEqual(a, b);
      if (dominates(a, b) && dominates(b, c)) assert.ok(dominates(a, c));
    }),
  );
});

test('counting up is later than before, and changes one counter', () => {
  fc.assert(
    fc.property(vector, fc.constantFrom(...devices), (a, device) => {
      const next = countUp(a, device);
      assert.equal(compareVersions(next, a), 'after');
      assert.equal(counterOf(next, device), counterOf(a, device) + 1);
      for (const other of devices) if (other !== device) assert.equal(counterOf(next, other), counterOf(a, other));
    }),
  );
});

test('two devices that change the same version are concurrent', () => {
  const [a, b] = [devices[0]!, devices[1]!];
  assert.equal(compareVersions(countUp(emptyVersion, a), countUp(emptyVersion, b)), 'concurrent');
  assert.equal(compareVersions(emptyVersion, countUp(emptyVersion, a)), 'before');
});
