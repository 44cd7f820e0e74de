/** The agent in workspaces of other policies and with a quota. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3Digest } from '../../../shared/core/hash/blake3.ts';
import { decodeEntry } from '../../../shared/core/tree/entry.ts';
import type { CommitResponse } from '../../../shared/core/wire/commit.ts';
import type { NewWorkspace } from '../../api/world/test-device.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

/** Every outcome that a device is told from now on. */
function noteOutcomes(device: EngineDevice): string[] {
  const told: string[] = [];
  const { api } = device;
  device.api = {
    ...api,
    commit: async (...given): Promise<CommitResponse> => {
      const response = await api.commit(...given);
      told.push(...response.outcomes.map(({ status, reason }) => reason ?? status));
      return response;
    },
  };
  return told;
}

const bothEdits = {
  d: 'dir',
  'd/plan (conflicted copy of phone 2026-11-22).txt': 'by b',
  'd/plan.txt': 'by a',
  'd/other': 'other of b',
};

/** Both know a plan and another file; then each edits the plan without the other's edit, and b the other file too. */
async function conflict(): Promise<readonly [EngineDevice, EngineDevice]> {
  const world = await EngineWorld.create({ policy: 'merge' });
  const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
  a.folder.mkdir('d');
  a.folder.write('d/plan.txt', 'draft');
  a.folder.write('d/other', 'other');
  await settle(a, b);
  a.folder.write('d/plan.txt', 'by a');
  b.folder.write('d/plan.txt', 'by b');
  b.folder.write('d/other', 'other of b');
  await a.sync();
  return [a, b];
}

const text = {
  base: 'one\ntwo\nthree\nfour\nfive\n',
  byA: 'ONE\ntwo\nthree\nfour\nfive\n',
  byB: 'one\ntwo\nthree\nfour\nFIVE\n',
  merged: 'ONE\ntwo\nthree\nfour\nFIVE\n',
};

/** Two devices of a new workspace with one file, which a edited and synced and b edited without having seen that. */
async function edited(
  base: string,
  byA: string,
  byB: string,
  path = 'd/plan.txt',
  edit = (a: EngineDevice): void => a.folder.write(path, byA),
  options: NewWorkspace = { policy: 'merge' },
): Promise<readonly [EngineDevice, EngineDevice]> {
  const world = await EngineWorld.create(options);
  const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
  a.folder.mkdir('d');
  a.folder.write(path, base);
  await settle(a, b);
  edit(a);
  b.folder.write(path, byB);
  await a.sync();
  return [a, b];
}

/** Contents that files had at any time, by the server's history. */
async function assertStored({ api, world }: EngineDevice, ...texts: readonly string[]): Promise<void> {
  const contents = new Set<string>();
  for (let after = 0; ;) {
    const { entries } = await api.changes(world.workspaceId, after);
    if (entries.length === 0) break;
    after = entries.at(-1)!.seq;
    for (const { value } of entries.flatMap(({ edits }) => edits)) {
      const entry = value === null || value.length === 0 ? undefined : decodeEntry(value);
      if (entry?.kind === 'file') contents.add(entry.content);
    }
  }
  for (const each of texts) assert.ok(contents.has(blake3Digest(utf8(each))), `the history has not: ${each}`);
}

describe('a workspace that merges', () => {
  it('has a copy of an edit that does not fit to the other: within one sync, without a problem', async () => {
    const [a, b] = await conflict();
    const told = noteOutcomes(b);
    const report = await b.sync();
    assert.deepEqual(told.sort(), ['applied', 'copied', 'needs-merge']);
    assert.deepEqual([report.conflicts, report.upToDate, report.problems], [1, true, []]);
    assert.deepEqual(await settle(a, b), bothEdits);
  });

  it('keeps both edits at a crash at every single step', async () => {
    for (let n = 0; ; n++) {
      const [a, b] = await conflict();
      b.folder.tornBytes = new Uint8Array(0);
      const crashed = await b.crashAt(n);
      assert.deepEqual(await settle(a, b), bothEdits, `after a crash at step ${n}`);
      if (crashed) continue;
      assert.ok(n > 10, `${n} steps`);
      return;
    }
  });

  it('has both edits in one file where they fit together, and each version as it was in its history', async () => {
    const [a, b] = await edited(text.base, text.byA, text.byB);
    const told = noteOutcomes(b);
    const report = await b.sync();
    assert.deepEqual([report.conflicts, report.merged, report.upToDate, report.problems], [0, 1, true, []]);
    assert.deepEqual(told.sort(), ['applied', 'applied', 'applied', 'needs-merge']);
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/plan.txt': text.merged });
    await assertStored(a, ...Object.values(text));
  });

  it('merges JSON by its keys', async () => {
    const [a, b] = await edited('{"a":1,"b":1}', '{"a":2,"b":1}', '{"a":1,"b":1,"c":3}', 'd/plan.json');
    await b.sync();
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/plan.json': '{"a":2,"b":1,"c":3}' });
  });

  it('makes a copy of what is no text, of an edit of a file whose base is gone, and of an emptied file', async () => {
    for (const [base, byA, byB] of [
      ['a\0\nb\nc\nd\n', 'A\0\nb\nc\nd\n', 'a\0\nb\nc\nD\n'],
      [text.base, text.byA, ''],
    ] as const) {
      const [a, b] = await edited(base, byA, byB);
      const report = await b.sync();
      assert.deepEqual([report.conflicts, report.merged], [1, 0]);
      assert.deepEqual(Object.values(await settle(a, b)).sort(), ['dir', byA, byB].sort());
    }
    const [a, b] = await edited(text.base, text.byA, text.byB);
    const fetch = b.folder.fetch.bind(b.folder);
    b.folder.fetch = async (wanted) => (wanted.size === utf8(text.base).length ? null : fetch(wanted));
    assert.equal((await b.sync()).conflicts, 1);
    assert.deepEqual(Object.values(await settle(a, b)).sort(), ['dir', text.byA, text.byB].sort());
  });

  it('loses neither edit at a crash at every single step of a merge, and shows nothing that nobody wrote but the merge', async () => {
    for (let n = 0; ; n++) {
      const [a, b] = await edited(text.base, text.byA, text.byB);
      const crashed = await b.crashAt(n);
      const tree = await settle(a, b);
      assert.equal(tree['d/plan.txt'], text.merged, `after a crash at step ${n}`);
      assert.deepEqual(Object.keys(tree), ['d', 'd/plan.txt'], `after a crash at step ${n}`);
      await assertStored(a, ...Object.values(text));
      if (crashed) continue;
      assert.ok(n > 20, `${n} steps`);
      return;
    }
  });

  it('leaves a file alone that is edited while it is merged, and merges it with that edit', async () => {
    const [a, b] = await edited(text.base, text.byA, text.byB);
    const fetch = b.folder.fetch.bind(b.folder);
    b.folder.fetch = async (wanted) => {
      b.folder.fetch = fetch;
      b.folder.write('d/plan.txt', `${text.byB}more\n`);
      return fetch(wanted);
    };
    await b.sync();
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/plan.txt': `${text.merged}more\n` });
  });

  it('follows a file that the other also moved, and unites executable bits', async () => {
    const [a, b] = await edited(text.base, text.byA, text.byB, 'd/plan.txt', (a) => {
      a.folder.move('d/plan.txt', 'moved.txt');
      a.folder.write('moved.txt', text.byA, { mode: 0o111 });
    });
    await b.sync();
    assert.deepEqual(await settle(a, b), { d: 'dir', 'moved.txt': `${text.merged} +x` });
  });

  it('merges many files at once, past a brake that would take their kept edits for a mass deletion', async () => {
    const world = await EngineWorld.create({ policy: 'merge' });
    const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
    const names = Array.from({ length: 12 }, (_, i) => `${i}`);
    for (const name of names) a.folder.write(name, text.base + name);
    await settle(a, b);
    for (const name of names) a.folder.write(name, text.byA + name);
    for (const name of names) b.folder.write(name, text.byB.replace('three', `of ${name}`) + name);
    await a.sync();
    assert.equal((await b.sync()).merged, 12);
    const expected = names.map((name) => [name, text.merged.replace('three', `of ${name}`) + name]);
    assert.deepEqual(await settle(a, b), Object.fromEntries(expected.sort(([x], [y]) => (x! < y! ? -1 : 1))));
  });

  it('does not take kept edits for a mass deletion where half of the files go that were put over others', async () => {
    const world = await EngineWorld.create({ policy: 'merge' });
    const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
    const names = Array.from({ length: 10 }, (_, i) => `${i}`);
    for (const name of names) a.folder.write(name, text.base + name);
    for (const name of names) a.folder.write(`new ${name}`, text.byB + name);
    await settle(a, b);
    for (const name of names) a.folder.write(name, text.byA + name);
    for (const name of names) b.folder.write(name, text.byB + name, { atomic: true });
    for (const name of names) b.folder.remove(`new ${name}`);
    await a.sync();
    assert.equal((await b.sync()).merged, 10);
    assert.deepEqual(await settle(a, b), Object.fromEntries(names.map((name) => [name, text.merged + name])));
  });

  it('takes an edit of who had seen the other, and equal edits, without asking', async () => {
    const world = await EngineWorld.create({ policy: 'merge' });
    const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
    const told = [noteOutcomes(a), noteOutcomes(b)];
    a.folder.write('plan', 'one');
    await settle(a, b);
    b.folder.write('plan', 'two');
    await settle(a, b);
    for (const device of [a, b]) device.folder.write('plan', 'the same');
    assert.deepEqual(await settle(a, b), { plan: 'the same' });
    assert.ok(told.flat().every((outcome) => outcome === 'applied' || outcome === 'agreed'));
  });
});

describe('a workspace where the latest wins', () => {
  it('has the later content on every device, and no copy', async () => {
    const world = await EngineWorld.create({ policy: 'latest' });
    const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
    a.folder.write('plan', 'draft');
    await settle(a, b);
    a.folder.write('plan', 'by a');
    b.folder.write('plan', 'by b');
    await a.sync();
    await b.sync();
    assert.deepEqual(await settle(a, b), { plan: 'by b' });
  });
});

describe('a workspace that is full', () => {
  it('says so, keeps what waits, and goes on by itself when there is room', async () => {
    const world = await EngineWorld.create();
    const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
    const { workspaces } = world.server.deps.metadata;
    const record = (await workspaces.get(world.workspaceId))!;
    await workspaces.replace({ ...record, quota: { filesMax: 2, bytesMax: null }, version: record.version + 1 });
    for (const name of ['1', '2']) a.folder.write(name, name);
    await settle(a, b);
    a.folder.write('3', '3');
    for (const _ of [1, 2]) await assert.rejects(a.sync(), { code: 'quota-exceeded' });
    assert.deepEqual(a.tree(), { '1': '1', '2': '2', '3': '3' }, 'nothing here is lost');
    b.folder.remove('1');
    await b.sync();
    assert.deepEqual(await settle(a, b), { '2': '2', '3': '3' });
  });

  it('can be cleaned up by the device that filled it', async () => {
    const world = await EngineWorld.create();
    const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
    for (const name of ['1', '2', '3']) a.folder.write(name, name);
    await settle(a, b);
    const { workspaces } = world.server.deps.metadata;
    const record = (await workspaces.get(world.workspaceId))!;
    await workspaces.replace({ ...record, quota: { filesMax: 1, bytesMax: 1 }, version: record.version + 1 });
    a.folder.remove('1');
    assert.deepEqual(await settle(a, b), { '2': '2', '3': '3' });
  });
});
