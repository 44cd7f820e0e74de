/** How far the uploads of others are, as far as they say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeardUploads } from '../../../client/agent/realtime/heard-uploads.ts';
import { parseDeviceId, parseDigest, parseSessionId, parseUserId, parseWorkspaceId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { PresenceState } from '../../../shared/core/wire/presence.ts';

const workspaceId = parseWorkspaceId('0'.repeat(32));
const deviceOf = (n: number) => parseDeviceId(n.toString(16).padStart(32, '0'));

function listening() {
  const time = { now: 0 };
  const passed: unknown[] = [];
  const uploads = new HeardUploads({ now: () => time.now });
  const listener = uploads.beside({
    heard: (event) => void passed.push(event.kind),
    live: (isLive) => void passed.push(isLive),
  });
  return {
    time,
    passed,
    uploads,
    listener,
    progress: (device: number, percent: number, session = 1) =>
      listener.heard({
        kind: 'progress',
        workspaceId,
        deviceId: deviceOf(device),
        sessionId: parseSessionId(session.toString(16).padStart(32, '0')),
        percent,
      }),
    presence: (device: number, state: PresenceState) =>
      listener.heard({
        kind: 'presence',
        workspaceId,
        userId: parseUserId('i|ann'),
        deviceId: deviceOf(device),
        state,
      }),
    percents: () => uploads.list().map(({ percent }) => percent),
  };
}

test('the newest word of each device, until it is through', () => {
  const { progress, uploads, percents } = listening();
  progress(1, 10);
  progress(2, 0);
  progress(1, 43);
  assert.deepEqual(uploads.list(), [
    { deviceId: deviceOf(2), percent: 0 },
    { deviceId: deviceOf(1), percent: 43 },
  ]);
  progress(1, 100);
  assert.deepEqual(percents(), [0]);
  progress(1, 5, 2);
  assert.deepEqual(percents(), [0, 5]);
});

test('a device that rests or goes has none; one that says that it goes on keeps its word', () => {
  for (const [state, left] of [
    ['syncing', [50]],
    ['idle', []],
    ['offline', []],
  ] as const) {
    const { progress, presence, percents } = listening();
    progress(1, 50);
    presence(1, state);
    assert.deepEqual(percents(), left, state);
  }
});

test('a word is believed as long as a device that is silent counts as there', () => {
  const { time, progress, percents } = listening();
  progress(1, 50);
  time.now += limits.presenceLiveSeconds * 1_000;
  assert.deepEqual(percents(), [50]);
  time.now++;
  assert.deepEqual(percents(), []);
});

test('what is kept is bounded: the oldest word goes', () => {
  const { progress, uploads } = listening();
  for (let n = 1; n <= limits.presenceListedMax + 5; n++) progress(n, 1);
  const kept = uploads.list();
  assert.equal(kept.length, limits.presenceListedMax);
  assert.equal(kept[0]!.deviceId, deviceOf(6));
});

test('everything is passed on; a connection that comes or goes ends what was known', () => {
  const { progress, presence, listener, passed, percents } = listening();
  listener.live(true);
  progress(1, 50);
  presence(2, 'idle');
  listener.heard({
    kind: 'commit',
    workspaceId,
    seq: 1,
    root: parseDigest('ab'.repeat(32)),
    deviceId: deviceOf(1),
  });
  assert.deepEqual(percents(), [50]);
  listener.live(false);
  assert.deepEqual(percents(), []);
  assert.deepEqual(passed, [true, 'progress', 'presence', 'commit', false]);
});
