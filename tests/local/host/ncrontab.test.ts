import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { parseNcrontab } from '../../../local/host/ncrontab.ts';
import { parseTimerSchedule } from '../../../local/host/timer-schedule.ts';

const nextIso = (text: string, after: string): string | undefined => {
  const next = parseNcrontab(text).next(Date.parse(after));
  return next === undefined ? undefined : new Date(next).toISOString();
};

describe('NCRONTAB', () => {
  const cases: readonly (readonly [schedule: string, after: string, next: string | undefined])[] = [
    ['0 */5 * * * *', '2026-01-05T12:00:00Z', '2026-01-05T12:05:00.000Z'],
    ['0 */5 * * * *', '2026-01-05T11:59:59.500Z', '2026-01-05T12:00:00.000Z'],
    ['*/5 * * * *', '2026-01-05T12:00:01Z', '2026-01-05T12:05:00.000Z'],
    ['0 30 9-17/4 * * MON-FRI', '2026-01-09T17:30:00Z', '2026-01-12T09:30:00.000Z'],
    ['0 0 0 1 JAN *', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['0 0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 0 0 29 2 TUE', '2028-03-01T00:00:00Z', '2056-02-29T00:00:00.000Z'],
    ['0 0 0 13 * FRI', '2026-01-01T00:00:00Z', '2026-02-13T00:00:00.000Z'],
    ['15,45 59 23 31 12 *', '2026-12-31T23:59:15Z', '2026-12-31T23:59:45.000Z'],
    ['0 20/15 * * * *', '2026-01-05T12:36:00Z', '2026-01-05T12:50:00.000Z'],
    ['0 0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
  ];
  for (const [schedule, after, next] of cases) {
    it(`"${schedule}" after ${after} is ${next ?? 'never'}`, () => assert.equal(nextIso(schedule, after), next));
  }

  it('refuses what is not a schedule, naming the field', () => {
    for (const text of [
      '',
      '* * * *',
      '60 * * * * *',
      '* * * 0 * *',
      '* * * * 13 *',
      '* * * * * 7',
      '5-1 * * * * *',
      '*/0 * * * * *',
      '1.5 * * * * *',
      '* * * * FOO *',
      '1,,2 * * * * *',
    ]) {
      assert.throws(
        () => parseNcrontab(text),
        (error) => isTidemarkError(error, 'malformed'),
        text,
      );
    }
    assert.throws(() => parseNcrontab('* 77 * * * *'), /"77" is not a minute/);
  });

  it('finds the very first second that every field allows', () => {
    const list = (min: number, max: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 }).map((values) => values.join(',')),
      );
    const fields = fc.tuple(list(0, 59), list(0, 59), list(0, 23));
    const start = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1_000);
    fc.assert(
      fc.property(fields, start, (texts, after) => {
        const isAllowed = (text: string, value: number): boolean =>
          text === '*' || text.split(',').map(Number).includes(value);
        const next = parseNcrontab(`${texts.join(' ')} * * *`).next(after);
        let expected = after + 1_000;
        for (;;) {
          const date = new Date(expected);
          if (
            isAllowed(texts[2], date.getUTCHours()) &&
            isAllowed(texts[1], date.getUTCMinutes()) &&
            isAllowed(texts[0], date.getUTCSeconds())
          )
            break;
          expected += 1_000;
        }
        assert.equal(next, expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe('timer schedules', () => {
  it('are intervals when they have colons', () => {
    assert.equal(parseTimerSchedule('00:00:30').next(5), 30_005);
    assert.equal(parseTimerSchedule('1.02:00:00').next(0), 26 * 3_600_000);
    for (const text of ['24:00:00', '00:00:00', '1:2', '00:60:00']) {
      assert.throws(
        () => parseTimerSchedule(text),
        (error) => isTidemarkError(error, 'malformed'),
        text,
      );
    }
  });
});
