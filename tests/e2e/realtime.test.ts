/** Realtime through a whole stack: who hears what, who is let in, and who is not any more. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeStates } from '../../local/host/web-pubsub-event.ts';
import type { UserId, WorkspaceId } from '../../shared/core/ids.ts';
import type { RealtimeEvent } from '../../shared/core/wire/realtime-event.ts';
import { groupOfWorkspace, roleOfGroup } from '../../shared/ports/notifier.ts';
import { type StackClient, openClient } from '../local/stack-client.ts';
import { Listener, knock } from './listener.ts';
import { type World, openWorld } from './world.ts';

const patience = { timeout: 60_000 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function userIdOf(client: StackClient): Promise<UserId> {
  const { members } = await client.api.listMembers(await client.createWorkspace('to learn a name'));
  return members[0]!.userId;
}

/** A workspace of both. */
async function share(ann: StackClient, bob: UserId): Promise<WorkspaceId> {
  const workspaceId = await ann.createWorkspace('shared');
  await ann.api.patchWorkspace(workspaceId, { mode: 'shared' }, null);
  await ann.api.putMember(workspaceId, { userId: bob, role: 'editor' }, null);
  return workspaceId;
}

/** A URL for these workspaces. Fails when not all are granted. */
async function negotiate(client: StackClient, ...workspaces: readonly WorkspaceId[]): Promise<string> {
  const seats = workspaces.map((workspaceId) => ({ workspaceId, deviceId: client.deviceId }));
  const answer = await client.api.negotiate({ seats });
  assert.deepEqual(answer.seats, seats);
  assert.ok(answer.url !== null && answer.expiresMs !== null && answer.expiresMs > Date.now());
  return answer.url;
}

describe('a stack with realtime', () => {
  let world: World;
  let ann: StackClient;
  let bob: StackClient;
  let bobId: UserId;
  const listeners: Listener[] = [];

  const listen = async (url: string, ...workspaces: readonly WorkspaceId[]): Promise<Listener> => {
    const listener = await Listener.open(url, ...workspaces);
    listeners.push(listener);
    return listener;
  };

  before(async () => {
    world = await openWorld();
    const { server } = world.stack.endpoints;
    [ann, bob] = [await openClient(server, 'ann'), await openClient(server, 'bob')];
    bobId = await userIdOf(bob);
  });
  after(async () => {
    for (const listener of listeners) listener.stop();
    await world.close();
  });

  test('a commit is heard by another device', patience, async () => {
    const workspaceId = await share(ann, bobId);
    const listener = await listen(await negotiate(bob, workspaceId), workspaceId);
    const { head } = await ann.putFile(workspaceId, 'a.txt', bytes('by ann'));
    const { seq, root } = head!;
    const event = await listener.heard(({ kind }) => kind === 'commit');
    assert.deepEqual(event, { kind: 'commit', workspaceId, seq, root, deviceId: ann.deviceId });
  });

  test('who is there is told, with what they do, and that they left', patience, async () => {
    const workspaceId = await share(ann, bobId);
    const annHears = await listen(await negotiate(ann, workspaceId), workspaceId);
    const isBob =
      (state: string) =>
      (event: RealtimeEvent): boolean =>
        event.kind === 'presence' && event.deviceId === bob.deviceId && event.state === state;
    const bobHears = await listen(await negotiate(bob, workspaceId), workspaceId);
    await annHears.heard(isBob('idle'));
    await bobHears.reportPresence({ folders: [{ workspaceId, deviceId: bob.deviceId, state: 'syncing' }] });
    await annHears.heard(isBob('syncing'));
    const stateOfBob = async (): Promise<string | undefined> => {
      const { devices } = await ann.api.listPresence(workspaceId);
      return devices.find(({ deviceId }) => deviceId === bob.deviceId)?.state;
    };
    assert.equal(await stateOfBob(), 'syncing');
    bobHears.stop();
    await annHears.heard(isBob('offline'));
    assert.equal(await stateOfBob(), 'offline');
  });

  test('how far an upload is, is told for one who has it', patience, async () => {
    const workspaceId = await share(ann, bobId);
    const bobHears = await listen(await negotiate(bob, workspaceId), workspaceId);
    const annSays = await listen(await negotiate(ann, workspaceId), workspaceId);
    const { sessionId } = await ann.openPack(workspaceId, bytes('on its way'));
    await bobHears.reportProgress({ workspaceId, sessionId, percent: 99 });
    await annSays.reportProgress({ workspaceId, sessionId, percent: 40 });
    const event = await bobHears.heard(({ kind }) => kind === 'progress');
    assert.deepEqual(event, { kind: 'progress', workspaceId, deviceId: ann.deviceId, sessionId, percent: 40 });
  });

  test('who is removed hears nothing more, and comes back with no URL of before', patience, async () => {
    const workspaceId = await share(ann, bobId);
    const url = await negotiate(bob, workspaceId);
    const listener = await listen(url, workspaceId);
    assert.equal(await knock(url), 'open');
    await ann.api.removeMember(workspaceId, bobId, null);
    await listener.ended;
    await ann.putFile(workspaceId, 'secret.txt', bytes('not for bob'));
    assert.deepEqual(
      listener.events.filter(({ kind }) => kind === 'commit'),
      [],
    );
    assert.equal(await knock(url), 401);
    const seats = [{ workspaceId, deviceId: bob.deviceId }];
    assert.deepEqual(await bob.api.negotiate({ seats }), { url: null, expiresMs: null, seats: [] });
  });

  test('a deleted workspace has no listeners, and a revoked device no seat', patience, async () => {
    const { server } = world.stack.endpoints;
    const workspaceId = await ann.createWorkspace('brief');
    const listener = await listen(await negotiate(ann, workspaceId), workspaceId);
    await ann.api.deleteWorkspace(workspaceId, null);
    await listener.ended;
    const eve = await openClient(server, 'eve');
    const hers = await eve.createWorkspace('hers');
    const url = await negotiate(eve, hers);
    const eveHears = await listen(url, hers);
    await eve.api.revokeDevice(eve.deviceId);
    await eveHears.ended;
    assert.equal(await knock(url), 401);
  });

  test('a URL opens its workspaces and no others, and lets nobody send', patience, async () => {
    const [own, other] = [await share(ann, bobId), await ann.createWorkspace('of ann alone')];
    const seats = [own, other].map((workspaceId) => ({ workspaceId, deviceId: bob.deviceId }));
    const answer = await bob.api.negotiate({ seats });
    assert.deepEqual(answer.seats, seats.slice(0, 1));
    const listener = await listen(answer.url!, own);
    await assert.rejects(listener.join(other));
    await assert.rejects(listener.sendToGroup(own));
    await assert.rejects(listener.sendToGroup(other));
    const annHears = await listen(await negotiate(ann, own, other), own, other);
    await ann.putFile(other, 'private.txt', bytes('for ann'));
    await ann.putFile(own, 'shared.txt', bytes('for both'));
    await listener.heard(({ kind, workspaceId }) => kind === 'commit' && workspaceId === own);
    await annHears.heard(({ kind, workspaceId }) => kind === 'commit' && workspaceId === other);
    assert.ok(listener.events.every(({ workspaceId }) => workspaceId === own));
  });

  test('a URL that was altered, is expired, or is of other seats is refused', patience, async () => {
    const [own, other] = [await share(ann, bobId), await ann.createWorkspace('of ann alone')];
    const url = await negotiate(bob, own);
    const [annUrl, seatsOfAnn] = await negotiate(ann, other).then((text) => [text, seatsIn(text)] as const);
    assert.equal(await knock(url), 'open');
    const withQuery = (change: (query: URLSearchParams) => void, of = url): string => {
      const altered = new URL(of);
      change(altered.searchParams);
      return altered.href;
    };
    const token = new URL(url).searchParams.get('access_token')!;
    const refused: Readonly<Record<string, string>> = {
      'no token': withQuery((query) => query.delete('access_token')),
      'another signature': withQuery((query) => query.set('access_token', token.slice(0, -4) + 'AAAA')),
      'other claims': withQuery((query) => query.set('access_token', alter(token, { sub: 'somebody' }))),
      'no seats': withQuery((query) => query.delete('seats')),
      "somebody else's seats": withQuery((query) => query.set('seats', seatsOfAnn)),
      'seats of a token for less': withQuery((query) => query.append('seats', seatsOfAnn)),
      'more roles than seats': withQuery((query) => query.set('seats', seatsIn(url)), annUrl),
      'a token that has expired': withQuery((query) => {
        query.set('access_token', sign(alter(token, { exp: Math.floor(Date.now() / 1_000) - 3_600 }), world.data));
      }),
    };
    for (const [what, altered] of Object.entries(refused)) assert.equal(await knock(altered), 401, what);
    const signed = withQuery((query) => query.set('access_token', sign(token, world.data)));
    assert.equal(await knock(signed), 'open', 'what is signed here is a token');
  });

  test('who can sign events of a connection gets nothing said or shown that its user may not', patience, async () => {
    const { server, realtime } = world.stack.endpoints;
    const workspaceId = await share(ann, bobId);
    const eve = await openClient(server, 'eve');
    const eveId = await userIdOf(eve);
    const bobs = seatsIn(await negotiate(bob, workspaceId));
    const annHears = await listen(await negotiate(ann, workspaceId), workspaceId);
    const body = JSON.stringify({ folders: [{ workspaceId, deviceId: bob.deviceId, state: 'syncing' }] });
    const asIf = async (user: string, changes: Readonly<Record<string, string>> = {}, sent = body): Promise<number> => {
      const states = { user, seats: bobs, opened: String(Date.now()) };
      const headers = {
        'webhook-request-origin': new URL(realtime!).hostname,
        'content-type': 'application/json',
        'ce-type': 'azure.webpubsub.user.presence',
        'ce-hub': 'tidemark',
        'ce-connectionid': 'made-up',
        'ce-eventname': 'presence',
        'ce-signature': `sha256=${createHmac('sha256', keyOf(world.data)).update('made-up').digest('hex')}`,
        'ce-connectionstate': encodeStates(states),
        ...changes,
      };
      const url = new URL('/runtime/webhooks/webpubsub', server);
      return (await fetch(url, { method: 'POST', headers, body: sent })).status;
    };
    assert.equal(await asIf(bobId, { 'ce-connectionid': 'another' }), 401, 'a signature is of one connection');
    assert.equal(await asIf(bobId, { 'ce-signature': '' }), 401);
    assert.equal(await asIf(eveId), 200, 'a report of seats of others is dropped');
    assert.equal(await asIf(bobId, { 'ce-userid': eveId }), 200, 'and so is one whose user is not clear');
    const claims = { sub: [eveId], role: [roleOfGroup(groupOfWorkspace(workspaceId))] };
    const connect = { 'ce-type': 'azure.webpubsub.sys.connect', 'ce-eventname': 'connect' };
    assert.equal(await asIf(eveId, connect, JSON.stringify({ claims, query: { seats: [bobs] } })), 401);
    const { devices } = await ann.api.listPresence(workspaceId);
    assert.ok(devices.every(({ deviceId }) => deviceId !== bob.deviceId));
    // A signature covers no more than the connection's id, so with the user's own name it says what the user could.
    assert.equal(await asIf(bobId), 200);
    await annHears.heard((event) => event.kind === 'presence' && event.deviceId === bob.deviceId);
  });

  test(
    'a commit is answered while the endpoint stands still, and what was said meanwhile is made up for',
    patience,
    async () => {
      const workspaceId = await share(ann, bobId);
      const listener = await listen(await negotiate(bob, workspaceId), workspaceId);
      const endpoint = world.stack.endpoints.companions[1]!;
      process.kill(endpoint, 'SIGSTOP');
      let last = 0;
      try {
        for (const name of ['1', '2', '3']) last = (await ann.putFile(workspaceId, name, bytes(name))).head!.seq;
        assert.deepEqual(
          listener.events.filter(({ kind }) => kind === 'commit'),
          [],
        );
      } finally {
        process.kill(endpoint, 'SIGCONT');
      }
      await listener.heard((event) => event.kind === 'commit' && event.seq === last);
    },
  );

  test('after a start on the same state URLs of before still open', patience, async () => {
    const workspaceId = await share(ann, bobId);
    const url = await negotiate(bob, workspaceId);
    const listener = await listen(url, workspaceId);
    await world.killAndRestart();
    await listener.ended;
    const again = await listen(url, workspaceId);
    await (await openClient(world.stack.endpoints.server, 'ann')).putFile(workspaceId, 'later.txt', bytes('later'));
    await again.heard(({ kind }) => kind === 'commit');
  });

  test('nothing that a stack printed holds a URL of realtime', () => {
    assert.doesNotMatch(world.stack.output(), /access_token|seats=|AccessKey|eyJ/);
  });
});

test('a stack without realtime has no URL to give, and works', patience, async (t) => {
  const world = await openWorld({ TIDEMARK_REALTIME: 'none' });
  t.after(() => world.close());
  assert.equal(world.stack.endpoints.realtime, undefined);
  const ann = await openClient(world.stack.endpoints.server, 'ann');
  const workspaceId = await ann.createWorkspace('quiet');
  const seats = [{ workspaceId, deviceId: ann.deviceId }];
  assert.deepEqual(await ann.api.negotiate({ seats }), { url: null, expiresMs: null, seats: [] });
  assert.equal((await ann.putFile(workspaceId, 'a', bytes('a'))).head?.seq, 1);
  assert.deepEqual(await ann.api.listPresence(workspaceId), { devices: [] });
});

function seatsIn(url: string): string {
  return new URL(url).searchParams.get('seats')!;
}

type Claims = Readonly<Record<string, unknown>>;

/** The same token with other claims, and the signature of before. */
function alter(token: string, claims: Claims): string {
  const [header, body, signature] = token.split('.');
  const old = JSON.parse(Buffer.from(body!, 'base64url').toString()) as Claims;
  return [header, Buffer.from(JSON.stringify({ ...old, ...claims })).toString('base64url'), signature].join('.');
}

/** The access key of the stack's endpoint. */
function keyOf(data: string): string {
  return readFileSync(join(data, 'realtime.key'), 'utf8').trim();
}

/** Signs a token's header and claims with the stack's own key. */
function sign(token: string, data: string): string {
  const signed = token.split('.').slice(0, 2).join('.');
  return `${signed}.${createHmac('sha256', keyOf(data)).update(signed).digest('base64url')}`;
}
