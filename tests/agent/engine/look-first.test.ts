/** A sync that looks at the disk first: it asks the server when something differs or is owed, and else says that it did not ask. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

async function twoAtRest(): Promise<readonly [EngineDevice, EngineDevice, EngineWorld]> {
  const world = await EngineWorld.create();
  const [a, b] = await world.devices('laptop', 'phone');
  a!.folder.write('note', 'one');
  a!.folder.write('other', 'one');
  await settle(a!, b!);
  return [a!, b!, world];
}

/** Names of the calls of the API, and `scan`, in their order. */
function overhear(device: EngineDevice): string[] {
  const calls: string[] = [];
  const { api, folder } = device;
  const scan = folder.scan.bind(folder);
  Object.assign(folder, {
    scan: (...given: Parameters<typeof scan>) => {
      calls.push('scan');
      return scan(...given);
    },
  });
  device.api = {
    commit: (...given) => (calls.push('commit'), api.commit(...given)),
    changes: (...given) => (calls.push('changes'), api.changes(...given)),
    signingKeys: (...given) => (calls.push('signingKeys'), api.signingKeys(...given)),
    getWorkspace: (...given) => (calls.push('getWorkspace'), api.getWorkspace(...given)),
    listDevices: (...given) => (calls.push('listDevices'), api.listDevices(...given)),
  };
  return calls;
}

describe('a sync that looks first', () => {
  it('asks nothing where the disk is as it was followed, and says what it does not know', async () => {
    const [a, b] = await twoAtRest();
    const calls = overhear(b);
    a.folder.write('note', 'two');
    await a.sync();
    const { seq } = b.journal.meta.head;
    const report = await b.sync({ looksFirst: true });
    assert.deepEqual(calls, ['scan']);
    assert.deepEqual([report.asked, report.upToDate, report.seq, report.applied], [false, true, seq, 0]);
    assert.equal(report.files, 2);
  });

  it('asks, and scans no second time, where the disk differs', async () => {
    const [a, b] = await twoAtRest();
    const calls = overhear(b);
    a.folder.write('note', 'two');
    await a.sync();
    b.folder.write('new', 'by b');
    const report = await b.sync({ looksFirst: true });
    assert.deepEqual(calls, ['scan', 'changes', 'commit', 'changes']);
    assert.deepEqual([report.asked, report.upToDate, report.operations, report.applied], [true, true, 1, 1]);
    assert.deepEqual(await settle(a, b), { note: 'two', new: 'by b', other: 'one' });
  });

  it('an edit that meets an edit becomes a copy, as ever', async () => {
    const [a, b] = await twoAtRest();
    a.folder.write('note', 'by a');
    b.folder.write('note', 'by b');
    await a.sync({ looksFirst: true });
    assert.equal((await b.sync({ looksFirst: true })).conflicts, 1);
    assert.equal(Object.keys(await settle(a, b)).length, 3);
  });

  it('asks where the disk is equal and something of the workspace is not here yet', async () => {
    const [a, b] = await twoAtRest();
    a.folder.write('note', 'two');
    await a.sync();
    // It followed the commit, and was broken off before it wrote.
    for (let n = 0; b.journal.listings.countRemoteChanges() === 0; n++) assert.ok(await b.crashAt(n));
    assert.equal(b.tree()['note'], 'one');
    const report = await b.sync({ looksFirst: true });
    assert.deepEqual([report.asked, report.applied], [true, 1]);
    assert.deepEqual(b.tree(), { note: 'two', other: 'one' });
  });

  it('sends first what was left unanswered', async () => {
    for (let n = 1; ; n++) {
      const [, b] = await twoAtRest();
      b.folder.write('new', 'by b');
      if (!(await b.crashAt(n))) break;
      const wasOwed = b.journal.outbox.first() !== undefined;
      const report = await b.sync({ looksFirst: true });
      assert.ok(report.upToDate);
      if (wasOwed) assert.ok(report.asked);
      assert.equal(b.journal.outbox.first(), undefined);
      assert.ok(!(await b.sync({ looksFirst: true })).asked);
    }
  });

  it('asks when a newer state was seen than was followed', async () => {
    const [a, b] = await twoAtRest();
    a.folder.write('note', 'two');
    await a.sync();
    b.journal.meta.seenSeq = a.journal.meta.head.seq;
    const report = await b.sync({ looksFirst: true });
    assert.deepEqual([report.asked, report.applied, report.upToDate], [true, 1, true]);
  });

  it('takes a scan under which files were moved about for no proof', async () => {
    const [, b] = await twoAtRest();
    const scan = b.folder.scan.bind(b.folder);
    let scans = 0;
    Object.assign(b.folder, {
      scan: async (...given: Parameters<typeof scan>) => ({ ...(await scan(...given)), isSettled: ++scans > 1 }),
    });
    const report = await b.sync({ looksFirst: true });
    assert.deepEqual([report.asked, report.upToDate, scans], [true, true, 2]);
  });

  it('does not call itself up to date with a file that could not be looked at', async () => {
    const [, b] = await twoAtRest();
    const scan = b.folder.scan.bind(b.folder);
    const problems = [{ path: 'note', code: 'busy', detail: 'it is being written' }] as const;
    Object.assign(b.folder, {
      scan: async (...given: Parameters<typeof scan>) => ({ ...(await scan(...given)), problems }),
    });
    const report = await b.sync({ looksFirst: true });
    assert.deepEqual([report.asked, report.upToDate, report.problems], [false, false, problems]);
  });

  it('a mass deletion halts it as any sync', async () => {
    const world = await EngineWorld.create();
    const [a] = await world.devices('laptop');
    for (let i = 0; i < 200; i++) a!.folder.write(`file-${i}`, `${i}`);
    await a!.sync();
    for (let i = 0; i < 190; i++) a!.folder.remove(`file-${i}`);
    await assert.rejects(a!.sync({ looksFirst: true }), { code: 'halted' });
  });
});
