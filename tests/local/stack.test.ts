/** The local stack as a process: how it starts, refuses to start, and ends, whoever ends it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { rotateKeyFile } from '../../shared/adapters/node/rotate-key-file.ts';
import { findFreePorts } from '../../local/free-ports.ts';
import { stackPorts } from '../../local/stack.ts';
import { spawnStack } from '../../local/spawn-stack.ts';
import { StackProcess, hasStackFile, isRunning, readEndpoints, untilGone } from './stack-process.ts';
import { knock } from '../e2e/listener.ts';
import { openClient } from './stack-client.ts';

const patience = { timeout: 60_000 };

function newBase(t: TestContext): string {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-stack-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  return base;
}

async function start(t: TestContext, data: string, ...args: readonly string[]): Promise<StackProcess> {
  const stack = new StackProcess(['--data', data, '--port', '0', ...args]);
  t.after(async () => {
    if (stack.child.exitCode === null && stack.child.signalCode === null) stack.signalGroup('SIGKILL');
    await stack.ended;
  });
  await stack.ready();
  return stack;
}

/** Runs it to its end, for starts that are to fail or to say something. */
function run(...args: readonly string[]) {
  return new StackProcess(args).ended;
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort();
}

/** By the offset of their ports. */
const parts = new Map([
  [0, 'The Functions host'],
  [1, 'The development issuer'],
  [2, 'The blob endpoint'],
  [4, 'The realtime endpoint'],
]);

for (const [offset, part] of parts) {
  test(
    `${part}: its port taken is told in one line with what to do, exit code 1, nothing left running`,
    patience,
    async (t) => {
      const data = join(newBase(t), 'data');
      const port = await findFreePorts('127.0.0.1', stackPorts);
      const squatter = createServer().listen(port + offset, '127.0.0.1');
      await once(squatter, 'listening');
      t.after(() => squatter.close());
      const { code, stderr } = await run('--data', data, '--port', String(port));
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`^Tidemark could not start: ${part} cannot listen: port ${port + offset} .*--port`),
      );
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
      assert.ok(!hasStackFile(data));
      for (const free of [...parts.keys()].filter((each) => each !== offset)) {
        const probe = createServer().listen(port + free, '127.0.0.1');
        await once(probe, 'listening');
        probe.close();
      }
    },
  );
}

test('a second stack on the same data folder is refused, and told where the first one is', patience, async (t) => {
  const data = join(newBase(t), 'data');
  const first = await start(t, data);
  for (const args of [[], ['--reset']]) {
    const { code, stderr } = await run('--data', data, '--port', '0', ...args);
    assert.equal(code, 1);
    assert.ok(stderr.includes(`process ${first.child.pid}`) && stderr.includes(readEndpoints(data).server), stderr);
  }
  assert.equal((await fetch(`${readEndpoints(data).server}/health`)).status, 200);
});

test('of many started at once on one folder exactly one runs', patience, async (t) => {
  const data = join(newBase(t), 'data');
  const started = [0, 1, 2].map(() => new StackProcess(['--data', data, '--port', '0']));
  t.after(() => Promise.all(started.map((stack) => stack.ended)));
  const states = await Promise.all(
    started.map((stack) =>
      stack.ready().then(
        () => 'runs',
        () => 'refused',
      ),
    ),
  );
  assert.deepEqual(states.toSorted(), ['refused', 'refused', 'runs']);
  started[states.indexOf('runs')]!.signalGroup('SIGINT');
});

test('the file that a killed stack left is no obstacle, whoever has its process id now', patience, async (t) => {
  const data = join(newBase(t), 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'stack.json'), JSON.stringify({ pid: process.pid, companions: [], server: 'http://x' }));
  const stack = await start(t, data);
  assert.equal(readEndpoints(data).pid, stack.child.pid);
});

test('--reset deletes the state of a stack, and refuses a folder with anything foreign in it', patience, async (t) => {
  const data = join(newBase(t), 'data');
  const stack = await spawnStack({ data });
  const ann = await openClient(stack.endpoints.server, 'ann');
  await ann.createWorkspace('before');
  await stack.stop();
  await rotateKeyFile(join(data, 'signing-key.pem'));
  writeFileSync(join(data, 'thesis.doc'), 'ten years of work');
  const before = namesIn(data);
  const refused = await run('--data', data, '--port', '0', '--reset');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /thesis\.doc.*nothing was deleted/);
  assert.deepEqual(namesIn(data), before);
  rmSync(join(data, 'thesis.doc'));
  await start(t, data, '--reset');
  const again = await openClient(readEndpoints(data).server, 'ann');
  assert.deepEqual(await again.api.listWorkspaces(), []);
});

test('--help says what there is; options that are none are refused', patience, async (t) => {
  const { code, stdout } = await run('--help');
  assert.equal(code, 0);
  for (const option of ['--port', '--host', '--data', '--reset', '--json']) assert.ok(stdout.includes(option), option);
  const data = join(newBase(t), 'data');
  for (const args of [
    ['--prot', '1'],
    ['--port', 'x'],
    ['--port', '70000'],
    ['--port', '65532'],
    ['extra'],
    ['--data', ''],
  ]) {
    const refused = await run('--data', data, ...args);
    assert.equal(refused.code, 1, args.join(' '));
    assert.match(refused.stderr, /^Tidemark could not start: /);
    assert.doesNotMatch(refused.stderr, /\n\s+at /, 'no stack trace');
  }
  assert.ok(!existsSync(data), 'nothing was made');
});

test('Ctrl-C ends all of it, leaves no process and no stack.json', patience, async (t) => {
  const data = join(newBase(t), 'data');
  const stack = await start(t, data);
  const { companions } = readEndpoints(data);
  stack.signalGroup('SIGINT');
  const { code, stderr } = await stack.ended;
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok(!hasStackFile(data));
  assert.deepEqual(companions.filter(isRunning), []);
});

test('Ctrl-C while an upload hangs in its middle ends it all the same', patience, async (t) => {
  const data = join(newBase(t), 'data');
  const stack = await start(t, data);
  const { server, companions } = readEndpoints(data);
  const ann = await openClient(server, 'ann');
  const target = await ann.openPack(await ann.createWorkspace('w'), Buffer.alloc(100_000, 7));
  const upload = request(target.url, {
    method: 'PUT',
    headers: { 'x-ms-blob-type': 'BlockBlob', 'content-length': target.bytes.length },
  });
  const cut = once(upload, 'error');
  upload.write(target.bytes.subarray(0, target.bytes.length - 1));
  await untilStaged(data);
  stack.signalGroup('SIGINT');
  assert.equal((await stack.ended).code, 0);
  await cut;
  assert.ok(!hasStackFile(data));
  assert.deepEqual(companions.filter(isRunning), []);
});

/** Until the endpoint has begun to write the upload. */
async function untilStaged(data: string): Promise<void> {
  while (readdirSync(join(data, 'blobs', '.staging')).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('kill -9 of the stack alone ends the blob and realtime endpoints too', patience, async (t) => {
  const data = join(newBase(t), 'data');
  const stack = await start(t, data);
  const { companions } = readEndpoints(data);
  assert.equal(companions.length, 2);
  stack.child.kill('SIGKILL');
  await stack.ended;
  for (const pid of companions) await untilGone(pid);
});

for (const [at, part] of ['the blob endpoint', 'the realtime endpoint'].entries()) {
  test(`kill -9 of ${part} ends the stack with a message`, patience, async (t) => {
    const data = join(newBase(t), 'data');
    const stack = await start(t, data);
    process.kill(readEndpoints(data).companions[at]!, 'SIGKILL');
    const { code, stderr } = await stack.ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`${part} has ended; stopping. Start again: nothing acknowledged is lost`));
    assert.ok(!hasStackFile(data));
  });
}

/** Paths of a folder whose group or others have any right. */
function openToOthers(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((item) => {
    const path = join(below, item.name);
    if (item.isDirectory()) return openToOthers(folder, path);
    return (statSync(join(folder, path)).mode & 0o077) === 0 ? [] : [path];
  });
}

test('secrets, metadata and stack.json are their owner’s only, in a folder that is too', patience, async (t) => {
  const data = join(newBase(t), 'data');
  await start(t, data);
  const ann = await openClient(readEndpoints(data).server, 'ann');
  await ann.putFile(await ann.createWorkspace('w'), 'a.txt', Buffer.from('content'));
  assert.equal(statSync(data).mode & 0o777, 0o700);
  const harmless = /^(blobs|timers)\/|^stack\.lock/;
  assert.deepEqual(
    openToOthers(data).filter((path) => !harmless.test(path)),
    [],
  );
  for (const name of [
    'stack.json',
    'metadata.sqlite',
    'queues.sqlite',
    'blob.key',
    'realtime.key',
    'signing-key.pem',
  ]) {
    assert.equal(statSync(join(data, name)).mode & 0o777, 0o600, name);
  }
});

for (const form of [[], ['--json']]) {
  test(`no signed URL and no token is in what a stack prints ${form.join('')}`, patience, async (t) => {
    const data = join(newBase(t), 'data');
    const stack = new StackProcess(['--data', data, '--port', '0', ...form], { TIDEMARK_LOG: 'debug' });
    await stack.ready();
    const { server } = readEndpoints(data);
    const ann = await openClient(server, 'ann');
    const workspace = await ann.createWorkspace('w');
    const { url } = await ann.openPack(workspace, Buffer.from('other'));
    await ann.putFile(workspace, 'a.txt', Buffer.from('content'));
    await fetch(url.replace(/sig=[^&]+/, 'sig=AAAA'), { method: 'PUT', body: 'x' });
    await fetch(url, { method: 'DELETE' });
    await fetch(`${server}/workspaces?access_token=${ann.token}`, {
      headers: { authorization: `Bearer ${ann.token}x` },
    });
    await fetch(`${server}/${ann.token}`);
    const listen = await ann.api.negotiate({ seats: [{ workspaceId: workspace, deviceId: ann.deviceId }] });
    assert.equal(await knock(listen.url!), 'open');
    assert.equal(await knock(listen.url!.replace('access_token=', 'access_token=x')), 401);
    stack.signalGroup('SIGINT');
    const { stdout, stderr } = await stack.ended;
    const printed = stdout + stderr;
    assert.match(printed, /manifest\/commit/, 'the log is on');
    const secrets = [
      /sig=/,
      /bearer/i,
      /eyJ[\w-]+\./,
      /secret/i,
      /access_?(token|key)/i,
      /seats=/,
      new RegExp(ann.token.slice(-20)),
    ];
    for (const secret of secrets) assert.doesNotMatch(printed, secret);
  });
}
