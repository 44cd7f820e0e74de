/**
 * Every crash of a use case, one after the other: the process dies at call number 0, 1, 2, … of its stores, each time before the call
 * had any effect and once more after it had it ("timed out, but succeeded"), until a run comes to its end. After each, a new process gets
 * the request again, and the events and timers that would come; then everything must be as if nothing had happened.
 *
 * A use case names the calls by which it changes something. They must be exactly those that its whole run makes, so that a new step
 * fails here until it is named, and with its name it is among those that were crashed at.
 */
import assert from 'node:assert/strict';
import { createApi } from '../../../shared/api/api.ts';
import type { WorkspaceId } from '../../../shared/core/ids.ts';
import { isDamage } from '../../../shared/services/admin/fsck/finding.ts';
import { fsckStep } from '../../../shared/services/admin/fsck.ts';
import { readPack } from '../../../shared/services/read-pack.ts';
import { getPackRecord } from '../../../shared/services/pack-record.ts';
import { parsePackBlobName } from '../../../shared/services/pack-name.ts';
import { merkleRoot } from '../../../shared/core/merkle/tree.ts';
import { crashing } from '../../api/world/crash.ts';
import type { TestWorld } from '../../api/world/test-world.ts';
import { isWriting } from '../../api/world/write-log.ts';

export interface Scene<Answer> {
  readonly world: TestWorld;
  /** Workspaces that must be whole in the end. */
  readonly workspaces: readonly WorkspaceId[];
  /** The request, or the event, in a process whose stores may fail. Rejects where it does not come to its end. */
  readonly run: (world: TestWorld) => Promise<Answer>;
  /** What comes by itself afterwards: events that are told again, timers, other requests of the client. */
  readonly after?: (answer: Answer) => Promise<void>;
  /** That all is as it shall be. `answer` is that of the run that came to its end. */
  readonly check: (answer: Answer) => Promise<void>;
}

export interface UseCase<Answer> {
  readonly name: string;
  /** The calls that change something, `store.method`. */
  readonly steps: readonly string[];
  /** Whether a repeat is answered as the run was that took effect, byte for byte. */
  readonly sameAnswer: boolean;
  /** The same every time. */
  readonly prepare: () => Promise<Scene<Answer>>;
}

/** Another process on the same stores. */
function processOn(world: TestWorld, deps: TestWorld['deps']): TestWorld {
  return { ...world, deps, api: createApi(deps) };
}

/** Leases of the process that died are over by then. */
const restartMs = 600_000;

/** No finding but orphans, and each verified pack's bytes are what its name says. */
export async function judge(
  { world, workspaces }: Pick<Scene<unknown>, 'world' | 'workspaces'>,
  what: string,
): Promise<void> {
  for (const workspaceId of workspaces) {
    const findings: unknown[] = [];
    let cursor: string | null = null;
    do {
      const step: Awaited<ReturnType<typeof fsckStep>> = await fsckStep(world.deps, {
        workspaceId,
        cursor,
        deep: true,
        history: true,
      });
      findings.push(...step.findings.filter(isDamage));
      cursor = step.cursor;
    } while (cursor !== null);
    assert.deepEqual(findings, [], what);
    await checkNames(world, workspaceId, what);
  }
}

/** I10: whatever stands in `chunks` and is recorded hashes to its name. */
async function checkNames({ blobs, deps }: TestWorld, workspaceId: WorkspaceId, what: string): Promise<void> {
  for await (const name of blobs.list('chunks', `${workspaceId}/`)) {
    const pack = parsePackBlobName(name);
    assert.ok(pack !== undefined, `${what}: ${name}`);
    if ((await getPackRecord(deps, workspaceId, pack.packId)) === undefined) continue;
    const reading = await readPack(deps, 'chunks', name, pack.packId);
    assert.equal(reading.kind, 'good', what);
    if (reading.kind === 'good') assert.equal(merkleRoot(reading.contents.hashes), pack.packId, what);
  }
}

async function settle<Answer>(scene: Scene<Answer>, what: string): Promise<Answer> {
  scene.world.clock.ms += restartMs;
  const answer = await scene.run(processOn(scene.world, scene.world.deps));
  await scene.after?.(answer);
  await scene.check(answer);
  await judge(scene, what);
  return answer;
}

export interface Enumerated {
  /** Runs that died. */
  readonly crashes: number;
  /** Distinct calls that were died at. */
  readonly hit: ReadonlySet<string>;
}

export interface CrashCase {
  readonly name: string;
  /** As its use case names them. */
  readonly steps: readonly string[];
  readonly enumerate: () => Promise<Enumerated>;
}

export function crashCase<Answer>(useCase: UseCase<Answer>): CrashCase {
  return { name: useCase.name, steps: useCase.steps, enumerate: () => enumerateCrashes(useCase) };
}

async function enumerateCrashes<Answer>(useCase: UseCase<Answer>): Promise<Enumerated> {
  const whole = await useCase.prepare();
  const unharmed = crashing(whole.world.deps, { after: Number.MAX_SAFE_INTEGER, effect: true });
  whole.world.clock.ms += restartMs;
  const answer = await whole.run(processOn(whole.world, unharmed.deps));
  const changing = new Set(unharmed.called.filter((name) => isWriting(name.split('.')[1]!)));
  assert.deepEqual([...changing].sort(), [...useCase.steps].sort(), `${useCase.name}: the steps that change something`);
  await whole.after?.(answer);
  await whole.check(answer);
  await judge(whole, useCase.name);
  const hit = new Set<string>();
  let crashes = 0;
  for (let after = 0; after < unharmed.calls; after++) {
    for (const effect of [false, true]) {
      const scene = await useCase.prepare();
      const run = crashing(scene.world.deps, { after, effect });
      const acknowledged = await scene.run(processOn(scene.world, run.deps)).then(
        (value) => ({ value }),
        () => undefined,
      );
      const at = run.called[after] ?? 'nothing';
      const what = `${useCase.name}: died ${effect ? 'after' : 'before'} call ${after}, ${at}`;
      hit.add(at);
      crashes++;
      const repeated = await settle(scene, what).catch((error: unknown) => {
        throw new Error(what, { cause: error });
      });
      if (!useCase.sameAnswer) continue;
      assert.deepEqual(await scene.run(processOn(scene.world, scene.world.deps)), repeated, what);
      if (acknowledged !== undefined) assert.deepEqual(repeated, acknowledged.value, what);
    }
  }
  for (const step of useCase.steps) assert.ok(hit.has(step), `${useCase.name}: nothing died at ${step}`);
  return { crashes, hit };
}
