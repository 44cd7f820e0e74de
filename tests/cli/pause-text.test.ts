import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../client/cli/pause-text.ts';

test('durations as people write them', () => {
  assert.equal(parseDuration('90s'), 90_000);
  assert.equal(parseDuration('2h'), 7_200_000);
  assert.equal(parseDuration('1h30m'), 5_400_000);
  assert.equal(parseDuration('0.5d'), 43_200_000);
  for (const text of ['', '2', 'h', '2 h', '2w', '1h!', '-1h', '0m']) {
    assert.throws(() => parseDuration(text), { code: 'malformed' }, text);
  }
});
