/** Rates, forecasts and lines of progress, by a clock of the test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ProgressEvent } from '../../client/agent/engine/report.ts';
import { MovedBytes, type TransferProgress, largeFileBytes } from '../../client/agent/transfer/moved-bytes.ts';
import { drawLines } from '../../client/cli/progress.ts';
import { ProgressMeter, figuresToText, shareOf, shortPath } from '../../client/cli/progress/meter.ts';
import { Rate, durationToText, secondsLeft } from '../../client/cli/progress/rate.ts';

const MiB = 1024 * 1024;
const noTraffic = { bytesSent: 0, bytesReceived: 0, requests: 0 };

test('a rate is that of the last seconds, and needs a second to be told', () => {
  const rate = new Rate();
  rate.add(0, 0);
  rate.add(500, 500);
  assert.equal(rate.perSecond(), null);
  for (let s = 1; s <= 60; s++) rate.add(s * 1_000, s * 1_000);
  assert.equal(rate.perSecond(), 1_000);
  for (let s = 61; s <= 80; s++) rate.add(60_000 + (s - 60) * 10, s * 1_000);
  assert.equal(rate.perSecond(), 10);
});

test('a steady flow has its rate, however it is sampled', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 3, maxLength: 60 }),
      (perMs, gaps) => {
        const rate = new Rate();
        let ms = 0;
        for (const gap of gaps) rate.add(perMs * (ms += gap), ms);
        const told = rate.perSecond();
        assert.ok(told === null || Math.abs(told - perMs * 1_000) < 1e-6 * perMs * 1_000);
      },
    ),
  );
});

test('what starts again, starts again; what stands still has no forecast', () => {
  const rate = new Rate();
  rate.add(1_000, 0);
  rate.add(5_000, 2_000);
  rate.add(0, 3_000);
  assert.equal(rate.perSecond(), null);
  assert.equal(secondsLeft(100, 0), null);
  assert.equal(secondsLeft(100, null), null);
  assert.equal(secondsLeft(100, 50), 2);
});

test('durations are told as exactly as they are known', () => {
  assert.deepEqual([0.2, 59, 61, 150, 3_600, 7_900].map(durationToText), [
    '1 s',
    '59 s',
    '1 min',
    '3 min',
    '1 h 0 min',
    '2 h 12 min',
  ]);
});

test('figures: share by bytes where they are known, large files until they are done', () => {
  const meter = new ProgressMeter();
  const event = (bytes: number, file?: number): ProgressEvent => ({
    phase: 'uploading',
    done: 1,
    total: 4,
    bytes: bytes * MiB,
    bytesTotal: 100 * MiB,
    ...(file === undefined ? {} : { file: { path: 'a.iso', done: file * MiB, total: 80 * MiB } }),
  });
  assert.equal(shareOf(meter.add(event(0), noTraffic, 0)), 0);
  meter.add(event(10, 10), noTraffic, 1_000);
  const figures = meter.add(event(20, 20), noTraffic, 2_000);
  assert.equal(shareOf(figures), 0.2);
  assert.equal(figuresToText(figures), '1 of 4, 20.0 MiB of 100.0 MiB, 10.0 MiB/s, 8 s left');
  assert.deepEqual(figures.files, [{ path: 'a.iso', done: 20 * MiB, total: 80 * MiB }]);
  assert.deepEqual(meter.add(event(90, 80), noTraffic, 3_000).files, []);
  assert.equal(meter.add({ phase: 'committing', done: 0, total: 4, bytes: 0 }, noTraffic, 4_000).bytesPerSecond, null);
});

test('without a terminal: a line for each phase, and one every ten seconds of it', () => {
  const written: string[] = [];
  let ms = 0;
  const drawing = drawLines(
    (line) => written.push(line),
    () => ms,
  );
  const meter = new ProgressMeter();
  for (; ms <= 25_000; ms += 200) {
    drawing.draw(meter.add({ phase: 'scanning', done: ms / 100, total: 0, bytes: 0 }, noTraffic, ms));
  }
  drawing.draw(meter.add({ phase: 'uploading', done: 0, total: 3, bytes: 0 }, noTraffic, ms));
  assert.deepEqual(written, [
    'looking at the disk …',
    'looking at the disk: 100',
    'looking at the disk: 200',
    'sending …',
  ]);
});

test('moved bytes never pass the whole, and only large files are named', () => {
  const told: TransferProgress[] = [];
  const files = [
    { path: 'small', size: 10 },
    { path: 'large', size: largeFileBytes },
  ];
  const moved = new MovedBytes(files, (progress) => told.push(progress));
  moved.add(0, 10);
  moved.add(1, largeFileBytes - 1);
  moved.add(1, 5);
  assert.deepEqual(
    told.map(({ bytes, file }) => [bytes, file?.done ?? null]),
    [
      [10, null],
      [largeFileBytes + 9, largeFileBytes - 1],
      [largeFileBytes + 10, largeFileBytes],
    ],
  );
});

test('a long path keeps its end, and none moves the cursor', () => {
  assert.equal(shortPath('a/b.txt', 20), 'a/b.txt');
  assert.equal(shortPath('folder/of/some/depth/name.txt', 12), '…th/name.txt');
  assert.equal(shortPath('\u001b[2J', 20), '\\u001b[2J');
});
