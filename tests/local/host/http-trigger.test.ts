import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startFixture, until, type StartedHost } from './started-host.ts';

const MiB = 1_048_576;

describe('HTTP triggers', () => {
  let started: StartedHost;
  before(async () => {
    started = await startFixture({ keys: { function: 'fkey', master: 'mkey' }, bodyBytesMax: 80 * MiB });
  });
  after(() => started.host.close());
  const call = (path: string, init?: RequestInit): Promise<Response> => fetch(started.url + path, init);
  const textOf = async (path: string, init?: RequestInit): Promise<string> => (await call(path, init)).text();

  it('hands parameters, query, headers, body and trace over, and brings status, headers, cookies and body back', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await call('/api/hello/J%C3%BCrgen%20K?q=a%26b', {
      method: 'POST',
      body: 'hi',
      headers: { 'x-sent': 'here', traceparent },
    });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-seen'), 'here');
    assert.equal(response.headers.get('set-cookie'), 'flavour=plain');
    const body = (await response.json()) as Record<string, unknown>;
    assert.deepEqual(
      { name: body['name'], query: body['query'], body: body['body'], trace: body['trace'], url: body['url'] },
      {
        name: 'Jürgen K',
        query: 'a&b',
        body: 'hi',
        trace: traceparent,
        url: `${started.url}/api/hello/J%C3%BCrgen%20K?q=a%26b`,
      },
    );
    assert.match(String(body['invocationId']), /^[0-9a-f-]{36}$/);
  });

  it('gives every invocation its own id', async () => {
    const ids = await Promise.all(
      Array.from(
        { length: 8 },
        async () => ((await (await call('/api/hello/x')).json()) as { invocationId: string }).invocationId,
      ),
    );
    assert.equal(new Set(ids).size, 8);
  });

  it('prefers special routes, ignores case of literals, and keeps an encoded slash encoded', async () => {
    assert.equal(await textOf('/API/Hello/WORLD'), 'the literal');
    assert.equal(await textOf('/api/hello/17'), 'a number');
    assert.equal(await textOf('/api/files/a/b%2Fc%20d'), 'a/b%2Fc d');
    assert.equal(await textOf('/api/files'), '(none)');
    assert.equal(await textOf('/api/opt'), '{}');
    assert.equal(await textOf('/api/opt/x/'), '{"a":"x"}');
  });

  it('answers 404 for no route, another method and a HEAD that no function lists', async () => {
    for (const [path, method] of [
      ['/', 'GET'],
      ['/hello/x', 'GET'],
      ['/api/hello/x', 'DELETE'],
      ['/api/hello/x', 'HEAD'],
    ] as const) {
      assert.equal((await call(path, { method })).status, 404, `${method} ${path}`);
    }
    const head = await call('/api/hello/world', { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  it('opens each auth level to its keys only', async () => {
    const statuses = async (path: string, keys: readonly string[]): Promise<number[]> =>
      Promise.all(keys.map(async (key) => (await call(path, { headers: { 'x-functions-key': key } })).status));
    assert.deepEqual(await statuses('/api/keyed', ['', 'no', 'fkey', 'mkey']), [401, 401, 200, 200]);
    assert.deepEqual(await statuses('/api/admin', ['', 'no', 'fkey', 'mkey']), [401, 401, 401, 200]);
    assert.equal((await call('/api/keyed?code=fkey')).status, 200);
    assert.equal((await call('/api/keyed')).status, 401);
  });

  it('answers 204 for no result and takes HttpResponse objects', async () => {
    assert.equal((await call('/api/nothing')).status, 204);
    const built = await call('/api/instance');
    assert.deepEqual([built.status, await built.text()], [203, 'built']);
  });

  it('answers an empty 500 when a handler throws or returns nonsense, and logs the error without the signature', async () => {
    const failed = await call('/api/fails', { method: 'POST', body: 'x' });
    assert.deepEqual([failed.status, await failed.text()], [500, '']);
    assert.deepEqual([(await call('/api/wrong')).status, await textOf('/api/wrong')], [500, '']);
    const line = started.lines.find(({ level, fields }) => level === 'error' && fields['function'] === 'fails');
    assert.match(String(line?.fields['error']), /secret detail/);
    assert.doesNotMatch(String(line?.fields['error']), /abcdef/);
  });

  it('breaks the connection when a body fails midway, so that nobody takes it for whole', async () => {
    await assert.rejects(async () => textOf('/api/breaks'));
    assert.equal(await textOf('/api/hello/world'), 'the literal');
  });

  it('streams 64 MiB through a handler: answers arrive while the request is still being sent', async () => {
    const piece = new Uint8Array(MiB).fill(7);
    let sent = 0;
    const held = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (sent === 4) await held.promise;
          if (sent++ < 64) controller.enqueue(piece);
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const response = await call('/api/echo', { method: 'POST', body, duplex: 'half' });
    assert.ok(response.body);
    let bytes = 0;
    let sum = 0;
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += part.byteLength;
      sum += part[0] ?? 0;
      if (bytes === 4 * MiB) held.resolve();
    }
    assert.equal(bytes, 64 * MiB);
    assert.ok(sum > 0);
  });

  it('holds a bounded part of a body that its reader does not take', async (t) => {
    const echoedBefore = started.app.seen.echoedBytes;
    const port = Number(new URL(started.url).port);
    const request = httpRequest({ port, method: 'POST', path: '/api/echo', headers: { 'content-length': 64 * MiB } });
    request.on('error', () => undefined);
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      request.on('response', resolve);
      const write = (left: number): void => {
        if (left > 0) request.write(new Uint8Array(MiB), () => write(left - 1));
      };
      write(64);
    });
    response.pause();
    // The reader never reads. Sockets hold some MiB; when they are full the handler must stop too, far from 64 MiB.
    let last = -1;
    for (let stable = 0; stable < 200;) {
      t.signal.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
      stable = last === started.app.seen.echoedBytes ? stable + 1 : 0;
      last = started.app.seen.echoedBytes;
    }
    const echoed = last - echoedBefore;
    request.destroy();
    assert.ok(echoed > 0 && echoed < 32 * MiB, `the handler took ${echoed} bytes`);
  });

  it("cancels a handler's stream when its reader goes away", async (t) => {
    const abort = new AbortController();
    const response = await call('/api/endless', { signal: abort.signal });
    await response.body?.getReader().read();
    abort.abort();
    await until(t, () => started.app.seen.cancelledStreams === 1);
  });

  it('does not blame the function when the caller goes away in the middle of a body', async () => {
    const socket = connect(Number(new URL(started.url).port), '127.0.0.1');
    socket.write('POST /api/hello/gone HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
    await new Promise<void>((resolve) => socket.once('ready', resolve));
    socket.end();
    const line = await started.line(({ message }) => message.startsWith('the caller went away'));
    assert.deepEqual([line.level, line.fields['function']], ['warn', 'hello']);
    socket.destroy();
  });

  it('refuses bodies over the limit with 413, announced or not', async () => {
    const socket = connect(Number(new URL(started.url).port), '127.0.0.1');
    socket.write(`POST /api/hello/x HTTP/1.1\r\nhost: x\r\ncontent-length: ${81 * MiB}\r\n\r\n`);
    const [head] = (await new Promise<Buffer>((resolve) => socket.once('data', resolve))).toString().split('\r\n');
    socket.destroy();
    assert.equal(head, 'HTTP/1.1 413 Payload Too Large');

    const request = httpRequest({ port: new URL(started.url).port, method: 'POST', path: '/api/hello/x' });
    request.on('error', () => undefined);
    const status = new Promise<number | undefined>((resolve) =>
      request.on('response', (response) => resolve(response.statusCode)),
    );
    const piece = new Uint8Array(MiB);
    const write = (left: number): void => {
      if (left > 0 && !request.destroyed) request.write(piece, () => write(left - 1));
    };
    write(90);
    assert.equal(await status, 413);
    request.destroy();
  });

  it('runs invocations concurrently without a bound', async (t) => {
    const { gate } = started.app;
    const answers = Array.from({ length: 100 }, () => textOf('/api/slow'));
    await until(t, () => gate.waiting === 100);
    gate.open.resolve();
    assert.deepEqual(new Set(await Promise.all(answers)), new Set(['done']));
  });

  it('writes one line per request, without the query', async () => {
    await call('/api/hello/logged?sig=topsecret&code=abc');
    await call('/nowhere?sig=topsecret');
    const line = await started.line(({ fields }) => fields['route'] === '/nowhere');
    assert.deepEqual(
      [line.level, line.fields['method'], line.fields['status'], typeof line.fields['ms']],
      ['info', 'GET', 404, 'number'],
    );
    const known = await started.line(
      ({ message, fields }) => message === 'request' && fields['route'] === '/api/hello/{name}',
    );
    assert.match(String(known.fields['invocationId']), /^[0-9a-f-]{36}$/);
    assert.doesNotMatch(JSON.stringify(started.lines), /topsecret/);
  });

  it('answers 400 for a request target or host that makes no URL', async () => {
    for (const head of ['GET * HTTP/1.1\r\nhost: x', 'GET / HTTP/1.1\r\nhost: a b']) {
      const socket = connect(Number(new URL(started.url).port), '127.0.0.1');
      socket.write(`${head}\r\nconnection: close\r\n\r\n`);
      const answer = (await new Promise<Buffer>((resolve) => socket.once('data', resolve))).toString();
      socket.destroy();
      assert.match(answer, /^HTTP\/1.1 400 /, head);
    }
  });
});
