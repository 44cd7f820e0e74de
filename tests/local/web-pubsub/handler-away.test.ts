/** The event handler cannot be reached, does not answer, or does not agree: who is refused meanwhile, who stays, and what is heard again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendMessageError } from '@azure/web-pubsub-client';
import { startEventHandler } from './event-handler.ts';
import { connectedOf, createRealtimeWorld, openSocket, refusalOf } from './realtime-world.ts';

const isFailed = (error: unknown): boolean =>
  error instanceof SendMessageError && error.errorDetail?.name === 'InvocationFailed';

test('without a handler that can be reached and agrees nobody is let in, and it is asked again', async (t) => {
  const handler = await startEventHandler(t);
  const { urlOf, logged } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const statusOf = async (): Promise<number> => (await refusalOf(openSocket(t, await urlOf()))).status;
  handler.allow = () => ({ status: 200 });
  assert.equal(await statusOf(), 503);
  handler.allow = () => ({ status: 200, headers: { 'webhook-allowed-origin': 'elsewhere.test' } });
  assert.equal(await statusOf(), 503);
  handler.allow = () => ({ status: 404, headers: { 'webhook-allowed-origin': '*' } });
  assert.equal(await statusOf(), 503);
  assert.deepEqual(handler.types(), []);
  handler.allow = (origin) => ({ status: 200, headers: { 'webhook-allowed-origin': `elsewhere.test, ${origin}` } });
  await connectedOf(openSocket(t, await urlOf()));
  await connectedOf(openSocket(t, await urlOf()));
  assert.equal(handler.events.filter(({ method }) => method === 'OPTIONS').length, 4);
  await handler.stop();
  assert.equal(await statusOf(), 503);
  const later = await startEventHandler(t, Number(new URL(handler.url).port));
  await connectedOf(openSocket(t, await urlOf()));
  assert.equal(later.events[0]?.method, 'OPTIONS');
  assert.ok(!logged.join('').includes('of-the-handler'));
});

test('a handler that does not answer in time lets nobody in', async (t) => {
  const handler = await startEventHandler(t);
  handler.answer = () => new Promise(() => undefined);
  const { urlOf } = await createRealtimeWorld(t, { webhookUrl: handler.url, bounds: { connectEventMs: 1 } });
  assert.equal((await refusalOf(openSocket(t, await urlOf()))).status, 503);
});

test('who is connected stays, hears messages and reports again; who is not is refused until it is back', async (t) => {
  const handler = await startEventHandler(t);
  const { connect, urlOf, service, server, logged } = await createRealtimeWorld(t, { webhookUrl: handler.url });
  const state = 'eyJzZWF0cyI6IkFBIn0=';
  handler.answer = ({ type }) =>
    type === 'sys.connect' ? { status: 200, headers: { 'ce-connectionState': state } } : { status: 204 };
  const stays = await connect({ userId: 'ada', groups: ['g'] });
  const leaves = await connect({ userId: 'bob' });
  await handler.seen('sys.connected', ({ headers }) => headers['ce-connectionid'] === leaves.connectionId);
  await handler.stop();

  await assert.rejects(stays.client.sendEvent('presence', {}, 'json'), isFailed);
  assert.equal((await refusalOf(openSocket(t, await urlOf()))).status, 503);
  await service.group('g').sendToAll({ n: 1 });
  await stays.hears(1);
  leaves.client.stop();
  while (await service.connectionExists(leaves.connectionId)) await new Promise((resolve) => setImmediate(resolve));

  const back = await startEventHandler(t, Number(new URL(handler.url).port));
  await stays.client.sendEvent('presence', {}, 'json');
  const { headers } = await back.seen('user.presence');
  assert.deepEqual([headers['ce-connectionid'], headers['ce-connectionstate']], [stays.connectionId, state]);
  await connectedOf(openSocket(t, await urlOf()));
  await back.seen('sys.connected');
  assert.ok(!back.types().includes('sys.disconnected'), 'what was lost is not sent later');
  assert.deepEqual([server.counters.opened, server.counters.ended, server.counters.refused], [3, 1, 1]);
  assert.ok(logged.some((line) => line.includes('cannot be reached')));
  assert.ok(!logged.join('\n').includes('of-the-handler'));
});
