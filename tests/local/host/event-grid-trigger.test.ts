import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startFixture, type StartedHost } from './started-host.ts';

describe('Event Grid triggers', () => {
  let started: StartedHost;
  before(async () => {
    started = await startFixture();
  });
  after(() => started.host.close());

  const send = (type: string, body: unknown, name = 'onEvent'): Promise<Response> =>
    fetch(`${started.url}/runtime/webhooks/EventGrid?functionName=${name}`, {
      method: 'POST',
      headers: { 'aeg-event-type': type, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  it('answers the validation handshake with the code', async () => {
    const response = await send('SubscriptionValidation', [{ id: '1', data: { validationCode: 'abc-123' } }]);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { validationResponse: 'abc-123' });
    assert.equal((await send('SubscriptionValidation', [{ data: {} }])).status, 400);
  });

  it('answers the CloudEvents handshake with the origin', async () => {
    const url = `${started.url}/runtime/webhooks/EventGrid?functionName=onEvent`;
    const response = await fetch(url, {
      method: 'OPTIONS',
      headers: { 'WebHook-Request-Origin': 'eventgrid.azure.net' },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('webhook-allowed-origin'), 'eventgrid.azure.net');
    assert.equal((await fetch(url, { method: 'OPTIONS' })).status, 400);
  });

  it('invokes once per event of a batch, and for a lone CloudEvent', async () => {
    const { events } = started.app.seen;
    const batch = [
      { id: '1', subject: '/a', eventType: 'Microsoft.Storage.BlobCreated', data: { url: 'http://x/y' } },
      { id: '2', subject: '/b', eventType: 'Microsoft.Storage.BlobCreated', data: {} },
    ];
    assert.equal((await send('Notification', batch)).status, 202);
    assert.deepEqual(events, batch);
    const cloudEvent = { specversion: '1.0', id: '3', type: 't', source: 's' };
    assert.equal((await send('notification', cloudEvent)).status, 202);
    assert.deepEqual(events.at(-1), cloudEvent);
  });

  it('answers 500 when an event of a batch fails, so that all are sent again', async () => {
    const { events } = started.app.seen;
    events.length = 0;
    assert.equal(
      (
        await send('Notification', [
          { id: '1', subject: '/bad' },
          { id: '2', subject: '/good' },
        ])
      ).status,
      500,
    );
    assert.deepEqual(events, [{ id: '2', subject: '/good' }]);
  });

  it('refuses unknown functions, other kinds, no type and bodies that are no events', async () => {
    assert.equal((await send('Notification', [], 'nobody')).status, 404);
    assert.equal((await send('Notification', [], 'hello')).status, 404);
    assert.equal((await send('Other', [])).status, 400);
    assert.equal((await send('Notification', '{')).status, 400);
    assert.equal((await send('Notification', [1])).status, 400);
    assert.equal((await send('Notification', 'x'.repeat(3 * 1024 * 1024))).status, 413);
    assert.equal((await send('Unsubscribe', [])).status, 202);
  });
});

describe('a webhook with a key', () => {
  it('is shut without it', async () => {
    const { isWebhookAllowed } = await import('../../../local/host/access-keys.ts');
    type Incoming = Parameters<typeof isWebhookAllowed>[0];
    const from = (remoteAddress: string | undefined, localAddress?: string): Incoming =>
      ({ headers: {}, socket: { remoteAddress, localAddress } }) as unknown as Incoming;
    const plain = new URL('http://h/');
    const keyed = new URL('http://h/?code=wkey');
    assert.equal(isWebhookAllowed(from('127.0.0.1'), plain, { webhook: 'wkey' }), false);
    assert.equal(isWebhookAllowed(from('10.0.0.9'), keyed, { webhook: 'wkey' }), true);
    assert.equal(isWebhookAllowed(from('127.0.0.1'), plain, {}), true);
    assert.equal(isWebhookAllowed(from('10.0.0.9'), plain, {}), false);
    assert.equal(isWebhookAllowed(from('10.0.0.9', '10.0.0.9'), plain, {}), true, 'a machine that calls itself');
    assert.equal(isWebhookAllowed(from('10.0.0.9', '10.0.0.1'), plain, {}), false);
    assert.equal(isWebhookAllowed(from(undefined), plain, {}), false, 'of a connection that is gone');
  });
});
