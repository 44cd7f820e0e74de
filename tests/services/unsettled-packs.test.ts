/** A pack that cannot be settled stops nobody: the change feed passes it, and a queue tells of it until it is settled. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../shared/core/bytes.ts';
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import type { SessionId, WorkspaceId } from '../../shared/core/ids.ts';
import type { ChangeFeed } from '../../shared/ports/change-feed.ts';
import { outageMsMax, outagePacks } from '../../shared/services/feed/settle-page.ts';
import { settleUnsettled } from '../../shared/services/feed/settle-unsettled.ts';
import { decodeUnsettledMessage, encodeUnsettledMessage } from '../../shared/services/feed/unsettled-message.ts';
import { packBlobName, stagedPackName } from '../../shared/services/pack-name.ts';
import { getPackRecord } from '../../shared/services/pack-record.ts';
import { feedShards, isOfShard, tailChangeFeed } from '../../shared/services/tail-change-feed.ts';
import { must } from '../api/world/calls.ts';
import { TestDevice, createWorkspaceAs } from '../api/world/test-device.ts';
import { type TestWorld, createTestWorld } from '../api/world/test-world.ts';
import { packOf } from './crash-points/start.ts';

type Pack = ReturnType<typeof packOf>;
type Deps = TestWorld['deps'];

const [shard] = feedShards;

/** Packs that all come to one shard. */
function packsOfShard(count: number): readonly Pack[] {
  const packs: Pack[] = [];
  for (let i = 0; packs.length < count; i++) {
    const pack = packOf(`content ${i}`);
    if (isOfShard(shard, { workspaceId: '' as WorkspaceId, packId: pack.packId })) packs.push(pack);
  }
  return packs;
}

interface Rig {
  readonly world: TestWorld;
  readonly workspaceId: WorkspaceId;
  readonly packs: readonly Pack[];
  readonly counted: string[];
  runs: number;
}

async function start(count: number): Promise<Rig> {
  const world = createTestWorld({ seed: 'unsettled' });
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const packs = packsOfShard(count);
  for (const { packId, bytes } of packs) await world.blobs.put('chunks', packBlobName(workspaceId, packId), bytes);
  return { world, workspaceId, packs, counted: [], runs: 0 };
}

function replacing<T extends object>(target: T, method: keyof T, by: (...args: never[]) => Promise<unknown>): T {
  return new Proxy(target, {
    get(of, property) {
      if (property === method) return by;
      const value: unknown = Reflect.get(of, property);
      return typeof value === 'function' ? (value.bind(of) as unknown) : value;
    },
  });
}

/** The same process, in which the bytes of these packs cannot be read. */
function unreadable({ world, counted }: Rig, packs: readonly Pack[]): Deps {
  const blobs = replacing(world.blobs, 'open', (container: 'chunks', name: string) =>
    packs.some(({ packId }) => name.includes(packId))
      ? Promise.reject(new Error('EIO'))
      : world.blobs.open(container, name),
  );
  const metrics = { count: (metric: string) => void counted.push(metric), record: () => {} };
  return { ...world.deps, blobs, metrics };
}

/** Runs some seconds after the last change, when it can be seen for certain. */
function tail(rig: Rig, deps = rig.world.deps) {
  rig.world.clock.ms += 10_000;
  return tailChangeFeed(deps, { owner: `worker ${rig.runs++}`, deadlineMs: rig.world.clock.ms + 1_000 });
}

async function cursorOf({ world }: Rig): Promise<string | null | undefined> {
  const leases = await world.deps.metadata.leases.list('change-feed/');
  return leases.find(({ name }) => name.endsWith(shard))?.cursor;
}

/** What lies in the queue, decoded. */
async function queued({ world }: Rig) {
  const messages = await world.deps.queue.peek('unsettled', 32);
  return messages.map(({ body }) => decodeUnsettledMessage(body));
}

/** Hands every message to the function, as the host does; one that fails comes back later. */
async function deliver({ world }: Rig, deps = world.deps): Promise<string[]> {
  const states: string[] = [];
  for (const message of await world.deps.queue.receive('unsettled', 32, 30)) {
    try {
      states.push(await settleUnsettled(deps, decodeUnsettledMessage(message.body)));
      await world.deps.queue.remove('unsettled', message);
    } catch {
      states.push('failed');
    }
  }
  return states;
}

async function recorded({ world, workspaceId, packs }: Rig): Promise<readonly boolean[]> {
  return Promise.all(
    packs.map(async ({ packId }) => (await getPackRecord(world.deps, workspaceId, packId)) !== undefined),
  );
}

function linesOf({ world }: Rig, start: string): number {
  return world.logged.filter((line) => line.startsWith(start)).length;
}

const isQueuedLine = 'a pack of the change feed could not be settled and is queued';

describe('a pack that cannot be read', () => {
  it('is queued once, and its shard goes on with the packs of its page and of those behind it', async () => {
    const rig = await start(5);
    const { workspaceId, packs } = rig;
    const name = ({ packId }: Pack) => packBlobName(workspaceId, packId);
    const told = packs.map((pack) => ({ name: name(pack), kind: 'created', container: 'chunks' }) as const);
    const feed: ChangeFeed = {
      read: async (cursor) => {
        const at = Number(cursor ?? 0);
        const changes = told.slice(at, at + 2).map((change) => ({ ...change, etag: '', timeMs: 0, api: 'PutBlob' }));
        return { changes, cursor: String(at + changes.length) };
      },
    };
    const report = await tail(rig, { ...unreadable(rig, [packs[0]!]), changeFeed: feed });
    assert.deepEqual([report.shards, report.packs.verified, report.unsettled], [4, 4, 1]);
    assert.deepEqual(await recorded(rig), [false, true, true, true, true]);
    assert.equal(await cursorOf(rig), '5');
    assert.deepEqual(await queued(rig), [{ workspaceId, packId: packs[0]!.packId }]);
    assert.deepEqual([linesOf(rig, isQueuedLine), rig.counted], [1, ['tidemark.unsettled.count']]);
    const again = await tail(rig, { ...unreadable(rig, [packs[0]!]), changeFeed: feed });
    assert.deepEqual([again.changes, again.unsettled], [0, 0], 'the cursor has passed it');
  });

  it('is settled by its message when storage is back, and the message waits until then', async () => {
    const rig = await start(3);
    const away = unreadable(rig, [rig.packs[1]!]);
    await tail(rig, away);
    assert.deepEqual(await deliver(rig, away), ['failed']);
    rig.world.clock.ms += 31_000;
    assert.deepEqual(await deliver(rig), ['verified']);
    assert.deepEqual(await recorded(rig), [true, true, true]);
    rig.world.clock.ms += 31_000;
    assert.deepEqual(await deliver(rig), [], 'nothing is left');
  });

  it('keeps its session when it was staged', async () => {
    const rig = await start(0);
    const { world, workspaceId } = rig;
    const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
    const { sessionId } = await must(ann.openSession([utf8('staged')]));
    const { packId, bytes } = packOf('staged');
    await world.blobs.put('staging', stagedPackName({ workspaceId, sessionId, packId }), bytes);
    const promote = () => Promise.reject(new Error('EIO'));
    const report = await tail(rig, { ...world.deps, blobs: replacing(world.blobs, 'promote', promote) });
    assert.deepEqual([report.staged, report.unsettled], [0, 1]);
    assert.deepEqual(await queued(rig), [{ workspaceId, packId, sessionId }]);
    assert.deepEqual(await deliver(rig), ['verified']);
    assert.notEqual(await getPackRecord(world.deps, workspaceId, packId), undefined);
    assert.equal(await world.blobs.head('staging', stagedPackName({ workspaceId, sessionId, packId })), undefined);
  });

  it('may be queued twice, when a worker died before it saved its cursor, and that harms nothing', async () => {
    const rig = await start(3);
    const { world, packs, workspaceId } = rig;
    const away = unreadable(rig, [packs[2]!]);
    const save = () => Promise.reject(new Error('the process died'));
    const leases = replacing(world.deps.metadata.leases, 'save', save);
    await assert.rejects(tail(rig, { ...away, metadata: { ...world.deps.metadata, leases } }));
    assert.equal(await cursorOf(rig), null);
    await tail(rig, away);
    const message = { workspaceId, packId: packs[2]!.packId };
    assert.deepEqual(await queued(rig), [message, message]);
    assert.deepEqual(await deliver(rig), ['verified', 'intact']);
    assert.deepEqual(await recorded(rig), [true, true, true]);
  });

  it('keeps its shard where it is while it cannot be queued', async () => {
    const rig = await start(3);
    const { world, packs } = rig;
    const away = unreadable(rig, [packs[0]!]);
    const send = () => Promise.reject(new Error('the queue is away'));
    await assert.rejects(tail(rig, { ...away, queue: replacing(world.deps.queue, 'send', send) }), /queue is away/);
    assert.deepEqual([await cursorOf(rig), rig.counted, linesOf(rig, isQueuedLine)], [null, [], 0]);
    assert.deepEqual(await recorded(rig), [false, true, true], 'the others are done');
    assert.equal((await tail(rig)).packs.verified, 1);
    assert.notEqual(await cursorOf(rig), null);
  });

  it('is not queued on the newest changes, which are looked at again anyway', async () => {
    const rig = await start(2);
    const away = unreadable(rig, [rig.packs[0]!]);
    const run = { owner: 'at once', deadlineMs: rig.world.clock.ms + 1_000 };
    await assert.rejects(tailChangeFeed(away, run), { code: 'unavailable' });
    assert.deepEqual([await queued(rig), await cursorOf(rig)], [[], null]);
  });

  it('gets a second try, so that packs of one workspace that are in each other’s way are not queued', async () => {
    const rig = await start(6);
    const { world, workspaceId, packs } = rig;
    await tail(rig);
    await world.blobs.deleteMany(
      'chunks',
      packs.map(({ packId }) => packBlobName(workspaceId, packId)),
    );
    const report = await tail(rig);
    assert.deepEqual([report.packs.lost, report.unsettled], [packs.length, 0]);
    assert.deepEqual(
      await recorded(rig),
      packs.map(() => false),
    );
  });
});

describe('an outage of storage', () => {
  it('makes no flood of messages: where nothing can be settled the cursor waits', async () => {
    const rig = await start(outagePacks);
    const away = unreadable(rig, rig.packs);
    for (let run = 0; run < 3; run++) await assert.rejects(tail(rig, away), { code: 'unavailable' });
    assert.deepEqual([await queued(rig), await cursorOf(rig), rig.counted], [[], null, []]);
    const report = await tail(rig);
    assert.deepEqual([report.packs.verified, report.unsettled], [outagePacks, 0]);
  });

  it('is waited for an hour, and no longer: nobody can keep the feed with a page of packs that cannot be read', async () => {
    const rig = await start(outagePacks);
    const away = unreadable(rig, rig.packs);
    rig.world.clock.ms += outageMsMax - 20_000;
    await assert.rejects(tail(rig, away), { code: 'unavailable' });
    const report = await tail(rig, away);
    assert.deepEqual([report.shards, report.unsettled, (await queued(rig)).length], [4, outagePacks, outagePacks]);
    assert.notEqual(await cursorOf(rig), null);
  });

  it('is not seen in a page of few packs, nor where any of many can be settled', async () => {
    const few = await start(outagePacks - 1);
    assert.equal((await tail(few, unreadable(few, few.packs))).unsettled, outagePacks - 1);
    const many = await start(outagePacks + 1);
    assert.equal((await tail(many, unreadable(many, many.packs.slice(1)))).unsettled, outagePacks);
    assert.deepEqual(
      await deliver(many),
      Array.from({ length: outagePacks }, () => 'verified'),
    );
  });
});

describe('a message of the queue', () => {
  const workspaceId = '1'.repeat(32) as WorkspaceId;
  const pack = { workspaceId, packId: blake3Digest(utf8('any')) };
  const staged = { ...pack, sessionId: '2'.repeat(32) as SessionId };

  it('about a pack that is not there leads to nothing', async () => {
    const { world } = await start(0);
    assert.equal(await settleUnsettled(world.deps, pack), 'absent');
    assert.equal(await settleUnsettled(world.deps, staged), 'missing');
  });

  it('is decoded strictly', () => {
    for (const each of [pack, staged]) {
      assert.deepEqual(decodeUnsettledMessage(encodeUnsettledMessage(each)), each);
      assert.deepEqual(decodeUnsettledMessage(JSON.parse(encodeUnsettledMessage(each))), each);
    }
    const wrong: unknown[] = [
      'no json',
      null,
      [],
      7,
      {},
      { ...pack, extra: 1 },
      { ...pack, workspaceId: 'x' },
      { ...pack, packId: 7 },
      { packId: pack.packId },
      { ...staged, sessionId: null },
      { ...staged, sessionId: `${staged.sessionId}/..` },
      Object.assign(Object.create({ packId: pack.packId }), { workspaceId }),
    ];
    for (const raw of wrong) assert.throws(() => decodeUnsettledMessage(raw), { code: 'malformed' });
  });
});
