/** `tide` begins again in its own place to have its settings of glibc's malloc, with everything that it was started with. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
/** Tells what the process that ends was started with. */
const atExit =
  'data:text/javascript,process.on("exit",(code)=>console.error(JSON.stringify([code,process.pid,process.env.MALLOC_ARENA_MAX])))';

interface Ended {
  readonly status: number | null;
  readonly pid: number;
  readonly out: string;
  readonly told: readonly unknown[];
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  const { MALLOC_ARENA_MAX: _, MALLOC_MMAP_THRESHOLD_: __, ...others } = process.env;
  const options = { env: { ...others, ...env }, encoding: 'utf8' } as const;
  const { status, pid, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', atExit, tideScript, ...args],
    options,
  );
  const told: unknown = JSON.parse(stderr.trim().split('\n').at(-1)!);
  assert.ok(Array.isArray(told));
  return { status, pid, out: stdout, told };
}

test(
  'commands that move content have few arenas, keep their process, and answer as before',
  { skip: process.platform !== 'linux' },
  () => {
    const { status, pid, out, told } = run(['sync', '--help']);
    assert.match(out, /tide sync/);
    assert.deepEqual([status, ...told], [0, 0, pid, '1']);
    const wrong = run(['sync', '--no-such-option']);
    assert.deepEqual([wrong.status, ...wrong.told], [2, 2, wrong.pid, '1']);
  },
);

test('other commands start once, and what somebody has set stays', () => {
  const status = run(['status', '--help']);
  assert.deepEqual(status.told, [0, status.pid, null]);
  const set = run(['sync', '--help'], { MALLOC_ARENA_MAX: '8' });
  assert.deepEqual(set.told, [0, set.pid, '8']);
});
