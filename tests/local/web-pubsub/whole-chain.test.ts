/**
 * From negotiate to the end of a connection, through the endpoint, the host's trigger and the use cases: for users whom no header can name,
 * while a store fails, and where there is no realtime service any more.
 */
import assert from 'node:assert/strict';
import { type TestContext, after, before, test } from 'node:test';
import { type FunctionsHost, createFunctionsHost } from '../../../local/host/functions-host.ts';
import { connectionStringOf } from '../../../local/web-pubsub/server.ts';
import { createStaticTokenVerifier } from '../../../shared/adapters/memory/static-token-verifier.ts';
import { systemTimers } from '../../../shared/adapters/node/system-timers.ts';
import { createWebPubSubNotifier } from '../../../shared/adapters/web-pubsub/web-pubsub-notifier.ts';
import { type ApiDependencies, createApi } from '../../../shared/api/api.ts';
import { parseUserId } from '../../../shared/core/ids.ts';
import type { Notifier } from '../../../shared/ports/notifier.ts';
import { createAnnouncer } from '../../../shared/services/realtime/create-announcer.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { TestDevice, createWorkspaceAs } from '../../api/world/test-device.ts';
import { createTestWorld, people } from '../../api/world/test-world.ts';
import { Listener, knock } from '../../e2e/listener.ts';
import { createRecordingLogger } from '../host/recording-logger.ts';
import { hostJson } from '../host/started-host.ts';
import { accessKey, createRealtimeWorld } from './realtime-world.ts';

let host: FunctionsHost;
let webhookUrl: string;
/** Of the test that runs. */
let current: ApiDependencies | undefined;

/** The triggers of realtime, loaded by the host as it loads an app. */
async function register(): Promise<void> {
  const { app } = await import('@azure/functions');
  app.setup({ enableHttpStream: true });
  const { registerRealtime } = await import('../../../functions/realtime.ts');
  registerRealtime(async () => {
    const deps = current ?? assert.fail('an event came before there was a service');
    return { deps, api: createApi(deps) };
  });
}

before(async () => {
  host = createFunctionsHost({
    entry: register,
    hostJson,
    logger: createRecordingLogger(),
    // Of an endpoint's URL the trigger looks at the host alone.
    settings: { WebPubSubConnectionString: connectionStringOf('http://127.0.0.1', accessKey) },
  });
  await host.start();
  webhookUrl = `${(await host.listen({ host: '127.0.0.1', port: 0 })).url}/runtime/webhooks/webpubsub`;
});
after(() => host.close());

/** @param name of nobody in another test: ids follow from it, and the ends of its connections may come late. */
async function openChain(t: TestContext, name: string) {
  const endpoint = await createRealtimeWorld(t, { webhookUrl });
  const access = connectionStringOf(endpoint.endpoint, accessKey);
  const notifier: Notifier = createWebPubSubNotifier({ access, clock: { now: () => Date.now() } });
  const userId = parseUserId(name);
  const world = createTestWorld({
    adapt: (deps) => ({
      ...deps,
      notifier,
      announcer: createAnnouncer({ ...deps, notifier, timers: systemTimers }),
      tokens: createStaticTokenVerifier(new Map([['ann', { userId, scopes: new Set(people.ann) }]])),
    }),
  });
  current = world.deps;
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const device = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  return { endpoint, world, userId, workspaceId, deviceId: device.deviceId };
}

const names = [
  'ann müller%41 |x',
  'issuer.test|100%',
  'issuer.test|%E4%BD%A0',
  '你好/../?#&=+"\\',
  '\u0001line\r\nce-userId: eve\u007f',
  ' spaces ',
];
for (const name of names) {
  test(`${JSON.stringify(name)} is let in, shown, heard and cut off`, async (t) => {
    const { world, userId, workspaceId, deviceId } = await openChain(t, name);
    const client = clientOf(world, 'ann');
    const { url } = await client.negotiate({ seats: [{ workspaceId, deviceId }] });
    const listener = await Listener.open(url!, workspaceId);
    t.after(() => listener.stop());
    await listener.reportPresence({ folders: [{ workspaceId, deviceId, state: 'syncing' }] });
    const event = await listener.heard((one) => one.kind === 'presence' && one.state === 'syncing');
    assert.deepEqual(event, { kind: 'presence', workspaceId, userId, deviceId, state: 'syncing' });
    const { devices } = await client.listPresence(workspaceId);
    assert.deepEqual(
      devices.map((one) => [one.userId, one.state]),
      [[userId, 'syncing']],
    );
    await client.revokeDevice(deviceId);
    await listener.ended;
  });
}

test('while a store fails nobody is let in, who is connected stays, and what they report then is heard again', async (t) => {
  const { world, workspaceId, deviceId } = await openChain(t, 'issuer.test|ann');
  const { url } = await clientOf(world, 'ann').negotiate({ seats: [{ workspaceId, deviceId }] });
  const listener = await Listener.open(url!, workspaceId);
  t.after(() => listener.stop());
  const away = (): Promise<never> => Promise.reject(new Error('the store is away'));
  const { workspaces } = world.deps.metadata;
  const failing = new Proxy(workspaces, { get: (of, key) => (key === 'get' ? away : Reflect.get(of, key)) });
  current = { ...world.deps, metadata: { ...world.deps.metadata, workspaces: failing } };
  assert.equal(await knock(url!), 500);
  const report = { folders: [{ workspaceId, deviceId, state: 'syncing' as const }] };
  await listener.reportPresence(report);
  current = world.deps;
  await listener.reportPresence(report);
  await listener.heard((one) => one.kind === 'presence' && one.state === 'syncing');
  const said = world.logged.filter((line) => line.includes('could not be handled'));
  assert.equal(said.length, 2);
});

test('a service that has no realtime any more lets nobody in, and hears nobody', async (t) => {
  const { world, workspaceId, deviceId } = await openChain(t, 'issuer.test|bob');
  const { url } = await clientOf(world, 'ann').negotiate({ seats: [{ workspaceId, deviceId }] });
  const unreachable = new Proxy(world.deps.metadata, { get: () => assert.fail('a store was asked') });
  const listener = await Listener.open(url!, workspaceId);
  t.after(() => listener.stop());
  await listener.reportPresence({ folders: [{ workspaceId, deviceId, state: 'syncing' }] });
  current = { ...world.deps, notifier: null, metadata: unreachable };
  assert.equal(await knock(url!), 401);
  await listener.reportPresence({ folders: [{ workspaceId, deviceId, state: 'idle' }] });
  current = world.deps;
  assert.deepEqual(
    (await clientOf(world, 'ann').listPresence(workspaceId)).devices.map(({ state }) => state),
    ['syncing'],
  );
  assert.ok(!world.logged.some((line) => line.includes('could not be handled')));
});
