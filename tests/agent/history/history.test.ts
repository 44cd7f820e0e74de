/** Reading a history that is not followed: what is found, and what is not believed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { HistoryTrust, type HistoryTrustNeeds } from '../../../client/agent/history/history-trust.ts';
import { History, type HistoryApi } from '../../../client/agent/history/history.ts';
import { RemoteNodes } from '../../../client/agent/history/remote-nodes.ts';
import { changesBetween, changesOfCommit, nameChanges } from '../../../client/agent/history/tree-changes.ts';
import { findAtPath, listFolder } from '../../../client/agent/history/tree-paths.ts';
import type { ApiClient } from '../../../client/sdk/api-client.ts';
import { verifySignature } from '../../../client/sdk/signatures.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, parseDigest, rootNodeId } from '../../../shared/core/ids.ts';
import type { ChangesResponse } from '../../../shared/core/wire/changes.ts';
import type { JournalEntry } from '../../../shared/core/wire/journal-entry.ts';
import { clientOf } from '../../api/world/test-client.ts';
import { type EngineDevice, EngineWorld } from '../engine/world.ts';

const { signal } = new AbortController();

/** A reader of the device's workspace; `api` may lie. With the device's journal as its link if that is wanted. */
function readerOf(device: EngineDevice, api: HistoryApi & HistoryTrustNeeds['api'], isLinked = true): History {
  const { workspaceId } = device.world;
  const { pinnedKeys, headKeyId, head } = device.journal.meta;
  const link = isLinked ? { pinnedKeys, headKeyId, head } : undefined;
  const trust = new HistoryTrust({ api, verify: verifySignature, workspaceId, link, signal });
  return new History({ api, workspaceId, trust, nodes: new RemoteNodes(api, workspaceId, signal), signal });
}

/** Commits: 1 makes a and d/b, 2 edits a, 3 moves d/b to c and removes a. */
async function threeCommits(): Promise<readonly [EngineDevice, ApiClient]> {
  const world = await EngineWorld.create();
  const device = await world.device('laptop');
  device.folder.write('a', 'first');
  device.folder.mkdir('d');
  device.folder.write('d/b', 'b');
  await device.sync();
  world.server.clock.ms += 60_000;
  device.folder.write('a', 'second');
  await device.sync();
  world.server.clock.ms += 60_000;
  device.folder.move('d/b', 'c');
  device.folder.remove('a');
  await device.sync();
  return [device, clientOf(world.server, 'ann')];
}

async function namesAt({ nodes }: History, root: Digest): Promise<readonly string[]> {
  return (await listFolder(nodes, root, rootNodeId, 100)).map(({ name }) => name);
}

async function entriesOf(history: History, from: number, atOnce: number): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for await (const entry of history.backwards(from, atOnce)) entries.push(entry);
  return entries;
}

describe('a history', () => {
  it('is read at its head, at a commit and at a time, each with the tree of then', async () => {
    const [device, api] = await threeCommits();
    const history = readerOf(device, api);
    const head = await history.point('now');
    assert.equal(head.seq, 3);
    assert.deepEqual(await namesAt(history, head.root), ['c', 'd']);
    const first = await history.point({ seq: 1 });
    assert.deepEqual(await namesAt(history, first.root), ['a', 'd']);
    assert.ok((await findAtPath(history.nodes, first.root, 'd/b'))?.entry?.kind === 'file');
    assert.equal(await findAtPath(history.nodes, head.root, 'd/b'), undefined);
    assert.equal((await history.point({ seq: 0 })).seq, 0);
    const second = await history.point({ seq: 2 });
    assert.deepEqual(await history.point({ timeMs: second.timeMs! }), second);
    assert.deepEqual(await history.point({ timeMs: second.timeMs! - 1 }), first);
    assert.equal((await history.point({ timeMs: first.timeMs! - 1 })).seq, 0);
    assert.deepEqual(await history.point({ timeMs: head.timeMs! + 1_000 }), head);
    await assert.rejects(history.point({ seq: 4 }), { code: 'not-found' });
  });

  it('is read backwards in runs of any length, gap-free', async () => {
    const [device, api] = await threeCommits();
    for (const atOnce of [1, 2, 3, 50]) {
      const seqs = (await entriesOf(readerOf(device, api), 3, atOnce)).map(({ seq }) => seq);
      assert.deepEqual(seqs, [3, 2, 1]);
    }
    assert.deepEqual((await entriesOf(readerOf(device, api), 2, 1)).map(({ seq }) => seq), [2, 1]); // prettier-ignore
  });

  it('tells what each commit did, a move as one change', async () => {
    const [device, api] = await threeCommits();
    const history = readerOf(device, api);
    const told: string[] = [];
    for (const entry of await entriesOf(history, 3, 10)) {
      const changes = await changesOfCommit(history.nodes, entry);
      const named = await nameChanges(history.nodes, changes, entry.previousRoot, entry.root);
      told.push(named.map(({ kind, from, to }) => `${kind} ${from ?? '-'} ${to ?? '-'}`).join(', '));
    }
    assert.deepEqual(told, ['removed a -, moved d/b c', 'edited a a', 'added - a, added - d, added - d/b']);
  });

  it('of an empty workspace is empty', async () => {
    const world = await EngineWorld.create();
    const device = await world.device('laptop');
    await device.sync();
    const history = readerOf(device, clientOf(world.server, 'ann'));
    const head = await history.point('now');
    assert.deepEqual([head.seq, head.timeMs, await namesAt(history, head.root)], [0, null, []]);
    assert.equal((await history.point({ timeMs: 1 })).seq, 0);
    await assert.rejects(history.point({ seq: 1 }), /nothing was committed yet/);
  });
});

const eachEntry =
  (change: (entry: JournalEntry) => JournalEntry) =>
  (page: ChangesResponse): ChangesResponse => ({ ...page, entries: page.entries.map(change) });

const lies: Readonly<Record<string, (page: ChangesResponse) => ChangesResponse>> = {
  'a gap': (page) => ({ ...page, entries: page.entries.filter(({ seq }) => seq !== 2) }),
  'another root': eachEntry((entry) => ({ ...entry, root: parseDigest('a'.repeat(64)) })),
  'another signature': eachEntry((entry) => ({ ...entry, signature: new Uint8Array(64) })),
  'a key that is not published': eachEntry((entry) => ({ ...entry, keyId: 'other' })),
  'another time': eachEntry((entry) => ({ ...entry, timeMs: entry.timeMs + 1 })),
  'another author': eachEntry((entry) => ({ ...entry, deviceId: entry.requestId as unknown as typeof entry.deviceId })),
  'other edits': eachEntry((entry) => ({ ...entry, edits: entry.edits.slice(1) })),
};

describe('a server that shows', () => {
  for (const [name, lie] of Object.entries(lies)) {
    it(`${name} is not believed, with a linked folder or without one`, async () => {
      const [device, api] = await threeCommits();
      const lying = {
        ...api,
        changes: async (...all: Parameters<HistoryApi['changes']>) => lie(await api.changes(...all)),
      };
      for (const isLinked of [true, false]) {
        await assert.rejects(entriesOf(readerOf(device, lying, isLinked), 3, 2), { code: 'bad-signature' });
        await assert.rejects(readerOf(device, lying, isLinked).point({ seq: 2 }), { code: 'bad-signature' });
      }
    });
  }

  it('an older head than was followed, or another tree than was signed, is not believed', async () => {
    const [device, api] = await threeCommits();
    const old = await readerOf(device, api).point({ seq: 2 });
    const [entry] = (await api.changes(device.world.workspaceId, 1)).entries;
    const asHead = async (...all: Parameters<HistoryApi['treeSync']>) => {
      const answer = await api.treeSync(...all);
      return { ...answer, seq: old.seq, root: old.root, head: entry! };
    };
    await assert.rejects(readerOf(device, { ...api, treeSync: asHead }).point('now'), /older state/);
    assert.equal((await readerOf(device, { ...api, treeSync: asHead }, false).point('now')).seq, 2);
    const other = async (...all: Parameters<HistoryApi['treeSync']>) => ({
      ...(await api.treeSync(...all)),
      root: old.root,
    });
    await assert.rejects(readerOf(device, { ...api, treeSync: other }, false).point('now'), { code: 'bad-signature' });
    const none = async (...all: Parameters<HistoryApi['treeSync']>) => ({
      ...(await api.treeSync(...all)),
      head: null,
    });
    await assert.rejects(readerOf(device, { ...api, treeSync: none }, false).point('now'), { code: 'bad-signature' });
  });

  it('another commit than the last one of a time is not believed', async () => {
    const [device, api] = await threeCommits();
    const { timeMs } = await readerOf(device, api).point({ seq: 2 });
    for (const seq of [1, 3, 9]) {
      const treeAt: HistoryApi['treeAt'] = async (...all) => ({ ...(await api.treeAt(...all)), seq });
      await assert.rejects(readerOf(device, { ...api, treeAt }).point({ timeMs: timeMs! }), { code: 'bad-signature' });
    }
  });

  it('a history that is not the one that was followed is not believed, though its signatures are right', async () => {
    const [device, api] = await threeCommits();
    device.journal.meta.setHead({ ...device.journal.meta.head, chain: parseDigest('b'.repeat(64)) });
    await assert.rejects(readerOf(device, api).point('now'), /not the one that this folder has followed/);
    assert.equal((await readerOf(device, api, false).point('now')).seq, 3);
  });

  it('nodes of the tree that are not what their hashes name is found out', async () => {
    const [device, api] = await threeCommits();
    const treeSync: HistoryApi['treeSync'] = async (request, ...all) => {
      const answer = await api.treeSync(request, ...all);
      const nodes =
        request.hashes.length === 0
          ? answer.nodes
          : answer.nodes.map((node) => node?.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) ?? null);
      return { ...answer, nodes };
    };
    const history = readerOf(device, { ...api, treeSync });
    const { root } = await history.head();
    await assert.rejects(namesAt(history, root), { code: 'corrupt' });
  });
});

describe('keys', () => {
  it('that a pinned one endorsed are taken; one that nobody endorsed is not', async () => {
    const [device, api] = await threeCommits();
    device.world.signer.rotate(2);
    const other = await device.world.device('phone');
    other.folder.write('later', 'x');
    await other.sync();
    assert.equal((await readerOf(device, api).point('now')).seq, 4);
    assert.equal((await entriesOf(readerOf(device, api), 4, 2)).length, 4);
    device.world.signer.be('stranger');
    other.folder.write('later still', 'x');
    await assert.rejects(other.sync());
    await assert.rejects(readerOf(device, api).point({ seq: 5 }), { code: 'bad-signature' });
  });
});

describe('nodes from afar', () => {
  it('are asked for together by those who read at once, each once', async () => {
    const [device, api] = await threeCommits();
    let requests = 0;
    let asked = 0;
    const treeSync: HistoryApi['treeSync'] = (request, ...all) => {
      requests++;
      asked += request.hashes.length / 32;
      return api.treeSync(request, ...all);
    };
    const { root } = await readerOf(device, api).head();
    const nodes = new RemoteNodes({ treeSync }, device.world.workspaceId, signal);
    const found = await Promise.all(Array.from({ length: 100 }, () => findAtPath(nodes, root, 'c')));
    assert.ok(found.every((each) => each?.entry?.kind === 'file'));
    assert.deepEqual([requests, asked], [1, 1]);
  });

  it('are asked for again after a failure, which all who waited were told', async () => {
    const [device, api] = await threeCommits();
    let fails = true;
    const treeSync: HistoryApi['treeSync'] = (...all) =>
      fails ? Promise.reject(new Error('cut')) : api.treeSync(...all);
    const { root } = await readerOf(device, api).head();
    const nodes = new RemoteNodes({ treeSync }, device.world.workspaceId, signal);
    const both = await Promise.allSettled([findAtPath(nodes, root, 'c'), findAtPath(nodes, root, 'd')]);
    assert.deepEqual(both.map(({ status }) => status), ['rejected', 'rejected']); // prettier-ignore
    fails = false;
    assert.notEqual(await findAtPath(nodes, root, 'c'), undefined);
  });
});

describe('changes between two trees', () => {
  it('lead from the one to the other, whatever was done between', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const act = fc.record({
      what: fc.constantFrom('write', 'move', 'remove'),
      name,
      to: name,
      text: fc.string({ maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(act, { maxLength: 4 }), { minLength: 1, maxLength: 4 }), async (rounds) => {
        const device = await (await EngineWorld.create()).device('laptop');
        const states = new Map<number, Record<string, string>>([[0, {}]]);
        for (const acts of rounds) {
          for (const { what, name: from, to, text } of acts) {
            const isThere = device.folder.items.has(from);
            if (what === 'write') device.folder.write(from, text);
            else if (what === 'remove' && isThere) device.folder.remove(from);
            else if (what === 'move' && isThere && from !== to) device.folder.move(from, to);
          }
          const { seq } = await device.sync();
          states.set(seq, device.tree());
        }
        const history = readerOf(device, clientOf(device.world.server, 'ann'));
        const last = Math.max(...states.keys());
        for (const [seq, state] of states) {
          const [before, after] = [await history.point({ seq }), await history.point({ seq: last })];
          const changes = await changesBetween(history.nodes, before.root, after.root);
          const named = await nameChanges(history.nodes, changes, before.root, after.root);
          const names = new Set(Object.keys(state));
          for (const { from } of named) if (from !== undefined) names.delete(from);
          for (const { to } of named) if (to !== undefined) names.add(to);
          assert.deepEqual([...names].sort(), Object.keys(states.get(last)!).sort());
        }
      }),
      { numRuns: 15 },
    );
  });
});

it('an error of the server is told as it is', async () => {
  const [device, api] = await threeCommits();
  const stranger = clientOf(device.world.server, 'bob');
  const error: unknown = await readerOf(device, { ...api, treeSync: (...all) => stranger.treeSync(...all) })
    .head()
    .catch((caught: unknown) => caught);
  assert.ok(isTidemarkError(error, 'not-found'));
});
