/**
 * The victim of kill-at-each-step.test.ts: runs one use case on a folder that was prepared, and at the given call of its stores kills
 * itself, before the call is made or as soon as it has resolved. The name of that call is its last word, on stdout.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createApi } from '../../../shared/api/api.ts';
import { guarding } from '../../api/world/crash.ts';
import { openDurableWorld } from './durable-world.ts';
import type { Ending, Order } from './run-child.ts';
import { killCases } from './use-cases.ts';

/** Nothing of this process runs behind it. */
function die(at: string): Promise<never> {
  // Synchronous: it has left this process when the kill comes.
  writeSync(1, at);
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

async function obey({ useCase, folder, input, kill }: Order): Promise<Ending> {
  const each = killCases.find(({ name }) => name === useCase);
  if (each === undefined) throw new Error(`there is no use case ${useCase}`);
  const world = openDurableWorld(folder, 'victim');
  let calls = 0;
  const deps = guarding(world.deps, async (name, call) => {
    const isIt = ++calls === kill.call;
    if (isIt && kill.when === 'before') await die(name);
    const result = await call();
    if (isIt) await die(name);
    return result;
  });
  const answer = await each.run({ ...world, deps, api: createApi(deps) }, input);
  world.close();
  return { kind: 'unharmed', answer };
}

// Who is killed does not get to it at its end.
flushCompileCache();
// Whoever gave the order is gone, or has the answer.
process.once('disconnect', () => process.exit());
process.once('message', (order: Order) => {
  obey(order)
    .catch((error: unknown): Ending => ({
      kind: 'failed',
      why: error instanceof Error ? String(error.stack) : 'not an error',
    }))
    .then((ending) => process.send!(ending, () => process.disconnect()))
    .catch(() => process.exit(1));
});
