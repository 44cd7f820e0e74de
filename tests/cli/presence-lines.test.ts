/** How `tide who` and `tide status` show who is in a workspace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askWho } from '../../client/cli/present.ts';
import { othersToLines, presenceToTable, toShownDevices } from '../../client/cli/presence-lines.ts';
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
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

test('those that are there stand still while they work; then those that went, the last first', () => {
  const gone = { ...device('1', 'offline'), seenMs: 5_000 };
  const devices = [device('c', 'idle'), device('a', 'syncing'), device('0', 'offline'), gone, device('b', 'idle')];
  const order = (list: readonly PresentDevice[]) => toShownDevices(list, undefined).map(({ name }) => name.at(-1));
  assert.deepEqual(order(devices), ['a', 'b', 'c', '1', '0']);
  assert.deepEqual(order(devices.toReversed()), ['a', 'b', 'c', '1', '0']);
});

test('how far an upload is, of devices that are syncing', () => {
  const devices = [device('a', 'syncing'), device('b', 'idle'), device('c', 'syncing')];
  const uploads = devices.slice(0, 2).map(({ deviceId }) => ({ deviceId, percent: 43 }));
  const shown = toShownDevices(devices, undefined, uploads);
  assert.deepEqual(
    shown.map(({ percent }) => percent),
    [43, null, null],
  );
  assert.match(presenceToTable(shown)[1]!, /ann +syncing \(43 %\) +since/);
});

test('a status shows the others, a few of them, and nothing where nobody could be asked', () => {
  const devices = '01abcdef'.split('').map((digit) => device(digit, 'idle'));
  const lines = othersToLines(toShownDevices(devices, devices[0]!.deviceId));
  assert.equal(lines.length, 6);
  assert.match(lines[0]!, /^ {2}also here: +device 1 /);
  assert.equal(lines[5], '    … and 2 more (tide who)');
  const away = othersToLines(toShownDevices([device('a', 'offline')], undefined));
  assert.match(away[0]!, /^ {2}away: +device a +\S+ +offline +last seen /);
  assert.deepEqual(othersToLines(null), []);
  assert.deepEqual(othersToLines(toShownDevices(devices.slice(0, 1), devices[0]!.deviceId)), []);
});

test('a server without presence is told of as such; other failures as they are', async () => {
  const failing = (code: 'not-found' | 'unavailable') => askWho(() => Promise.reject(new TidemarkError(code, 'no')));
  await assert.rejects(failing('not-found'), (error) => isTidemarkError(error, 'unsupported'));
  await assert.rejects(failing('unavailable'), (error) => isTidemarkError(error, 'unavailable'));
  const devices = [device('a', 'idle')];
  assert.deepEqual(await askWho(async () => ({ devices })), devices);
});
