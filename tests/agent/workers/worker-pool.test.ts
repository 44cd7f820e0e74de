/** The pool: errors keep their meaning on their way between threads, and nothing waits for ever. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import { fileErrorCode } from '../../../client/agent/folder/file-problem.ts';
import { lockFolder } from '../../../client/agent/folder/folder-lock.ts';
import { errorToPlain, plainToError, transferable } from '../../../client/agent/workers/messages.ts';
import { createWorkerPool } from '../../../client/agent/workers/worker-pool.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-workers-'));
after(() => rmSync(scratch, { recursive: true }));

test('errors keep their codes and data', () => {
  const ours = plainToError(structuredClone(errorToPlain(new TidemarkError('corrupt', 'bad', { data: { chunk: 3 } }))));
  assert.ok(isTidemarkError(ours, 'corrupt'));
  assert.deepEqual(ours.data, { chunk: 3 });
  const file = plainToError(structuredClone(errorToPlain(Object.assign(new Error('full'), { code: 'ENOSPC' }))));
  assert.equal(fileErrorCode(file), 'ENOSPC');
});

test('only whole, unshared buffers are handed over', () => {
  const whole = new Uint8Array(8);
  const part = new Uint8Array(8).subarray(1);
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  assert.deepEqual(transferable({ whole, part, shared, number: 1, again: whole }), [whole.buffer]);
  assert.deepEqual(transferable(null), []);
});

test('a task that fails rejects with its own error, and the pool goes on', async () => {
  const pool = createWorkerPool(2);
  const missing = pool.run('flushFiles', { root: join(scratch, 'none'), paths: ['a'] });
  await assert.rejects(missing, (error) => fileErrorCode(error) === 'ENOENT');
  const many = Array.from({ length: 50 }, () =>
    pool.run('hashFiles', { root: scratch, files: [], preferFixed: false, wantsSha256: false }),
  );
  for (const { files } of await Promise.all(many)) assert.deepEqual(files, []);
  await pool.close();
});

test('closing lets running tasks end, and refuses the rest', async () => {
  const pool = createWorkerPool(1);
  const run = () => pool.run('hashFiles', { root: scratch, files: [], preferFixed: false, wantsSha256: false });
  const tasks = Array.from({ length: 10 }, run);
  const settled = Promise.allSettled(tasks);
  await pool.close();
  const outcomes = (await settled).map((result) => (result.status === 'fulfilled' ? 'done' : result.reason.code));
  assert.deepEqual([...new Set(outcomes)], ['done', 'unavailable']);
  await assert.rejects(run(), (error) => isTidemarkError(error, 'unavailable'));
});

test('one agent for a folder: a lock that ends with its process, even by kill -9', async () => {
  const root = join(scratch, 'locked');
  mkdirSync(join(root, '.tidemark'), { recursive: true });
  const held = lockFolder(root);
  assert.throws(
    () => lockFolder(root),
    (error) => isTidemarkError(error, 'halted'),
  );
  held.release();
  const code = `import { lockFolder } from '${new URL('../../../client/agent/folder/folder-lock.ts', import.meta.url).href}';
    lockFolder(process.argv[1]); console.log('held'); setInterval(() => undefined, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', code, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
  assert.throws(
    () => lockFolder(root),
    (error) => isTidemarkError(error, 'halted'),
  );
  other.kill('SIGKILL');
  await once(other, 'exit');
  lockFolder(root).release();
});
