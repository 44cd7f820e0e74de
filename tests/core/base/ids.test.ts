import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { errorCodes, isTidemarkError, TidemarkError, type ErrorCode } from '../../../shared/core/errors.ts';
import {
  bytesToDigest,
  bytesToNodeId,
  columnBytesAt,
  columnDigestAt,
  columnLength,
  columnToDigests,
  digestsToColumn,
  idToBytes,
  isDigest,
  parseDigest,
  parseDigestColumn,
  parseNodeId,
  parseUserId,
  rootNodeId,
} from '../../../shared/core/ids.ts';

const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');

test('ids and digests go to bytes and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const id = bytesToNodeId(bytes);
      assert.deepEqual(idToBytes(id), bytes);
      assert.equal(parseNodeId(id), id);
    }),
  );
  assert.equal(rootNodeId, '00'.repeat(16));
});

test('whatever is not exactly an id is refused', () => {
  for (const text of ['', 'a'.repeat(63), 'A'.repeat(64), 'g'.repeat(64), `${'a'.repeat(64)}\n`]) {
    assert.throws(() => parseDigest(text), malformed, text);
    assert.equal(isDigest(text), false);
  }
  for (const text of ['', 'a'.repeat(31), 'A'.repeat(32), `${'a'.repeat(31)}/`]) {
    assert.throws(() => parseNodeId(text), malformed, text);
  }
  for (const length of [0, 15, 17, 32]) assert.throws(() => bytesToNodeId(new Uint8Array(length)), malformed);
  assert.throws(() => bytesToDigest(new Uint8Array(31)), malformed);
  for (const text of ['', 'x'.repeat(257), '\ud800']) assert.throws(() => parseUserId(text), malformed);
});

test('a column of digests is their list', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 20 }), (list) => {
      const digests = list.map(bytesToDigest);
      const column = digestsToColumn(digests);
      assert.equal(columnLength(column), digests.length);
      assert.deepEqual(columnToDigests(column), digests);
      for (const [i, digest] of digests.entries()) {
        assert.equal(columnDigestAt(column, i), digest);
        assert.deepEqual(columnBytesAt(column, i), list[i]);
      }
    }),
  );
  assert.throws(() => parseDigestColumn(new Uint8Array(33)), malformed);
});

test('errors say whether trying again may help', () => {
  const retryable = (Object.keys(errorCodes) as ErrorCode[]).filter((code) => new TidemarkError(code, 'x').retryable);
  assert.deepEqual(retryable.sort(), ['busy', 'in-progress', 'rate-limited', 'unavailable']);
  assert.equal(new TidemarkError('busy', 'x', { retryable: false }).retryable, false);
  const cause = new Error('below');
  const error = new TidemarkError('corrupt', 'x', { cause, data: { chunk: 1 } });
  assert.equal(error.cause, cause);
  assert.deepEqual(error.data, { chunk: 1 });
  assert.ok(isTidemarkError(error) && isTidemarkError(error, 'corrupt') && !isTidemarkError(error, 'busy'));
  assert.equal(isTidemarkError(cause), false);
});
