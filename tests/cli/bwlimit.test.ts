/** `--bwlimit`: rates, both ways, and timetables of the local day and week. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { lowestRate, parseBwlimit, ratesAt } from '../../client/cli/bwlimit.ts';

/** Local time, in the week of Sunday, 22 November 2026. */
function at(day: number, hour: number, minute = 0): number {
  return new Date(2026, 10, 22 + day, hour, minute).getTime();
}

const KiB = 1024;

test('one rate, or one for each way', () => {
  const same = (rate: number | null) => ({ up: rate, down: rate });
  const cases: readonly (readonly [string, { up: number | null; down: number | null }])[] = [
    ['512K', same(512 * KiB)],
    ['512', same(512 * KiB)],
    ['1.5M', same(1.5 * KiB * KiB)],
    ['1MiB/s', same(KiB * KiB)],
    ['2048B', same(2048)],
    ['off', same(null)],
    ['0', same(null)],
    ['10M:512k', { up: 10 * KiB * KiB, down: 512 * KiB }],
    ['off:1M', { up: null, down: KiB * KiB }],
  ];
  for (const [text, rates] of cases) {
    const { up, down } = ratesAt(parseBwlimit(text), at(2, 12));
    assert.deepEqual({ up, down }, rates, text);
  }
});

test('a timetable of the day holds every day, and over midnight', () => {
  const timetable = parseBwlimit('08:00,512K 18:00,10M:1M 23:00,off');
  const up = (day: number, hour: number, minute = 0) => ratesAt(timetable, at(day, hour, minute)).up;
  for (let day = 0; day < 7; day++) {
    assert.equal(up(day, 7, 59), null);
    assert.equal(up(day, 8), 512 * KiB);
    assert.equal(up(day, 17, 59), 512 * KiB);
    assert.equal(up(day, 18), 10 * KiB * KiB);
    assert.equal(ratesAt(timetable, at(day, 18)).down, KiB * KiB);
    assert.equal(up(day, 23), null);
  }
  assert.equal(lowestRate(timetable), 512 * KiB);
});

test('a timetable of the week', () => {
  const timetable = parseBwlimit('Mon-08:00,512K Fri-17:30,off');
  assert.equal(ratesAt(timetable, at(0, 12)).up, null);
  assert.equal(ratesAt(timetable, at(1, 7, 59)).up, null);
  assert.equal(ratesAt(timetable, at(1, 8)).up, 512 * KiB);
  assert.equal(ratesAt(timetable, at(4, 3)).up, 512 * KiB);
  assert.equal(ratesAt(timetable, at(5, 17, 30)).up, null);
  assert.equal(ratesAt(timetable, at(6, 12)).up, null);
});

test('the order of entries does not matter, and each minute has the newest entry before it', () => {
  const entry = fc.tuple(
    fc.integer({ min: 0, max: 23 }),
    fc.integer({ min: 0, max: 59 }),
    fc.integer({ min: 1, max: 9_999 }),
  );
  const entries = fc.uniqueArray(entry, { minLength: 1, maxLength: 6, selector: ([h, m]) => h * 60 + m });
  fc.assert(
    fc.property(entries, fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), (list, hour, minute) => {
      const text = list.map(([h, m, rate]) => `${h}:${String(m).padStart(2, '0')},${rate}K`).join(' ');
      const sorted = list.toSorted((a, b) => a[0] * 60 + a[1] - (b[0] * 60 + b[1]));
      const holds = sorted.findLast(([h, m]) => h * 60 + m <= hour * 60 + minute) ?? sorted.at(-1)!;
      assert.equal(ratesAt(parseBwlimit(text), at(3, hour, minute)).up, holds[2] * KiB);
    }),
  );
});

test('what is not understood is refused with examples', () => {
  for (const text of [
    '',
    'fast',
    '1M:2M:3M',
    '25:00,1M',
    '08:60,1M',
    '08:00',
    'Xyz-08:00,1M',
    '08:00,1M nonsense',
    '10B',
    '-5',
  ]) {
    assert.throws(() => parseBwlimit(text), { code: 'malformed', message: /such as 512K/ }, text);
  }
});
