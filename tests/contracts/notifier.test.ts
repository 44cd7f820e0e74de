import type { TestContext } from 'node:test';
import { WebPubSubClient, WebPubSubJsonReliableProtocol } from '@azure/web-pubsub-client';
import { createMemoryNotifier } from '../../shared/adapters/memory/memory-notifier.ts';
import { createWebPubSubNotifier } from '../../shared/adapters/web-pubsub/web-pubsub-notifier.ts';
import { connectionStringOf } from '../../local/web-pubsub/server.ts';
import { accessKey, createRealtimeWorld } from '../local/web-pubsub/realtime-world.ts';
import { createManualClock } from './manual-clock.ts';
import { type Heard, type NotifierClient, notifierContract } from './notifier.contract.ts';

/** Messages as they come, for those who wait for them. */
function createInbox() {
  const messages: Heard[] = [];
  let wake = (): void => undefined;
  return {
    add: (heard: Heard) => {
      messages.push(heard);
      wake();
    },
    heard: async (count: number) => {
      while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return messages.slice(0, count);
    },
  };
}

notifierContract('memory', async () => {
  const clock = createManualClock();
  const notifier = createMemoryNotifier({ clock });
  return {
    notifier,
    clock,
    connect: async (url) => {
      const inbox = createInbox();
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      const heard = (group: string, message: Uint8Array) => inbox.add({ group, message });
      const { connectionId, join, maySend } = notifier.connect(url, { heard, ended: () => resolve() });
      return {
        connectionId,
        join: async (group) => join(group),
        send: async (group) => maySend(group),
        heard: inbox.heard,
        ended,
      };
    },
  };
});

async function isTaken(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/** The official client, as the app's own clients use it. */
async function connectOfficial(t: TestContext, url: string): Promise<NotifierClient> {
  const client = new WebPubSubClient(url, {
    protocol: WebPubSubJsonReliableProtocol(),
    messageRetryOptions: { maxRetries: 0 },
    autoReconnect: false,
    // Its timers outlive it, and the process of the test with them.
    keepAliveIntervalInMs: 0,
    keepAliveTimeoutInMs: 0,
  });
  const inbox = createInbox();
  client.on('group-message', ({ message: { group, data } }) => {
    inbox.add({ group, message: data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array() });
  });
  const connected = new Promise<string>((resolve) => client.on('connected', (event) => resolve(event.connectionId)));
  const ended = new Promise<void>((resolve) => client.on('stopped', () => resolve()));
  t.after(() => client.stop());
  await client.start();
  return {
    connectionId: await connected,
    join: (group) => isTaken(client.joinGroup(group)),
    send: (group, message) => isTaken(client.sendToGroup(group, message.slice().buffer, 'binary')),
    heard: inbox.heard,
    ended,
  };
}

notifierContract('Web PubSub, by the local endpoint', async (t) => {
  const { endpoint, clock } = await createRealtimeWorld(t);
  const notifier = createWebPubSubNotifier({ access: connectionStringOf(endpoint, accessKey), clock });
  return { notifier, clock, connect: (url) => connectOfficial(t, url) };
});
