/** The journal held against itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJournal } from '../../../client/agent/journal/journal.ts';
import { findJournalFaults } from '../../../client/agent/verify/verify-journal.ts';
import { bytesToDeviceId, bytesToRequestId, bytesToWorkspaceId } from '../../../shared/core/ids.ts';

const id = new Uint8Array(16).fill(7);

test('a commit that waits is no fault as long as it is as it was written, and is one from the first flipped bit on', async () => {
  const identity = { server: 'http://server.test', user: 'test|ann' };
  const journal = createJournal(':memory:', {
    workspaceId: bytesToWorkspaceId(id),
    deviceId: bytesToDeviceId(id),
    ...identity,
  });
  journal.outbox.append(bytesToRequestId(id), Uint8Array.of(1, 2, 3));
  assert.deepEqual(await findJournalFaults(journal), []);
  journal.database.run('UPDATE outbox SET body = ?', Uint8Array.of(1, 2, 2));
  const [fault, ...others] = await findJournalFaults(journal);
  assert.match(fault ?? '', /waits to be sent, is not as it was written/);
  assert.deepEqual(others, []);
});
