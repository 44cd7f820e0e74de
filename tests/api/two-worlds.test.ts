/**
 * A tenant cannot tell whether another exists. ann does the same in two worlds: in one of them others do whatever they like in between, with
 * the same contents, names, tokens and keys as she, in workspaces of their own and at the door of hers. Every answer that she gets is the
 * same in both, byte for byte and header by header.
 *
 * What is new in an answer (ids of sessions, of traces) is drawn from a stream of randomness that each caller has alone, so that
 * nobody's draws move anybody else's.
 */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createMemoryMetadataStore } from '../../shared/adapters/memory/memory-metadata-store.ts';
import { createTokenBucketLimiter } from '../../shared/adapters/memory/token-bucket-limiter.ts';
import { createSqliteMetadataStore } from '../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import type { Api } from '../../shared/api/api.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';
import { packBlobName } from '../../shared/services/pack-name.ts';
import { projectAllVersions } from '../../shared/services/project-all-versions.ts';
import { sweep } from '../../shared/services/sweep.ts';
import { tailChangeFeed } from '../../shared/services/tail-change-feed.ts';
import { verifyPack } from '../../shared/services/verify-pack.ts';
import { requests, toRequest } from './authorisation/requests.ts';
import { type Subject, createSubject, secretOf } from './authorisation/subject.ts';
import { TestDevice, createWorkspaceAs, idBytesOf, mkdirOperation, putOperation } from './world/test-device.ts';
import { type Person, type TestWorld, countedRandomness, createTestWorld } from './world/test-world.ts';

const others: readonly Person[] = ['eve', 'bob'];

/** One answer, as its caller sees it. */
type Seen = readonly [request: string, status: number, headers: readonly (readonly [string, string])[], body: string];

/** Between which two requests of ann's somebody does something. */
interface Act {
  readonly slot: number;
  readonly who: Person;
  readonly what: keyof typeof deeds;
  readonly n: number;
}

/** Who asks, while it is answered; the service's own work is `host`. */
const asking = new AsyncLocalStorage<string>();

function perCaller(): { bytes(length: number): Uint8Array } {
  const streams = new Map<string, ReturnType<typeof countedRandomness>>();
  return {
    bytes: (length) => {
      const caller = asking.getStore() ?? 'host';
      const stream = streams.get(caller) ?? countedRandomness(`stream of ${caller}`);
      streams.set(caller, stream);
      return stream.bytes(length);
    },
  };
}

/** Everything that ann is answered, and a chance for the others before each of her requests. */
interface Stage {
  readonly world: TestWorld;
  readonly seen: Seen[];
}

function createStage(metadata: MetadataStore, between: (world: TestWorld, slot: number) => Promise<void>): Stage {
  const limiter = createTokenBucketLimiter({ name: 'requests', burst: 60, perSecond: 0.5 });
  const plain = createTestWorld({
    metadata,
    adapt: (deps) => ({ ...deps, randomness: perCaller(), rateLimiter: limiter }),
  });
  const seen: Seen[] = [];
  const callerOf = (request: Request) => /Bearer (\S+)/.exec(request.headers.get('authorization') ?? '')?.[1] ?? 'host';
  let slot = 0;
  const api: Api = {
    handle: async (request) => {
      const caller = callerOf(request);
      if (caller !== 'ann') return asking.run(caller, () => plain.api.handle(request));
      await asking.run('host', () => between(stage.world, slot++));
      const answer = await asking.run(caller, () => plain.api.handle(request));
      const body = Buffer.from(await answer.clone().arrayBuffer()).toString('latin1');
      seen.push([`${request.method} ${new URL(request.url).pathname}`, answer.status, [...answer.headers], body]);
      return answer;
    },
  };
  const stage: Stage = { world: { ...plain, api }, seen };
  return stage;
}

/** A device of somebody in a workspace of theirs, which has the same token and name as ann's. */
async function deviceOf(world: TestWorld, who: Person): Promise<TestDevice> {
  const { workspaceId } = await createWorkspaceAs(world, who, { token: 'ann' });
  return TestDevice.register(world, who, workspaceId, 'laptop');
}

/** What others may do. Whatever they are refused, they are refused. */
const deeds = {
  createWorkspace: (world, who, n) => createWorkspaceAs(world, who, { token: ['ann', 'x', 'y'][n % 3]! }),
  sameFile: async (world, who, n) => {
    const text = [secretOf('ann'), `${secretOf('ann')} to come`, 'something else'][n % 3]!;
    await (await deviceOf(world, who)).commitPut({ node: 'ann small', name: `${secretOf('ann')}.txt`, text });
  },
  sameKey: async (world, who, n) => {
    const device = await deviceOf(world, who);
    const folder = mkdirOperation(`ann folder ${n}`, `${secretOf('ann')} folder`);
    await device.send(device.request([folder]), 'first commit of ann');
  },
  openSession: async (world, who, n) => {
    await (await deviceOf(world, who)).openSession([utf8(`${secretOf('ann')} to come`), utf8(`${n}`)]);
  },
  badPack: async (world, who) => {
    const { workspaceId } = await deviceOf(world, who);
    const packId = blake3Digest(utf8('bad pack of ann'));
    await world.blobs.put('chunks', packBlobName(workspaceId, packId), utf8('other bad bytes'));
    await verifyPack(world.deps, { workspaceId, packId });
  },
  flood: async (world, who, n) => {
    for (let i = 0; i < 20 + n; i++) await world.api.handle(toRequest('GET /workspaces', { path: '/workspaces' }, who));
  },
  garbage: async (world, _, n) => {
    for (let i = 0; i < n; i++) await world.api.handle(toRequest('GET /devices', { path: '/devices' }, `nobody${i}`));
  },
  wholeSubject: async (world, who) => {
    await createSubject(world, who);
  },
  deleteWorkspace: async (world, who) => {
    const { workspaceId } = await deviceOf(world, who);
    await world.api.handle(toRequest('DELETE /workspaces/{ws}', { path: `/workspaces/${workspaceId}` }, who));
  },
  /** One of the routes, at ann's things. */
  atHerDoor: async (world, who, n) => {
    const subject = await asSeen(world);
    if (subject === undefined) return;
    const entries = Object.entries(requests);
    const [route, toBody] = entries[n % entries.length]!;
    await world.api.handle(
      toRequest(route, toBody(subject), who, n % 2 === 0 ? { 'tidemark-device': subject.deviceId } : {}),
    );
  },
} satisfies Record<string, (world: TestWorld, who: Person, n: number) => Promise<unknown>>;

/** ann's ids, which everybody may know: they protect nothing. Known once her world stands. */
const subjects = new WeakMap<object, Subject>();
async function asSeen({ blobs }: TestWorld): Promise<Subject | undefined> {
  return subjects.get(blobs);
}

/** The service's own timers, alike in both worlds. */
async function hostWork({ deps }: TestWorld, slot: number): Promise<void> {
  if (slot % 10 !== 9) return;
  await tailChangeFeed(deps, { owner: `host ${slot}`, deadlineMs: Number.MAX_SAFE_INTEGER });
  await sweep(deps);
  await projectAllVersions(deps);
}

/** Last what takes something away, so that all the rest can be seen before. */
const order = Object.keys(requests).sort((a, b) => Number(a.startsWith('DELETE')) - Number(b.startsWith('DELETE')));

/** All routes, and a few more of a day's work. */
async function dayOfAnn({ world }: Stage): Promise<void> {
  const subject = await createSubject(world, 'ann');
  subjects.set(world.blobs, subject);
  const device = new TestDevice(world, 'ann', subject.workspaceId, subject.deviceId);
  const { session } = await device.upload(utf8(`${secretOf('ann')} to come`), utf8('something else'));
  const put = putOperation({ node: 'later', name: 'later', text: 'something else' });
  await device.send(device.request([put], { sessions: [session.sessionId] }), 'later');
  await device.send(device.request([put], { sessions: [session.sessionId] }), 'later');
  await createWorkspaceAs(world, 'ann', { token: 'x' });
  for (const route of order) {
    world.clock.ms += 1_000;
    const headers = { 'idempotency-key': Buffer.from(idBytesOf(route)).toString('hex') };
    await world.api.handle(toRequest(route, requests[route]!(subject), 'ann', headers));
  }
}

async function play(metadata: MetadataStore, acts: readonly Act[]): Promise<readonly Seen[]> {
  const stage = createStage(metadata, async (world, slot) => {
    for (const { who, what, n } of acts.filter((act) => act.slot === slot)) {
      await (deeds[what] as (world: TestWorld, who: Person, n: number) => Promise<unknown>)(world, who, n).catch(
        refused,
      );
    }
    await hostWork(world, slot);
  });
  await dayOfAnn(stage);
  return stage.seen;
}

/** Others run into their rate limits and into refusals; what is wrong with the test itself is no refusal. */
function refused(error: unknown): void {
  if (!(error instanceof assert.AssertionError)) throw error;
}

const slots = 50;
const act: fc.Arbitrary<Act> = fc.record({
  slot: fc.nat(slots - 1),
  who: fc.constantFrom(...others),
  what: fc.constantFrom(...(Object.keys(deeds) as (keyof typeof deeds)[])),
  n: fc.nat(40),
});

for (const [store, make, numRuns] of [
  ['memory', createMemoryMetadataStore, 60],
  ['SQLite', () => createSqliteMetadataStore({ file: ':memory:' }), 10],
] as const) {
  describe(`ann's answers, with metadata in ${store},`, () => {
    it('are those of every route, most of them no refusals, and the same each time', async () => {
      const alone = await play(make(), []);
      assert.deepEqual(await play(make(), []), alone);
      assert.ok(alone.length >= slots, `${alone.length}`);
      assert.ok(alone.filter(([, status]) => status === 200).length > alone.length * 0.6);
      assert.ok(alone.some(([, , headers]) => headers.some(([name]) => name === 'ratelimit')));
      assert.ok(alone.some(([, , headers]) => headers.some(([name]) => name === 'etag')));
    });

    it('are the same whether others are there or not, whatever they do', async () => {
      const alone = await play(make(), []);
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
          assert.deepEqual(await play(make(), acts), alone);
        }),
        { numRuns },
      );
    });
  });
}

describe('two worlds', () => {
  it('differ when something tells: a limit that all callers share', async () => {
    const stageWith = async (acts: readonly Act[]) => {
      const stage = createStage(createMemoryMetadataStore(), async (world, slot) => {
        for (const { who, what, n } of acts.filter((each) => each.slot === slot)) await deeds[what](world, who, n);
      });
      const limiter = createTokenBucketLimiter({ name: 'all', burst: 500, perSecond: 1 });
      const shared = { ...limiter, policy: limiter.policy, take: (_: string, now: number) => limiter.take('all', now) };
      Object.assign(stage.world.deps, { rateLimiter: shared });
      await dayOfAnn(stage);
      return stage.seen;
    };
    const flood = { slot: 3, who: 'eve', what: 'flood', n: 5 } as const;
    assert.notDeepEqual(await stageWith([flood]), await stageWith([]));
  });
});
