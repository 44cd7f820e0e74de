/**
 * Azure routes a request to the function that registered its path; only what none took comes to the fallback. So that metrics,
 * scaling and access of each route are its own function's, every route of the API has one, and every function a route.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadApp } from '../../local/host/app-loader.ts';
import { routes } from '../../shared/api/api.ts';
import { queueNames } from '../../shared/ports/queue.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const { functions } = await loadApp(new URL('../../functions/app.ts', import.meta.url), quiet);

/** `GET /workspaces/{ws}` of each HTTP function but the fallback. */
const registered = functions
  .filter(({ name, binding }) => binding.type === 'httpTrigger' && name !== 'fallback')
  .flatMap(({ binding }) => {
    const { route, methods } = binding as unknown as { route: string; methods: readonly string[] };
    return methods.map((method) => `${method.toUpperCase()} /${route}`);
  });

test('every route has a function of its own, and every function a route', () => {
  assert.deepEqual(registered.toSorted(), routes.map(({ method, path }) => `${method} ${path}`).toSorted());
});

test('no route begins with what the host of Azure keeps for itself', () => {
  for (const route of registered) assert.doesNotMatch(route, /^\w+ \/(admin|runtime)\b/);
});

test('what no function takes is answered by the API too, whatever its method', () => {
  const fallback = functions.find(({ name }) => name === 'fallback')?.binding as unknown as {
    methods: readonly string[];
  };
  const methods = new Set(routes.map(({ method }) => method));
  for (const method of methods) assert.ok(fallback.methods.includes(method), method);
});

test('every queue has one function that takes its messages, and a queue for those that it cannot handle', () => {
  const taken = functions
    .filter(({ binding }) => binding.type === 'queueTrigger')
    .map(({ binding }) => String((binding as unknown as { queueName: unknown }).queueName));
  assert.deepEqual(taken.flatMap((name) => [name, `${name}-poison`]).toSorted(), [...queueNames].toSorted());
});

test('every event of a realtime connection has one function, which gets all of it', () => {
  const taken = functions
    .filter(({ binding }) => binding.type === 'webPubSubTrigger')
    .map(({ bindingName, binding: { hub, eventType, eventName } }) =>
      [bindingName, hub, eventType, eventName].join(' '),
    );
  assert.deepEqual(taken.toSorted(), [
    'request tidemark system connect',
    'request tidemark system connected',
    'request tidemark system disconnected',
    'request tidemark user presence',
    'request tidemark user progress',
  ]);
});
