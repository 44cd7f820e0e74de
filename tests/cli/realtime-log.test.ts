/** What `tide watch` logs of the realtime channel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RealtimeLog } from '../../client/cli/realtime-log.ts';

test('a connection that goes and comes is told once each way, with what a script needs', () => {
  const lines: string[] = [];
  const log = new RealtimeLog('https://a.example/api', (level, fields, message) => {
    assert.equal(fields['server'], 'https://a.example/api');
    assert.equal(fields['event'], 'realtime');
    lines.push(`${level} ${String(fields['state'])}: ${message}`);
  });
  log.tell({ kind: 'connected', folders: 2 });
  for (let i = 0; i < 5; i++) {
    log.tell({ kind: 'lost', reason: 'silent', dropped: 0, waitMs: 700 });
    log.tell({ kind: 'failed', code: 'unavailable', waitMs: 1_400 });
  }
  log.tell({ kind: 'connected', folders: 1 });
  log.tell({ kind: 'absent', waitMs: 600_000 });
  log.tell({ kind: 'absent', waitMs: 600_000 });
  log.tell({ kind: 'refused', workspaces: [] });
  log.tell({ kind: 'crowded', folders: 3 });
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]),
    ['info connected', 'info lost', 'info connected', 'info absent', 'warn crowded'],
  );
  assert.match(lines[0]!, /told at once to 2 folders$/);
});
