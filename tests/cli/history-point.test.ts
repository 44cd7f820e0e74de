/** Points of history as people write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  type LocalZone,
  getPoint,
  parsePoint,
  parseTime,
  splitPoint,
  timeToText,
} from '../../client/cli/history-point.ts';

/** An hour ahead of UTC, all year. */
const zone: LocalZone = zoneOf(60);

function zoneOf(minutes: number): LocalZone {
  return {
    toMs: (year, month, day, hour, minute, second) =>
      Date.UTC(year, month - 1, day, hour, minute, second) - minutes * 60_000,
    offsetMinutes: () => minutes,
  };
}

/** 00:30 on 1 December there, still November in UTC. */
const now = Date.parse('2026-11-30T23:30:00Z');

const times: Readonly<Record<string, string>> = {
  '90s': '2026-11-30T23:28:30Z',
  '30m': '2026-11-30T23:00:00Z',
  '2h': '2026-11-30T21:30:00Z',
  '2h ago': '2026-11-30T21:30:00Z',
  '3 d': '2026-11-27T23:30:00Z',
  '1W': '2026-11-23T23:30:00Z',
  today: '2026-11-30T23:00:00Z',
  Yesterday: '2026-11-29T23:00:00Z',
  'yesterday 14:30': '2026-11-30T13:30:00Z',
  '00:10': '2026-11-30T23:10:00Z',
  '2026-11-20': '2026-11-19T23:00:00Z',
  '2026-11-20 14:30': '2026-11-20T13:30:00Z',
  '2026-11-20T14:30:15': '2026-11-20T13:30:15Z',
  '2026-11-20T14:30:15Z': '2026-11-20T14:30:15Z',
  '2026-11-20t14:30:15.250+05:30': '2026-11-20T09:00:15.250Z',
  '2024-02-29': '2024-02-28T23:00:00Z',
};

for (const [text, time] of Object.entries(times)) {
  test(`"${text}" is ${time}`, () => {
    assert.deepEqual(getPoint(text, now, zone), { timeMs: Date.parse(time) });
  });
}

test('a number is a commit, and now is now', () => {
  assert.deepEqual(getPoint('12', now, zone), { seq: 12 });
  assert.deepEqual(getPoint('0', now, zone), { seq: 0 });
  assert.equal(getPoint(' NOW ', now, zone), 'now');
});

test('what is no day or no time of one is refused, with examples', () => {
  const wrong = [
    '',
    '2026-02-29',
    '2026-13-01',
    '25:00',
    '12:60',
    'tomorrow',
    '2x',
    '-1',
    '1.5',
    '2026-11-20T24:00:00Z',
    'yesterday 9',
  ];
  for (const text of wrong) {
    assert.equal(getPoint(text, now, zone), undefined, text);
    assert.throws(() => parsePoint(text, now, zone), { code: 'malformed', message: /yesterday/ });
  }
  assert.throws(() => parseTime('12', now, zone), { code: 'malformed' });
});

test('what is shown is read again as the same second, in every zone', () => {
  const minutes = fc.integer({ min: -14 * 60, max: 14 * 60 });
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
  fc.assert(
    fc.property(minutes, seconds, (offset, second) => {
      const text = timeToText(second * 1_000, zoneOf(offset));
      assert.deepEqual(getPoint(text, now, zone), { timeMs: second * 1_000 });
    }),
  );
});

test('a path is split at its last @ when a point follows', () => {
  assert.deepEqual(splitPoint('a/b.txt@12', now, zone), { path: 'a/b.txt', point: { seq: 12 } });
  assert.deepEqual(splitPoint('me@home@2h', now, zone), { path: 'me@home', point: { timeMs: now - 7_200_000 } });
  for (const text of ['me@home.txt', '@12', 'a@', 'plain']) {
    assert.deepEqual(splitPoint(text, now, zone), { path: text, point: undefined });
  }
});
