/** How `tide who` and `tide status` show who is in a workspace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { othersToLines, presenceToTable, toShownDevices } from '../../client/cli/presence-lines.ts';
import { parseDeviceId, parseUserId } from '../../shared/core/ids.ts';
import type { PresentDevice } from '../../shared/core/wire/presence.ts';

const device = (digit: string, state: PresentDevice['state'], name = `device ${digit}`): PresentDevice => ({
  userId: parseUserId('id.example|ann'),
  deviceId: parseDeviceId(digit.repeat(32)),
  name,
  state,
  sinceMs: 1_000,
  seenMs: 2_000,
});

test('one line for each, this device marked, and no name that moves the cursor', () => {
  const devices = [device('a', 'syncing'), device('b', 'offline', 'evil\u001b[2J')];
  const [head, first, second] = presenceToTable(toShownDevices(devices, devices[0]!.deviceId));
  assert.match(head!, /DEVICE +USER +STATE +SINCE/);
  assert.match(first!, /^device a \(this device\) +id\.example\|ann +syncing +since \d/);
  assert.match(second!, /^evil\\u001b\[2J +id\.example\|ann +offline +last seen \d/);
  assert.equal(presenceToTable([]).length, 1);
});

test('a status shows the others, a few of them, and nothing where nobody could be asked', () => {
  const devices = 'abcdef01'.split('').map((digit) => device(digit, 'idle'));
  const lines = othersToLines(toShownDevices(devices, devices[0]!.deviceId));
  assert.equal(lines.length, 6);
  assert.match(lines[0]!, /^ {2}also here: +device b /);
  assert.equal(lines[5], '    … and 2 more (tide who)');
  assert.deepEqual(othersToLines(null), []);
  assert.deepEqual(othersToLines(toShownDevices(devices.slice(0, 1), devices[0]!.deviceId)), []);
});
