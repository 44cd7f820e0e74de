/** A server that lies, and one that loses answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../../shared/core/bytes.ts';
import { TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import { parseDigest, rootNodeId } from '../../../shared/core/ids.ts';
import { entryKey } from '../../../shared/core/tree/keys.ts';
import type { ChangesResponse } from '../../../shared/core/wire/changes.ts';
import { type JournalEntry, firstChain, headSignedBytes, nextChain } from '../../../shared/core/wire/journal-entry.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import { deriveMapEdits } from '../../../shared/core/tree/derive-edits.ts';
import { must } from '../../api/world/calls.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

type Lie = (page: ChangesResponse) => ChangesResponse;

async function lyingTo(device: EngineDevice, lie: Lie): Promise<unknown> {
  const { api } = device;
  device.api = { ...api, changes: async (...all) => lie(await api.changes(...all)) };
  try {
    return await device.sync().then(
      () => undefined,
      (error: unknown) => error,
    );
  } finally {
    device.api = api;
  }
}

const eachEntry =
  (change: (entry: JournalEntry) => JournalEntry): Lie =>
  (page) => ({ ...page, entries: page.entries.map(change) });

async function filled(): Promise<[EngineDevice, EngineDevice]> {
  const world = await EngineWorld.create();
  const [a, b] = await world.devices('laptop', 'phone');
  a!.folder.write('one', '1');
  await a!.sync();
  a!.folder.write('two', '2');
  await a!.sync();
  return [a!, b!];
}

const lies: Readonly<Record<string, Lie>> = {
  'a gap': (page) => ({ ...page, entries: page.entries.slice(1) }),
  'a history kept back': (page) => ({ ...page, entries: [] }),
  'another root': eachEntry((entry) => ({ ...entry, root: parseDigest('a'.repeat(64)) })),
  'another signature': eachEntry((entry) => ({ ...entry, signature: new Uint8Array(64) })),
  'a key nobody pinned': eachEntry((entry) => ({ ...entry, keyId: 'other' })),
  'another author': eachEntry((entry) => ({ ...entry, timeMs: entry.timeMs + 1 })),
  'other edits': eachEntry((entry) => ({ ...entry, edits: entry.edits.slice(1) })),
  'a planted name': eachEntry((entry) => ({
    ...entry,
    edits: entry.edits.map(({ value }) => ({ key: entryKey({ parentId: rootNodeId, name: '../out' }), value })),
  })),
  'an entry that is none': eachEntry((entry) => ({
    ...entry,
    edits: entry.edits.map(({ key }) => ({ key, value: utf8('x') })),
  })),
};

/** The first entry with another name in it, and everything about it right: root, chain and signature. */
async function forgery({ world, device }: EngineDevice, name: string): Promise<Lie> {
  const { workspaceId, server } = world;
  const entry = (await must(device.changes())).entries[0]!;
  const edits = entry.edits.map(({ value }) => ({ key: entryKey({ parentId: rootNodeId, name }), value }));
  const source = new MemoryNodeSource();
  const { root } = await mapApply(source, emptyMapRoot, deriveMapEdits(edits, [undefined]));
  const changed = { ...entry, edits, root };
  const chain = nextChain(firstChain(workspaceId), changed);
  const { signature } = await server.deps.signer.sign(headSignedBytes(workspaceId, { ...changed, chain }));
  return () => ({ headSeq: 1, more: false, entries: [{ ...changed, chain, signature }] });
}

describe('L26: a server that shows', () => {
  for (const [name, lie] of Object.entries(lies)) {
    it(`${name} is not believed, and nothing changes here`, async () => {
      const [, b] = await filled();
      const error = await lyingTo(b, lie);
      assert.ok(isTidemarkError(error, 'bad-signature'), String(error));
      assert.deepEqual([b.tree(), b.journal.meta.head.seq], [{}, 0]);
    });
  }

  it('evil under its own good signature is not believed either', async () => {
    for (const name of ['../out', '..', 'a/b', '.tidemark', '.TIDEMARK', 'nul\0']) {
      const [, b] = await filled();
      const error = await lyingTo(b, await forgery(b, name));
      assert.ok(isTidemarkError(error, 'bad-signature'), `${name}: ${String(error)}`);
      assert.deepEqual([b.tree(), b.journal.meta.head.seq], [{}, 0]);
    }
  });

  it('an older state than it showed before is not believed', async () => {
    const [, b] = await filled();
    await b.sync();
    const error = await lyingTo(b, (page) => ({ ...page, headSeq: 1, entries: [] }));
    assert.ok(isTidemarkError(error, 'bad-signature'));
    await b.sync();
  });
});

describe('answers that do not come', () => {
  it('a commit that was done and not answered is asked again, not done again', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.write('f', 'text');
    const { api } = a!;
    const seen: string[] = [];
    a!.api = {
      ...api,
      commit: async (request, requestId, signal) => {
        seen.push(requestId);
        await api.commit(request, requestId, signal);
        throw new TidemarkError('unavailable', 'the line went dead');
      },
    };
    await assert.rejects(a!.sync());
    a!.api = {
      ...api,
      commit: (request, requestId, signal) => {
        seen.push(requestId);
        return api.commit(request, requestId, signal);
      },
    };
    a!.folder.write('f', 'text, edited while the answer was out');
    const report = await a!.sync();
    assert.equal(report.conflicts, 0);
    assert.equal(seen[0], seen[1]);
    assert.deepEqual(await settle(a!, b!), { f: 'text, edited while the answer was out' });
  });

  it('content that the workspace lost is sent again, once', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.write('f', 'text');
    const { api } = a!;
    let refusals = 0;
    a!.api = {
      ...api,
      commit: async (request, requestId, signal) => {
        if (refusals++ === 0) throw new TidemarkError('missing-chunks', 'gone');
        return api.commit(request, requestId, signal);
      },
    };
    await a!.sync();
    assert.equal(refusals, 2);
    await settle(a!, b!);
  });
});

describe('a consistency-first workspace', () => {
  it('refuses an old base; the device takes the change and plans again', async () => {
    const world = await EngineWorld.create({ mode: 'shared' });
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.write('f', 'base');
    a!.folder.write('g', 'base');
    await settle(a!, b!);
    a!.folder.move('f', 'f2');
    b!.folder.write('f', 'edited');
    const { api } = b!;
    let raced = false;
    b!.api = {
      ...api,
      commit: async (request, requestId, signal) => {
        if (!raced) {
          raced = true;
          await a!.sync();
        }
        return api.commit(request, requestId, signal);
      },
    };
    await b!.sync();
    assert.deepEqual(await settle(a!, b!), { f2: 'edited', g: 'base' });
  });
});
