/** The server's keys change while devices follow it: what they take on the word of a key that they trust, and what never. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { limits } from '../../../shared/core/limits.ts';
import { firstChain, headSignedBytes, nextChain } from '../../../shared/core/wire/journal-entry.ts';
import type { PublishedKey } from '../../../shared/ports/signer.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

interface Scene {
  readonly world: EngineWorld;
  readonly a: EngineDevice;
  readonly b: EngineDevice;
}

/** Two devices that have followed one commit of the first key. */
async function scene(): Promise<Scene> {
  const world = await EngineWorld.create();
  const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
  a.folder.write('first', '1');
  await settle(a, b);
  return { world, a, b };
}

/** Calls of the key set by a device from now on. */
function countKeyCalls(device: EngineDevice): { calls: number } {
  const count = { calls: 0 };
  const { api } = device;
  device.api = {
    ...api,
    signingKeys: (...given) => {
      count.calls++;
      return api.signingKeys(...given);
    },
  };
  return count;
}

/** The device refuses what the server shows, changes nothing, and says what a person can do. */
async function assertRefuses(device: EngineDevice): Promise<void> {
  const before = [device.tree(), device.journal.meta.head, device.journal.meta.pinnedKeys];
  await assert.rejects(device.sync(), (error) => {
    assert.ok(isTidemarkError(error, 'bad-signature'), String(error));
    assert.match(error.message, /link it again/);
    return true;
  });
  assert.deepEqual([device.tree(), device.journal.meta.head, device.journal.meta.pinnedKeys], before);
}

describe('a server that rotates its key', () => {
  it('is followed by its devices, which ask for its keys once and pin the new one', async () => {
    const { world, a, b } = await scene();
    const count = countKeyCalls(b);
    world.signer.rotate();
    a.folder.write('second', '2');
    assert.deepEqual(await settle(a, b), { first: '1', second: '2' });
    assert.equal(count.calls, 1);
    const shown = (await world.signer.publicKeys()).map(({ keyId }) => keyId);
    const pinned = b.journal.meta.pinnedKeys.map(({ keyId }) => keyId);
    assert.deepEqual([pinned, b.journal.meta.headKeyId], [shown.toReversed(), shown[0]]);
    a.folder.write('third', '3');
    await settle(a, b);
    assert.equal(count.calls, 1);
  });

  it('between two pages, and within one, of a history that a device takes', async () => {
    const { world, a, b } = await scene();
    for (const name of ['second', 'third', 'fourth']) {
      world.signer.rotate();
      a.folder.write(name, name);
      await a.sync();
      a.folder.write(`${name}, again`, name);
      await a.sync();
    }
    const { api } = b;
    b.api = {
      ...api,
      changes: async (...given) => {
        const page = await api.changes(...given);
        return { ...page, entries: page.entries.slice(0, 3), more: page.entries.length > 3 };
      },
    };
    await settle(a, b);
    assert.equal(b.journal.meta.pinnedKeys.length, 4);
  });

  it('in the middle of the sync of a device', async () => {
    const { world, a, b } = await scene();
    const { api } = b;
    b.api = {
      ...api,
      commit: (...given) => {
        world.signer.rotate();
        return api.commit(...given);
      },
    };
    b.folder.write('second', '2');
    const report = await b.sync();
    assert.ok(report.upToDate);
    b.api = api;
    assert.deepEqual(await settle(a, b), { first: '1', second: '2' });
  });

  it('and a device that crashes at any step of its sync goes on with the key that it pinned', async () => {
    for (let n = 0; ; n++) {
      const { world, a, b } = await scene();
      world.signer.rotate(2);
      a.folder.write('second', '2');
      b.folder.write('third', '3');
      await a.sync();
      const crashed = await b.crashAt(n);
      assert.deepEqual(await settle(a, b), { first: '1', second: '2', third: '3' }, `after a crash at step ${n}`);
      assert.equal(b.journal.meta.pinnedKeys.length, 3);
      if (!crashed) return;
    }
  });

  it('and a new device trusts the keys that it sees first, in their order, wherever the current one stands', async () => {
    const { world, a } = await scene();
    world.signer.rotate(2);
    world.signer.signWithRetired();
    world.signer.publish = ([next, ...others]) => [others[0]!, next!, ...others.slice(1)];
    const c = await world.device('tablet');
    await settle(a, c);
    const ids = (await world.signer.publicKeys()).map(({ keyId }) => keyId);
    assert.deepEqual(
      c.journal.meta.pinnedKeys.map(({ keyId }) => keyId),
      [ids[2], ids[0], ids[1]],
    );
    world.signer.be('0', '1', '2');
    a.folder.write('second', '2');
    await settle(a, c);
  });

  it('more often than a device follows at once is refused', async () => {
    const { world, a, b } = await scene();
    world.signer.rotate(limits.signingKeyChainMax + 1);
    a.folder.write('second', '2');
    await assertRefusesAfterCommit(a, b);
  });

  it('as often as a device follows at once is followed', async () => {
    const { world, a, b } = await scene();
    world.signer.rotate(limits.signingKeyChainMax);
    a.folder.write('second', '2');
    await settle(a, b);
  });
});

/** The writer commits, and neither it nor the other device believes the answer. */
async function assertRefusesAfterCommit(a: EngineDevice, b: EngineDevice): Promise<void> {
  await assert.rejects(a.sync(), (error) => isTidemarkError(error, 'bad-signature'));
  await assertRefuses(b);
}

type Trick = (keys: readonly PublishedKey[]) => readonly PublishedKey[];

const tricks: Readonly<Record<string, Trick>> = {
  'no endorsement': (keys) => keys.map((key) => ({ ...key, endorsement: null })),
  'an endorsement of other bytes': (keys) =>
    keys.map((key) =>
      key.endorsement === null ? key : { ...key, endorsement: { ...key.endorsement, signature: new Uint8Array(64) } },
    ),
  'another key under its name': ([, ...keys]) => [{ ...keys[0]!, keyId: 'f'.repeat(16) }, ...keys],
  'nothing but old keys': ([, ...keys]) => keys,
  'no keys at all': () => [],
};

describe('a new key is refused with', () => {
  for (const [name, trick] of Object.entries(tricks)) {
    it(name, async () => {
      const { world, a, b } = await scene();
      world.signer.rotate();
      world.signer.publish = trick;
      a.folder.write('second', '2');
      await assertRefusesAfterCommit(a, b);
      world.signer.publish = (keys) => keys;
      assert.deepEqual(await settle(a, b), { first: '1', second: '2' });
    });
  }

  it('a gap in its chain: stripped of a key between', async () => {
    const { world, a, b } = await scene();
    world.signer.rotate(2);
    world.signer.publish = (keys) => keys.toSpliced(1, 1);
    a.folder.write('second', '2');
    await assertRefusesAfterCommit(a, b);
  });

  it('the endorsement of a key that nobody trusts', async () => {
    const { world, a, b } = await scene();
    world.signer.be('foreign', 'new');
    a.folder.write('second', '2');
    await assertRefusesAfterCommit(a, b);
  });

  it('endorsements that lead round in a ring', async () => {
    const { world, a, b } = await scene();
    world.signer.be('x', 'y');
    const [y, x] = (await world.signer.publicKeys()) as [PublishedKey, PublishedKey];
    world.signer.publish = () => [y, { ...x, endorsement: y.endorsement }];
    a.folder.write('second', '2');
    await assertRefusesAfterCommit(a, b);
  });

  it('the endorsement of a key that has a successor already', async () => {
    const { world, a, b } = await scene();
    world.signer.rotate();
    a.folder.write('second', '2');
    await settle(a, b);
    world.signer.be('0', 'thief');
    a.folder.write('third', '3');
    await assertRefusesAfterCommit(a, b);
  });

  it('keys that were missing from the set are not missed: what is pinned stays pinned', async () => {
    const { world, a, b } = await scene();
    world.signer.rotate();
    world.signer.publish = ([current]) => [current!];
    a.folder.write('second', '2');
    await settle(a, b);
  });
});

describe('after a rotation', () => {
  /** Both devices have followed a head of the second key. */
  async function rotated(): Promise<Scene> {
    const all = await scene();
    all.world.signer.rotate();
    all.a.folder.write('second', '2');
    await settle(all.a, all.b);
    return all;
  }

  it('a retired key signs nothing new, though it is pinned', async () => {
    const { world, a, b } = await rotated();
    world.signer.signWithRetired();
    a.folder.write('third', '3');
    await assertRefusesAfterCommit(a, b);
  });

  it('a history that ends before it is not believed', async () => {
    const { b } = await rotated();
    const { api } = b;
    b.api = { ...api, changes: async (...given) => ({ ...(await api.changes(...given)), headSeq: 1, entries: [] }) };
    await assert.rejects(b.sync(), (error) => isTidemarkError(error, 'bad-signature'));
    b.api = api;
    await b.sync();
  });

  it('another history since a place that was seen is not believed, whichever key signs it', async () => {
    for (const isRetired of [true, false]) {
      const { world, b } = await rotated();
      if (isRetired) world.signer.signWithRetired();
      const { api } = b;
      const [seen] = (await api.changes(world.workspaceId, 1)).entries;
      const { seq, root, chain: seenChain } = b.journal.meta.head;
      assert.equal(seen!.chain, seenChain);
      const other = nextChain(firstChain(world.workspaceId), { ...seen!, timeMs: seen!.timeMs + 1 });
      const next = { ...seen!, seq: seq + 1, previousRoot: root, root, edits: [] };
      const chain = nextChain(other, next);
      const signed = await world.signer.sign(headSignedBytes(world.workspaceId, { ...next, chain }));
      b.api = {
        ...api,
        changes: async () => ({ headSeq: seq + 1, more: false, entries: [{ ...next, chain, ...signed }] }),
      };
      await assert.rejects(b.sync(), (error) => isTidemarkError(error, 'bad-signature'));
      assert.equal(b.journal.meta.head.seq, seq);
    }
  });

  it('a journal written before rings were known pins its next key behind the one it has', async () => {
    const { world, a, b } = await scene();
    b.journal.meta.headKeyId = '';
    world.signer.rotate();
    a.folder.write('second', '2');
    await settle(a, b);
    assert.equal(b.journal.meta.pinnedKeys.length, 2);
  });
});
