/** The figures, in the text format of Prometheus. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsToText } from '../../client/cli/watch-metrics.ts';
import type { WatchView } from '../../client/agent/watch/watch-state.ts';

const view: WatchView = {
  state: { name: 'waiting', code: 'unavailable', message: 'away', untilMs: 5 },
  progress: null,
  watcher: { mode: 'polling', folders: 0, reason: 'too many' },
  realtime: 'live',
  changed: true,
  lastSyncMs: 1_500,
  lastHeardMs: null,
  lastSyncSeconds: 0.25,
  counts: {
    syncs: 3,
    operations: 4,
    applied: 5,
    conflicts: 1,
    bytesSent: 100,
    bytesReceived: 200,
    requests: 7,
    polls: 9,
    heard: 6,
    failures: { unavailable: 2, full: 1 },
  },
};

test('one sample for each folder, labels escaped, every metric with its type', () => {
  const text = metricsToText([
    { folder: '/home/ann/Photos', view },
    { folder: 'C:\\a "b"\nc', view },
  ]);
  const lines = text.split('\n');
  assert.equal(text.at(-1), '\n');
  assert.ok(lines.includes('tidemark_syncs_total{folder="/home/ann/Photos"} 3'));
  assert.ok(lines.includes('tidemark_syncs_total{folder="C:\\\\a \\"b\\"\\nc"} 3'));
  assert.ok(lines.includes('tidemark_failures_total{folder="/home/ann/Photos",code="unavailable"} 2'));
  assert.ok(lines.includes('tidemark_state{folder="/home/ann/Photos",state="waiting"} 1'));
  assert.ok(lines.includes('tidemark_state{folder="/home/ann/Photos",state="idle"} 0'));
  assert.ok(lines.includes('tidemark_last_sync_timestamp_seconds{folder="/home/ann/Photos"} 1.5'));
  assert.ok(!text.includes('tidemark_last_heard_timestamp_seconds{'));
  assert.ok(lines.includes('tidemark_realtime_connected{folder="/home/ann/Photos"} 1'));
  assert.ok(lines.includes('tidemark_realtime_events_total{folder="/home/ann/Photos"} 6'));
  assert.ok(lines.includes('tidemark_watcher_events{folder="/home/ann/Photos"} 0'));
  for (const line of lines.filter((line) => line !== '' && !line.startsWith('#'))) {
    const name = /^([a-z_]+)(?:\{.*\})? [0-9.e+]+$/.exec(line)?.[1];
    assert.ok(name !== undefined, line);
    assert.ok(
      lines.some((other) => other.startsWith(`# TYPE ${name} `)),
      name,
    );
  }
});
