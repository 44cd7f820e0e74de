/** What `tide doctor` makes of what it sees. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ok, runCheck } from '../../client/cli/doctor/check.ts';
import { checkFlush, checkTraits, judgeFreeBytes } from '../../client/cli/doctor/disk-checks.ts';
import { judgeConflicts, judgeJournal, judgeProblems, judgeSynced } from '../../client/cli/doctor/folder-checks.ts';
import { checkInotify, checkNode, checkOpenFiles, checkTls } from '../../client/cli/doctor/machine-checks.ts';
import { checkMembership, judgeClock } from '../../client/cli/doctor/server-checks.ts';
import { TidemarkError } from '../../shared/core/errors.ts';

test('the clock: what a request takes and the whole seconds of a header are no skew', () => {
  assert.equal(judgeClock(10_000, 10_100, 10_900).state, 'ok');
  assert.equal(judgeClock(10_000, 10_999, 14_000).state, 'ok');
  assert.deepEqual(judgeClock(10_000, 52_000, 52_100).state, 'warn');
  assert.match(judgeClock(10_000, 52_000, 52_100).detail, /41 s ahead/);
  assert.match(judgeClock(100_000, 10_000, 10_100).detail, /90 s behind/);
  assert.equal(judgeClock(1_000_000, 10_000, 10_100).state, 'fail');
});

test('machine: Node, open files, TLS, watches', () => {
  assert.equal(checkNode({ node: '24.1.0' }).state, 'ok');
  assert.equal(checkNode({ node: '22.9.0' }).state, 'fail');
  assert.equal(checkOpenFiles(undefined).state, 'ok');
  assert.equal(
    checkOpenFiles('Max open files            256                  4096                 files').state,
    'warn',
  );
  assert.equal(checkOpenFiles('Max open files            65536                65536                files').state, 'ok');
  assert.equal(checkTls('https://a', {}).state, 'ok');
  assert.equal(checkTls('https://a', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }).state, 'fail');
  assert.equal(checkInotify(5_000, 8_192).state, 'ok');
  const few = checkInotify(8_000, 8_192);
  assert.deepEqual([few.state, /max_user_watches=524288/.test(few.advice ?? '')], ['warn', true]);
});

test('disk: room, flush, and no trace of what was tried', () => {
  const MiB = 1024 * 1024;
  assert.deepEqual(
    [10 * MiB, 500 * MiB, 5_000 * MiB].map((free) => judgeFreeBytes(free).state),
    ['fail', 'warn', 'ok'],
  );
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-doctor-'));
  try {
    mkdirSync(join(folder, '.tidemark/tmp'), { recursive: true });
    assert.equal(checkTraits(folder).state, 'ok');
    let ms = 0;
    assert.match(checkFlush(folder, () => (ms += 250)).detail, /250\.0 ms/);
    assert.equal(checkFlush(folder, () => (ms += 250)).state, 'warn');
    assert.deepEqual(readdirSync(join(folder, '.tidemark/tmp')), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('workspace: role, membership, and a device that was revoked', async () => {
  const refused = (code: 'revoked' | 'not-found') =>
    checkMembership(() => Promise.reject(new TidemarkError(code, code)));
  assert.match((await refused('revoked')).advice ?? '', /tide unlink/);
  assert.match((await refused('not-found')).detail, /no member/);
  await assert.rejects(
    checkMembership(() => Promise.reject(new TidemarkError('busy', 'later'))),
    /later/,
  );
});

test('folder: journal, problems, conflicts, changes', () => {
  assert.equal(judgeJournal({ faults: [], folders: 3 }).state, 'ok');
  assert.equal(judgeJournal({ faults: ['it is damaged'], folders: 0 }).state, 'fail');
  assert.equal(judgeProblems({ problems: [] }).state, 'ok');
  const problem = { path: 'a\u001b[2J', code: 'busy', detail: 'it changed' } as const;
  assert.match(judgeProblems({ problems: [problem] }).detail, /^1 files .*a\\u001b\[2J: it changed$/);
  assert.equal(judgeConflicts({ conflicts: [] }).state, 'ok');
  assert.equal(
    judgeSynced({ online: true, upToDate: true, pending: { local: 0, remote: 0 }, excluded: 0 }).state,
    'ok',
  );
  assert.match(
    judgeSynced({ online: false, upToDate: false, pending: { local: 1, remote: 2 }, excluded: 3 }).detail,
    /as last heard; 3 /,
  );
});

test('a check that breaks is a finding', async () => {
  assert.deepEqual(await runCheck('a', () => ok('fine')), { check: 'a', state: 'ok', detail: 'fine', advice: null });
  const broken = await runCheck('b', () => Promise.reject(new TidemarkError('internal', 'oh')));
  assert.deepEqual([broken.state, broken.detail], ['fail', 'oh']);
});
