import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createSqliteQueue } from '../../shared/adapters/sqlite/sqlite-queue.ts';
import { receivedMax } from '../../shared/ports/queue.ts';
import { createManualClock } from '../contracts/manual-clock.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

const sender = `
  import { writeSync } from 'node:fs';
  import { createSqliteQueue } from ${JSON.stringify(import.meta.resolve('../../shared/adapters/sqlite/sqlite-queue.ts'))};
  const [file, killAfter] = process.argv.slice(-2);
  const queue = createSqliteQueue({ file, clock: { now: () => 1_000 } });
  for (let n = 1; ; n++) {
    await queue.send('quarantine', 'message ' + n);
    writeSync(1, n + '\\n');
    if (n === Number(killAfter)) process.kill(process.pid, 'SIGKILL');
  }
`;

test('what was sent is there after the sender was killed', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'queues.sqlite');
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', sender, file, '20'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [[, signal], acknowledged] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
  assert.equal(signal, 'SIGKILL');
  const sent = acknowledged.trim().split('\n').map(Number);
  assert.ok(sent.length >= 20);
  const queue = createSqliteQueue({ file, clock: createManualClock() });
  t.after(() => queue.close());
  const bodies = (await queue.receive('quarantine', receivedMax, 60)).map(({ body }) => body);
  for (const n of sent) assert.ok(bodies.includes(`message ${n}`), `message ${n} was acknowledged`);
});

test('an id is never used again, so that an old receipt removes nothing new', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'queues.sqlite');
  const queue = createSqliteQueue({ file, clock: createManualClock() });
  t.after(() => queue.close());
  await queue.send('quarantine', 'old');
  const [old] = await queue.receive('quarantine', 1, 60);
  assert.equal(await queue.remove('quarantine', old!), 'removed');
  await queue.send('quarantine', 'new');
  const [next] = await queue.receive('quarantine', 1, 60);
  assert.notEqual(next?.id, old?.id);
  assert.equal(await queue.remove('quarantine', old!), 'lost');
  assert.equal(await queue.remove('quarantine', { ...next!, receipt: 'none of its' }), 'lost');
  assert.equal(await queue.remove('quarantine', next!), 'removed');
});
