/** The control socket: whatever comes in, the agent stays; whatever becomes of the agent, the command is told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { askAgent } from '../../../client/cli/control/client.ts';
import { LineReader, parseRequest } from '../../../client/cli/control/protocol.ts';
import { AgentEnding, type HandleRequest, serveControl } from '../../../client/cli/control/server.ts';
import { mustGetSocketPath } from '../../../client/cli/control/socket-path.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';

const base = mkdtempSync(join(tmpdir(), 'tidemark-control-'));
after(() => rmSync(base, { recursive: true, force: true }));
let sockets = 0;
const never = new AbortController().signal;
const silent = { signal: never, progress: () => undefined };

async function served(handle: HandleRequest, use: (path: string) => Promise<void>): Promise<void> {
  const path = join(base, `${++sockets}.sock`);
  const server = await serveControl(path, handle);
  try {
    await use(path);
  } finally {
    await server.close();
  }
}

const echo: HandleRequest = async ({ action, params }) => ({ action, params });

test('a request is answered; an error comes back with its code and data', async () => {
  const handle: HandleRequest = async ({ action, params }, { progress }) => {
    progress({ done: 1 }, { requests: 2 });
    if (action === 'fail') throw new TidemarkError('halted', 'a person has to look', { data: { files: 7 } });
    return params;
  };
  await served(handle, async (path) => {
    const seen: unknown[] = [];
    const options = { signal: never, progress: (...step: unknown[]) => seen.push(step) };
    const answer = await askAgent(path, 'say', { text: 'ünïcode\n🌊' }, options);
    assert.deepEqual(answer, { state: 'answered', result: { text: 'ünïcode\n🌊' } });
    assert.deepEqual(seen, [[{ done: 1 }, { requests: 2 }]]);
    await assert.rejects(askAgent(path, 'fail', {}, silent), {
      code: 'halted',
      message: 'a person has to look',
      data: { files: 7 },
    });
  });
});

test('the socket and its folder are for this user alone', async () => {
  await served(echo, async (path) => assert.equal(statSync(path).mode & 0o777, 0o600));
  const path = mustGetSocketPath('/some/folder', { XDG_RUNTIME_DIR: join(base, 'runtime') });
  assert.equal(statSync(join(base, 'runtime/tidemark')).mode & 0o777, 0o700);
  assert.ok(path.startsWith(join(base, 'runtime/tidemark')));
  const long = mustGetSocketPath('/some/folder', { XDG_RUNTIME_DIR: join(base, 'x'.repeat(90)) });
  assert.ok(Buffer.byteLength(long) < 104, long);
});

test('garbage, endless lines and broken requests end their connection, and the next command is answered', async () => {
  const garbage = [
    'GET / HTTP/1.1\r\n\r\n',
    '[]\n',
    '{"id":"1","action":"x"}\n',
    '{"id":1}\n',
    'null\n',
    Buffer.alloc(9 * 1024 * 1024, 'a'),
    Buffer.from([0xff, 0xfe, 10]),
  ];
  await served(echo, async (path) => {
    for (const bytes of garbage) {
      const socket = connect(path).on('error', () => undefined);
      socket.write(bytes);
      await new Promise((resolve) => socket.on('close', resolve));
    }
    const answer = await askAgent(path, 'still', { there: true }, silent);
    assert.deepEqual(answer, { state: 'answered', result: { action: 'still', params: { there: true } } });
  });
});

test('nobody there, a stale socket, a plain file, and an agent that is ending are all `gone`', async () => {
  assert.deepEqual(await askAgent(join(base, 'none.sock'), 'x', {}, silent), { state: 'gone' });
  const file = join(base, 'file.sock');
  writeFileSync(file, '');
  assert.deepEqual(await askAgent(file, 'x', {}, silent), { state: 'gone' });
  // Who holds the lock takes the place of what is there.
  const server = await serveControl(file, echo);
  assert.equal((await askAgent(file, 'x', {}, silent)).state, 'answered');
  await server.close();
  assert.deepEqual(await askAgent(file, 'x', {}, silent), { state: 'gone' });
  await served(
    async () => {
      throw new AgentEnding();
    },
    async (path) => assert.deepEqual(await askAgent(path, 'x', {}, silent), { state: 'gone' }),
  );
});

test('a command that stops waiting is gone for the agent, which goes on', async () => {
  const controller = new AbortController();
  let sawGone = false;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const handle: HandleRequest = async (_request, { gone }) => {
    controller.abort(new Error('stopped'));
    await once(gone, 'abort');
    sawGone = true;
    finish();
    return 'nobody hears this';
  };
  await served(handle, async (path) => {
    const options = { signal: controller.signal, progress: () => undefined };
    await assert.rejects(askAgent(path, 'x', {}, options), { message: 'stopped' });
    await finished;
    assert.ok(sawGone);
  });
});

test('closing lets those that wait have their answer', async () => {
  const path = join(base, 'closing.sock');
  let begun: () => void = () => undefined;
  const atWork = new Promise<void>((resolve) => (begun = resolve));
  let release: (value: string) => void = () => undefined;
  const answer = new Promise<string>((resolve) => (release = resolve));
  const server = await serveControl(path, () => {
    begun();
    return answer;
  });
  const asked = askAgent(path, 'x', {}, silent);
  await atWork;
  const closed = server.close();
  release('done');
  assert.deepEqual(await asked, { state: 'answered', result: 'done' });
  await closed;
});

test('lines come out whole however the bytes are cut, and none longer than may be', () => {
  const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(7)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => text + '\n').join(''));
      const reader = new LineReader(10_000);
      const read: string[] = [];
      let at = 0;
      for (let i = 0; at < bytes.length; i++) {
        const length = 1 + (cuts[i % Math.max(cuts.length, 1)] ?? 3);
        read.push(...reader.push(bytes.subarray(at, at + length)));
        at += length;
      }
      assert.deepEqual(read, lines);
    }),
  );
  const reader = new LineReader(4);
  assert.deepEqual(reader.push(Buffer.from('abcd\nab')), ['abcd']);
  assert.throws(() => reader.push(Buffer.from('cde')), { code: 'malformed' });
});

test('a request is an object with a number and an action, and nothing else is believed', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      try {
        const request = parseRequest(json);
        assert.equal(typeof request.action, 'string');
        assert.ok(Number.isSafeInteger(request.id));
      } catch (error) {
        assert.equal((error as TidemarkError).code, 'malformed');
      }
    }),
  );
});
