/** Checksums of the journal's records: damage is found, and what an earlier agent wrote is read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { parseRequestId } from '../../../shared/core/ids.ts';
import { Database } from '../../../client/agent/journal/database.ts';
import { OutboxTable } from '../../../client/agent/journal/outbox-table.ts';
import { matchesChecksum, recordChecksum } from '../../../client/agent/journal/record-checksum.ts';
import { schema } from '../../../client/agent/journal/schema.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';

test('every flipped bit and every cut of a record is found', () => {
  const bytes = randomBytesOf('record', 300);
  const checksum = recordChecksum(bytes);
  assert.match(checksum, /^[0-9a-f]{32}$/);
  assert.ok(matchesChecksum(bytes, checksum));
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.ok(!matchesChecksum(flipped, checksum));
  }
  for (let length = 0; length < bytes.length; length++)
    assert.ok(!matchesChecksum(bytes.subarray(0, length), checksum));
});

test('a record that an earlier agent wrote under a BLAKE3 checksum is read, and a damaged one is not', () => {
  const bytes = randomBytesOf('record', 300);
  assert.ok(matchesChecksum(bytes, blake3Digest(bytes)));
  assert.ok(!matchesChecksum(bytes.toReversed(), blake3Digest(bytes)));
});

test('a commit in the outbox with a flipped bit is damage of the journal, and is not sent', () => {
  const db = new Database(':memory:', { readOnly: false });
  db.exec(schema);
  const outbox = new OutboxTable(db);
  outbox.append(parseRequestId('1'.repeat(32)), randomBytesOf('commit', 100));
  assert.deepEqual(outbox.first()?.body, randomBytesOf('commit', 100));
  const damaged = randomBytesOf('commit', 100);
  damaged[50]! ^= 1;
  db.run('UPDATE outbox SET body = ?', damaged);
  assert.throws(() => outbox.first(), { code: 'corrupt' });
  db.close();
});
