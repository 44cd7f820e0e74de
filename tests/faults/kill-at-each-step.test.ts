/**
 * What tests/services/crash-points.test.ts does within one process, on the durable stores and with a real kill -9: a process runs a use
 * case and is killed at call number 1, 2, 3, … of its stores, each time before the call and once more as soon as it has resolved, until
 * it comes to its end. What a call had resolved for must have outlived the kill. Then another process gets the request again, and
 * everything must be as if nothing had happened.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isWriting } from '../api/world/write-log.ts';
import { judge } from '../services/crash-points/enumerate.ts';
import { copyWorld, openDurableWorld } from './kill-at-step/durable-world.ts';
import { type Order, runChild } from './kill-at-step/run-child.ts';
import { type AnyKillCase, killCases } from './kill-at-step/use-cases.ts';

let base: string;
before(() => {
  base = mkdtempSync(path.join(tmpdir(), 'tidemark-kill-at-'));
});
after(() => rmSync(base, { recursive: true, force: true }));

interface Template {
  readonly folder: string;
  readonly input: Awaited<ReturnType<AnyKillCase['prepare']>>;
}

type Died = Awaited<ReturnType<typeof runChild>> & Pick<Order['kill'], 'when'>;

async function makeTemplate(each: AnyKillCase, folder: string): Promise<Template> {
  const world = openDurableWorld(folder, 'preparation');
  try {
    return { folder, input: await each.prepare(world) };
  } finally {
    world.close();
  }
}

/** The client asks again, and again, on the stores as the victim left them. */
async function settle(each: AnyKillCase, { folder, input }: Template, died: Died, what: string): Promise<void> {
  const world = openDurableWorld(folder, 'repeat');
  try {
    if (died.kind === 'killed' && died.when === 'after') await each.checkEffect(world, died.at, input);
    const answer = await each.run(world, input);
    await each.check(world, answer, input);
    if (each.sameAnswer) {
      assert.deepEqual(await each.run(world, input), answer);
      if (died.kind === 'unharmed') assert.deepEqual(answer, died.answer);
    }
    await judge({ world, workspaces: [input.workspaceId] }, what);
  } finally {
    world.close();
  }
}

/** @returns the call that the victim was killed at; undefined when it came to its end before. */
async function killAndRepeat(
  each: AnyKillCase,
  template: Template,
  kill: Order['kill'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const folder = `${template.folder}-${kill.call}-${kill.when}`;
  copyWorld(template.folder, folder);
  const { input } = template;
  const codeCache = path.join(base, 'code');
  const ending = await runChild({ useCase: each.name, folder, input, kill }, { signal, codeCache });
  const at = ending.kind === 'killed' ? ending.at : undefined;
  const what = `${each.name}: killed ${kill.when} call ${kill.call}, ${at ?? 'not at all'}`;
  await settle(each, { folder, input }, { ...ending, when: kill.when }, what).catch((error: unknown) => {
    throw new Error(what, { cause: error });
  });
  rmSync(folder, { recursive: true, force: true });
  return at;
}

describe('kill -9 at any step of', () => {
  for (const [i, each] of killCases.entries()) {
    it(`${each.name} is made good by its repeat`, { timeout: 120_000 }, async (t) => {
      const template = await makeTemplate(each, path.join(base, String(i)));
      const hit = { before: new Set<string>(), after: new Set<string>() };
      let kills = 0;
      for (let call = 1, isOver = false; !isOver; call++) {
        // Two at a time.
        const run = async (when: Order['kill']['when']): Promise<boolean> => {
          const at = await killAndRepeat(each, template, { call, when }, t.signal);
          if (at !== undefined) hit[when].add(at);
          return at !== undefined;
        };
        const runs = [run('before'), run('after')];
        // Neither victim outlives the test, whatever became of the other.
        await Promise.allSettled(runs);
        const killed = await Promise.all(runs);
        assert.equal(killed[0], killed[1], 'a use case makes as many calls each time');
        kills += killed.filter(Boolean).length;
        isOver = !killed[0];
      }
      for (const names of [hit.before, hit.after]) {
        const steps = [...names].filter((name) => isWriting(name.split('.')[1]!));
        assert.deepEqual(steps.sort(), [...each.steps].sort(), 'the steps that change something');
      }
      t.diagnostic(`${kills} kills at ${[...hit.before].join(', ')}`);
    });
  }
});
