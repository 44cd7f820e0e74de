/** What the log of `tide watch` says, and what it does not say twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SyncReport } from '../../client/agent/engine/report.ts';
import type { Problem } from '../../client/agent/ports.ts';
import { WatchLog } from '../../client/cli/watch-log.ts';
import { fine } from '../agent/watch/watched-world.ts';

function logged(): { readonly log: WatchLog; readonly lines: string[] } {
  const lines: string[] = [];
  return {
    log: new WatchLog('/home/ann/Photos', (level, _fields, message) => lines.push(`${level} ${message}`)),
    lines,
  };
}

function synced(log: WatchLog, report: Partial<SyncReport>): void {
  log.tell({ type: 'synced', report: { ...fine, operations: 0, ...report }, reason: 'changed', seconds: 1 });
}

test('a sync that moved nothing is told once, at the start', () => {
  const { log, lines } = logged();
  for (let i = 0; i < 5; i++) synced(log, {});
  synced(log, { operations: 2, applied: 1, conflicts: 1 });
  assert.equal(lines.length, 2);
  assert.match(lines[1]!, /^info sent 2 changes .* received 1 .*1 conflict copies were made; up to date at 1$/);
});

test('a server that stays away is told once, and when it is back', () => {
  const { log, lines } = logged();
  synced(log, {});
  for (let untilMs = 1; untilMs < 10; untilMs++) {
    log.tell({ type: 'state', state: { name: 'waiting', code: 'unavailable', message: 'away', untilMs } });
    log.tell({ type: 'state', state: { name: 'syncing', reason: 'retry' } });
  }
  synced(log, {});
  assert.deepEqual(
    lines.map((line) => line.split(/[ ;]/)[1]),
    ['up', 'away', 'up'],
  );
});

test('a problem is told once; one that mostly passes only when it did not', () => {
  const { log, lines } = logged();
  const busy: Problem = { path: 'open.doc', code: 'busy', detail: 'changed while it was read' };
  const name: Problem = { path: 'a:b', code: 'name', detail: 'not for Windows' };
  synced(log, { problems: [busy] });
  assert.equal(lines.length, 1);
  synced(log, { problems: [name] });
  synced(log, { problems: [name] });
  assert.deepEqual(lines.slice(1), ['warn name: a:b: not for Windows']);
  synced(log, { problems: [name, busy] });
  assert.equal(lines.length, 2);
  synced(log, { problems: [name, busy] });
  assert.equal(lines.at(-1), 'warn busy: open.doc: changed while it was read');
});
