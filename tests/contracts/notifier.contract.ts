/** What every realtime service owes (shared/ports/notifier.ts). */
import assert from 'node:assert/strict';
import { type TestContext, describe, test } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { encodeRealtimeEvent } from '../../shared/core/wire/realtime-event.ts';
import { type Notifier, groupOfWorkspace } from '../../shared/ports/notifier.ts';
import { ann, bob, deviceOf, digestOf, workspaceA, workspaceB } from './metadata-records.ts';

export interface Heard {
  readonly group: string;
  readonly message: Uint8Array;
}

/** A client at a URL. */
export interface NotifierClient {
  readonly connectionId: string;
  /** Whether it was let in. */
  readonly join: (group: string) => Promise<boolean>;
  /** Whether it was let send. */
  readonly send: (group: string, message: Uint8Array) => Promise<boolean>;
  /** The first so many messages that came; waits for them. */
  readonly heard: (count: number) => Promise<readonly Heard[]>;
  readonly ended: Promise<void>;
}

export interface NotifierUnderTest {
  readonly notifier: Notifier;
  /** Of the service and of the notifier. */
  readonly clock: { now(): number; readonly advance: (milliseconds: number) => void };
  /** Rejects when the service does not let it in. */
  readonly connect: (url: string) => Promise<NotifierClient>;
}

/** Makes a service with nobody in it; ends with the test. */
export type MakeNotifier = (t: TestContext) => Promise<NotifierUnderTest>;

const [groupA, groupB] = [groupOfWorkspace(workspaceA), groupOfWorkspace(workspaceB)] as const;

async function listenTo(made: NotifierUnderTest, userId: typeof ann, ...groups: readonly string[]) {
  const client = await made.connect((await made.notifier.clientUrl(userId, groups, 300)).url);
  for (const group of groups) assert.ok(await client.join(group), `${group} is one of its URL's`);
  return client;
}

function urlTests(make: MakeNotifier): void {
  test('a URL is good for about so long, and for more than one connection', async (t) => {
    const made = await make(t);
    const nowMs = made.clock.now();
    const { url, expiresMs } = await made.notifier.clientUrl(ann, [groupA], 300);
    assert.ok(expiresMs >= nowMs + 300_000 && expiresMs <= nowMs + 360_000, `${expiresMs - nowMs} ms`);
    const [first, second] = [await made.connect(url), await made.connect(url)];
    assert.notEqual(first.connectionId, second.connectionId);
    made.clock.advance(expiresMs - nowMs + 60_000);
    await assert.rejects(made.connect(url));
    await assert.rejects(made.connect(url.slice(0, -2)), 'a URL that was changed');
  });

  test('a URL opens its groups and no other, and sends to none', async (t) => {
    const made = await make(t);
    const { url } = await made.notifier.clientUrl(ann, [groupA], 300);
    const client = await made.connect(url);
    assert.equal(await client.join(groupB), false);
    assert.equal(await client.join(groupA), true);
    for (const group of [groupA, groupB, 'ws-']) assert.equal(await client.send(group, utf8('look')), false, group);
    await made.notifier.send(groupB, utf8('not for it'));
    await made.notifier.send(groupA, utf8('for it'));
    assert.deepEqual(await client.heard(1), [{ group: groupA, message: utf8('for it') }]);
  });

  test('a URL without a group opens a connection that hears nothing', async (t) => {
    const made = await make(t);
    const client = await made.connect((await made.notifier.clientUrl(ann, [], 60)).url);
    assert.equal(await client.join(groupA), false);
  });
}

function sendTests(make: MakeNotifier): void {
  test('all who are in the group hear a message, byte for byte; a group with nobody in it is none to complain of', async (t) => {
    const made = await make(t);
    await made.notifier.send(groupA, utf8('nobody hears this'));
    const clients = [await listenTo(made, ann, groupA), await listenTo(made, bob, groupA, groupB)];
    const event = encodeRealtimeEvent({
      kind: 'commit',
      workspaceId: workspaceA,
      seq: 7,
      root: digestOf('root'),
      deviceId: deviceOf(1).deviceId,
    });
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    // Both are parts of a larger buffer, of which nothing else may go out.
    const messages = [event, all.subarray(100, 250), new Uint8Array([0x7b, 0x7d])];
    for (const message of messages) await made.notifier.send(groupA, message);
    for (const client of clients) {
      const heard = await client.heard(messages.length);
      assert.deepEqual(
        heard,
        messages.map((message) => ({ group: groupA, message: new Uint8Array(message) })),
      );
    }
  });

  test('what is aborted before it is sent is not sent', async (t) => {
    const made = await make(t);
    const client = await listenTo(made, ann, groupA);
    await assert.rejects(made.notifier.send(groupA, utf8('late'), AbortSignal.abort()));
    await made.notifier.send(groupA, utf8('next'));
    assert.deepEqual(await client.heard(1), [{ group: groupA, message: utf8('next') }]);
  });
}

function closeTests(make: MakeNotifier): void {
  test('closing a user ends all connections of theirs, and of nobody else', async (t) => {
    const made = await make(t);
    const anns = [await listenTo(made, ann, groupA), await listenTo(made, ann, groupB)];
    const bobs = await listenTo(made, bob, groupA);
    await made.notifier.closeUser(ann, 'access changed');
    await Promise.all(anns.map(({ ended }) => ended));
    await made.notifier.send(groupA, utf8('still here'));
    assert.equal((await bobs.heard(1)).length, 1);
    await made.notifier.closeUser(ann, 'again');
  });

  test('closing a group ends the connections that are in it', async (t) => {
    const made = await make(t);
    const inside = [await listenTo(made, ann, groupA), await listenTo(made, bob, groupB, groupA)];
    const outside = await listenTo(made, ann, groupB);
    await made.notifier.closeGroup(groupA, 'access changed');
    await Promise.all(inside.map(({ ended }) => ended));
    await made.notifier.send(groupB, utf8('still here'));
    assert.equal((await outside.heard(1)).length, 1);
    await made.notifier.closeGroup(groupA, 'again');
  });

  test('closing a connection ends that one; one that is gone, or never was, is none to complain of', async (t) => {
    const made = await make(t);
    const [one, other] = [await listenTo(made, ann, groupA), await listenTo(made, ann, groupA)];
    await made.notifier.closeConnection(one.connectionId, 'access changed');
    await one.ended;
    await made.notifier.closeConnection(one.connectionId, 'again');
    await made.notifier.closeConnection('never-was', 'again');
    await made.notifier.send(groupA, utf8('still here'));
    assert.equal((await other.heard(1)).length, 1);
  });

  test('who was closed comes back with a URL that is still good', async (t) => {
    const made = await make(t);
    const { url } = await made.notifier.clientUrl(ann, [groupA], 300);
    const client = await made.connect(url);
    await made.notifier.closeUser(ann, 'access changed');
    await client.ended;
    assert.equal(await (await made.connect(url)).join(groupA), true, 'to refuse it is for the connect event');
  });
}

export function notifierContract(name: string, make: MakeNotifier): void {
  describe(`notifier: ${name}`, () => {
    urlTests(make);
    sendTests(make);
    closeTests(make);
  });
}
