/** Which tokens open a hub, and how the others are refused: before the upgrade, with a status. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { plainSubprotocol, reliableSubprotocol } from '../../../local/web-pubsub/json-protocol.ts';
import { accessKey, connectedOf, createRealtimeWorld, hub, openSocket, refusalOf } from './realtime-world.ts';

test('a token opens the hub it is for, until shortly after it has expired', async (t) => {
  const { endpoint, clock, urlOf } = await createRealtimeWorld(t);
  const nowSeconds = Math.floor(clock.now() / 1_000);
  const audience = `${endpoint}/client/hubs/${hub}`;
  const base = (): SignJWT =>
    new SignJWT({})
      .setSubject('ada')
      .setAudience(audience)
      .setExpirationTime(nowSeconds + 60);
  const sign = (token: SignJWT, key = accessKey, alg = 'HS256'): Promise<string> =>
    token.setProtectedHeader({ alg }).sign(Buffer.from(key));
  const good = await sign(base());
  const [head, body, signature] = good.split('.') as [string, string, string];
  const other = Buffer.from(JSON.stringify({ sub: 'eve', aud: audience, exp: nowSeconds + 60 })).toString('base64url');
  const refused: Readonly<Record<string, string>> = {
    nothing: '',
    'no token': 'abc',
    expired: await sign(base().setExpirationTime(nowSeconds - 31)),
    'without expiry': await sign(new SignJWT({}).setAudience(audience)),
    'not yet good': await sign(base().setNotBefore(nowSeconds + 31)),
    altered: `${head}.${other}.${signature}`,
    'without signature': new UnsecuredJWT({})
      .setAudience(audience)
      .setExpirationTime(nowSeconds + 60)
      .encode(),
    'with its signature cut off': `${head}.${body}.`,
    'of another algorithm': await sign(base(), accessKey + accessKey, 'HS512'),
    'of another algorithm and the same key': await sign(base(), accessKey, 'HS512').catch(() => ''),
    'of another key': await sign(base(), Buffer.alloc(32, 8).toString('base64')),
    'of another hub': await sign(base().setAudience(`${endpoint}/client/hubs/other`)),
    'of another endpoint': await sign(base().setAudience(`http://elsewhere/client/hubs/${hub}`)),
    'of no audience': await sign(new SignJWT({}).setExpirationTime(nowSeconds + 60)),
    'of REST': await sign(base().setAudience(`${endpoint}/api/hubs/${hub}/:send?api-version=2024-12-01`)),
  };
  const at = `${endpoint.replace('http', 'ws')}/client/hubs/${hub}`;
  for (const [what, token] of Object.entries(refused)) {
    const { status } = await refusalOf(openSocket(t, `${at}?access_token=${token}`));
    assert.equal(status, 401, `a token ${what}`);
  }
  const late = await sign(base().setExpirationTime(nowSeconds - 20));
  for (const token of [good, late]) {
    assert.equal((await connectedOf(openSocket(t, `${at}?access_token=${token}`))).userId, 'ada');
  }
  const headers = { authorization: `Bearer ${good}` };
  assert.equal((await connectedOf(openSocket(t, at, reliableSubprotocol, { headers }))).userId, 'ada');
  const inQuery = `${endpoint.replace('http', 'ws')}/client/?hub=${hub}&access_token=${good}`;
  assert.equal((await connectedOf(openSocket(t, inQuery, plainSubprotocol))).userId, 'ada');
  assert.equal((await connectedOf(openSocket(t, await urlOf()))).userId, undefined);
});

test('one role may be a text, and roles that are not known give nothing', async (t) => {
  const { endpoint, clock } = await createRealtimeWorld(t);
  const token = await new SignJWT({ role: 'webpubsub.joinLeaveGroup.a.b', 'webpubsub.group': 'c' })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience(`${endpoint}/client/hubs/${hub}`)
    .setExpirationTime(Math.floor(clock.now() / 1_000) + 60)
    .sign(Buffer.from(accessKey));
  const opened = openSocket(t, `${endpoint.replace('http', 'ws')}/client/hubs/${hub}?access_token=${token}`);
  await connectedOf(opened);
  const groups = ['a.b', 'a', 'a.b.c', ''];
  for (const [index, group] of groups.slice(0, 3).entries()) opened.say({ type: 'joinGroup', group, ackId: index });
  await opened.frame(({ ackId }) => ackId === 2);
  const acks = opened.frames.filter(({ type }) => type === 'ack').map(({ success }) => success);
  assert.deepEqual(acks, [true, false, false]);
});

test('refuses what is no hub and what speaks no subprotocol of its own, with a status', async (t) => {
  const { endpoint, urlOf } = await createRealtimeWorld(t);
  const base = endpoint.replace('http', 'ws');
  const { search } = new URL(await urlOf());
  for (const path of ['/', '/client/hubs/', '/client/hubs/-', '/client', '/clients/mqtt/hubs/tidemark']) {
    assert.equal((await refusalOf(openSocket(t, `${base}${path}${search}`))).status, 404, path);
  }
  const refused = await refusalOf(openSocket(t, await urlOf(), ['mqtt', 'protobuf.webpubsub.azure.v1']));
  assert.equal(refused.status, 400);
  assert.match(refused.text, /json\.reliable\.webpubsub\.azure\.v1/);
  assert.equal((await refusalOf(openSocket(t, await urlOf(), []))).status, 400);
  const both = openSocket(t, await urlOf(), [plainSubprotocol, reliableSubprotocol]);
  await connectedOf(both);
  assert.equal(both.socket.protocol, plainSubprotocol);
});
