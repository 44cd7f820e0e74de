import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { createFunctionsHost } from '../../../local/host/functions-host.ts';
import { listenOn } from '../../../local/host/http-server.ts';
import { createRecordingLogger } from './recording-logger.ts';
import { hostJson, startFixture, until, type StartedHost } from './started-host.ts';

describe('the Functions host', () => {
  let started: StartedHost;
  before(async () => {
    started = await startFixture();
  });
  after(() => started.host.close());

  it('starts nothing before start', async () => {
    const host = createFunctionsHost({ entry: () => assert.fail('loaded'), hostJson, logger: createRecordingLogger() });
    await assert.rejects(host.listen({ host: '127.0.0.1', port: 0 }), (error) => isTidemarkError(error, 'conflict'));
    await host.close();
  });

  it('runs hooks around starts and invocations', async () => {
    const { hooks } = started.app.seen;
    assert.equal(hooks[0], 'start');
    hooks.length = 1;
    await started.host.invoke('onEvent', { id: 1, subject: '/hooked' });
    assert.deepEqual(hooks.slice(1), ['pre onEvent', 'post onEvent true']);
  });

  it('names functions whose trigger it does not serve, and lets them be invoked', async () => {
    assert.ok(started.lines.some(({ level, fields }) => level === 'warn' && fields['type'] === 'queuetrigger'));
    assert.deepEqual((await started.host.invoke('onQueue', 'text')).ok, true);
  });

  it('refuses to invoke what is not there or is HTTP', async () => {
    await assert.rejects(started.host.invoke('nobody', null), (error) => isTidemarkError(error, 'not-found'));
    await assert.rejects(started.host.invoke('hello', null), (error) => isTidemarkError(error, 'unsupported'));
  });

  it('gives a failure back as an outcome', async () => {
    const outcome = await started.host.invoke('onEvent', { subject: '/bad' });
    assert.ok(!outcome.ok && outcome.error instanceof Error && outcome.error.message === 'refused');
  });

  it('says which port is taken and what to do', async () => {
    const other = createServer();
    await assert.rejects(
      listenOn(other, { host: '127.0.0.1', port: Number(new URL(started.url).port) }, 'The Functions host'),
      (error) =>
        isTidemarkError(error, 'conflict') &&
        /port \d+ on 127\.0\.0\.1 is taken by another program; .*choose another port/.test(error.message),
    );
  });

  it('serves further trigger kinds that are given to it, and several apps in one process', async () => {
    const logger = createRecordingLogger();
    const bound: string[] = [];
    const host = createFunctionsHost({
      entry: async () =>
        (await import('@azure/functions')).app.storageQueue('later', {
          queueName: 'q',
          connection: 'c',
          handler: () => undefined,
        }),
      hostJson,
      logger,
      triggers: {
        queueTrigger: (functions) => ({ start: async () => void bound.push(...functions.map((fn) => fn.name)) }),
      },
    });
    await host.start();
    assert.deepEqual([bound, host.functionNames()], [['later'], ['later']]);
    await host.close();
  });

  it('refuses an entry that registers nothing', async () => {
    const host = createFunctionsHost({ entry: () => undefined, hostJson, logger: createRecordingLogger() });
    await assert.rejects(host.start(), (error) => isTidemarkError(error, 'conflict'));
  });

  it('closes by letting what is under way finish, refusing what is new, and freeing the port', async (t) => {
    const { gate, seen } = started.app;
    const answer = fetch(`${started.url}/api/slow`).then((response) => response.text());
    await until(t, () => gate.waiting === 1);
    const closed = started.host.close();
    await assert.rejects(fetch(`${started.url}/api/hello/x`));
    assert.equal(gate.waiting, 1);
    gate.open.resolve();
    assert.equal(await answer, 'done');
    await closed;
    assert.equal(seen.hooks.at(-1), 'terminate');
    const other = createServer();
    const address = { host: '127.0.0.1', port: Number(new URL(started.url).port) };
    await listenOn(other, address, 'A test');
    other.close();
  });
});

describe('closing with invocations that never end', () => {
  it('cuts them when the time for draining is over, and closes on an abort of the signal', async (t) => {
    const logger = createRecordingLogger();
    const cuts: (() => void)[] = [];
    const clock = {
      now: () => 0,
      after: (_ms: number, run: () => void) => {
        cuts.push(run);
        return () => undefined;
      },
    };
    let entered = false;
    const host = createFunctionsHost({
      entry: async () => {
        const { app } = await import('@azure/functions');
        app.get('stuck', {
          handler: () => {
            entered = true;
            return new Promise<never>(() => undefined);
          },
        });
      },
      hostJson,
      logger,
      clock,
    });
    const abort = new AbortController();
    await host.start(abort.signal);
    const { url } = await host.listen({ host: '127.0.0.1', port: 0 });
    const answer = assert.rejects(fetch(`${url}/api/stuck`));
    await until(t, () => entered);
    abort.abort();
    await until(t, () => cuts.length === 1);
    cuts[0]?.();
    await answer;
    await host.close();
  });
});
