/** The official packages before the local endpoint: messages to groups, users, connections and everybody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRealtimeWorld } from './realtime-world.ts';

const mayJoin = ['webpubsub.joinLeaveGroup.ws-1'];

test('a client joins the group of its role and hears what REST sends there, text, JSON and bytes', async (t) => {
  const { connect, service } = await createRealtimeWorld(t);
  const { client, heard, hears } = await connect({ userId: 'ada', roles: mayJoin });
  await client.joinGroup('ws-1');
  const group = service.group('ws-1');
  const bytes = Uint8Array.from([0, 1, 2, 254, 255]);
  await group.sendToAll('text', { contentType: 'text/plain' });
  await group.sendToAll({ hello: ['world'] });
  await group.sendToAll(bytes);
  await hears(3);
  assert.deepEqual(heard, ['text', { hello: ['world'] }, bytes.buffer]);
});
