/** Incidents of other sync products (FAULTS), each as what must not happen here. Named by their numbers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

async function pair(): Promise<[EngineDevice, EngineDevice]> {
  const world = await EngineWorld.create();
  const [a, b] = await world.devices('laptop', 'phone');
  return [a!, b!];
}

function fill(device: EngineDevice, count: number): void {
  for (let i = 0; i < count; i++) device.folder.write(`file ${i}`, `content ${i}`);
}

const isHalt = (error: unknown): boolean => isTidemarkError(error, 'halted');

describe('what happened to others', () => {
  it('L1: files left empty by a power cut are fetched again, and never sent', async () => {
    const [a, b] = await pair();
    fill(a, 5);
    await a.sync();
    b.folder.tornBytes = new Uint8Array(0);
    assert.ok(await b.crashAt(6), 'the crash is in the middle of the downloads');
    assert.ok(Object.values(b.tree()).includes(''), 'there are empty files');
    const report = await b.sync();
    assert.deepEqual([report.operations, report.conflicts, report.upToDate], [0, 0, true]);
    assert.deepEqual(b.tree(), a.tree());
    await settle(a, b);
  });

  it('L1: an update torn by a power cut is fetched again, whatever bytes it left', async () => {
    const [a, b] = await pair();
    fill(a, 5);
    await settle(a, b);
    for (let i = 0; i < 5; i++) a.folder.write(`file ${i}`, `a longer content ${i}`);
    await a.sync();
    b.folder.tornBytes = new Uint8Array([0, 0, 0]);
    assert.ok(await b.crashAt(6));
    const report = await b.sync();
    assert.deepEqual([report.operations, report.conflicts], [0, 0]);
    assert.deepEqual(await settle(a, b), a.tree());
  });

  it('L1: an edit of the user after the crash, at a path that was to be written, is kept', async () => {
    const [a, b] = await pair();
    fill(a, 3);
    await a.sync();
    assert.ok(await b.crashAt(4));
    b.folder.write('file 2', 'what the user wrote meanwhile');
    const texts = Object.values(await settle(a, b));
    assert.ok(texts.includes('what the user wrote meanwhile') && texts.includes('content 2'));
  });

  it('L1: nor is it taken for a torn download where the disk knows whole seconds only, and both were saved in one', async () => {
    const [a, b] = await pair();
    const saveAt = ({ folder }: typeof a, text: string): void => {
      folder.write('file', text);
      const item = folder.items.get('file')!;
      folder.items.set('file', { ...item, stat: { ...item.stat, mtimeMs: 1_800_000_002_000 } });
    };
    saveAt(a, 'what somebody else wrote');
    await a.sync();
    assert.ok(await b.crashAt(2), 'the crash is between the decision to fetch it and the file');
    assert.deepEqual(b.tree(), {});
    saveAt(b, 'what the user wrote');
    const texts = Object.values(await settle(a, b));
    assert.deepEqual(texts.sort(), ['what somebody else wrote', 'what the user wrote']);
  });

  it('L2: downloads that were queued when the power went are not deletions', async () => {
    const [a, b] = await pair();
    fill(a, 8);
    await a.sync();
    for (let n = 3; n < 9; n++) await b.crashAt(n);
    const report = await b.sync();
    assert.equal(report.operations, 0);
    assert.equal(Object.keys(await settle(a, b)).length, 8);
  });

  it('L3: a download that fails is a problem with a path, not a deletion', async () => {
    const [a, b] = await pair();
    fill(a, 3);
    await a.sync();
    b.folder.stubborn.add('file 1');
    const report = await b.sync();
    assert.deepEqual([report.operations, report.upToDate], [0, false]);
    assert.deepEqual(
      report.problems.map(({ path }) => path),
      ['file 1'],
    );
    assert.equal(Object.keys(a.tree()).length, 3);
    b.folder.stubborn.clear();
    await settle(a, b);
  });

  it('L4: an empty listing deletes nothing: the brake asks a person', async () => {
    const [a, b] = await pair();
    fill(a, 12);
    await settle(a, b);
    b.folder.items.clear();
    await assert.rejects(b.sync(), isHalt);
    const idle = await a.sync();
    assert.equal(idle.applied, 0);
    const meant = await b.sync({ massDeletionAllowed: true });
    assert.equal(meant.operations, 12);
    await assert.rejects(a.sync(), isHalt, 'the other side is asked too');
    await a.sync({ massDeletionAllowed: true });
    assert.deepEqual(await settle(a, b), {});
  });

  it('L4: a root that is not mounted, and a folder that cannot be listed, prove no absence', async () => {
    const [a, b] = await pair();
    a.folder.mkdir('d');
    for (const name of ['x', 'y']) a.folder.write(`d/${name}`, name);
    await settle(a, b);
    b.folder.isUnmounted = true;
    await assert.rejects(b.sync(), isHalt);
    b.folder.isUnmounted = false;
    const kept = new Map(b.folder.items);
    b.folder.items.clear();
    b.folder.items.set('d', kept.get('d')!);
    b.folder.unlistable.add('d');
    const report = await b.sync();
    assert.deepEqual([report.operations, report.upToDate], [0, false]);
    for (const [path, item] of kept) b.folder.items.set(path, item);
    b.folder.unlistable.clear();
    assert.equal(Object.keys(await settle(a, b)).length, 3);
  });

  it('L6: an edit beats a delete, from either side', async () => {
    const [a, b] = await pair();
    a.folder.mkdir('d');
    a.folder.mkdir('d/e');
    for (const name of ['mine', 'yours', 'gone']) a.folder.write(`d/e/${name}`, name);
    await settle(a, b);
    a.folder.remove('d');
    await a.sync();
    b.folder.write('d/e/mine', 'edited');
    b.folder.write('d/e/new', 'new');
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/e': 'dir', 'd/e/mine': 'edited', 'd/e/new': 'new' });
    b.folder.write('d/e/new', 'edited too');
    await b.sync();
    a.folder.remove('d');
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/e': 'dir', 'd/e/new': 'edited too' });
  });

  it('L8: a file that grows between scan and upload is committed as it is once it rests, never half', async () => {
    const [a, b] = await pair();
    a.folder.write('log', 'one');
    let grown = 0;
    a.onUpload = () => {
      if (grown++ === 0) a.folder.write('log', 'one two');
    };
    const report = await a.sync();
    assert.deepEqual([report.operations, report.upToDate], [1, true]);
    assert.deepEqual(await settle(a, b), { log: 'one two' });
  });

  it('L8: a file that never rests ends the sync, honestly', async () => {
    const [a, b] = await pair();
    a.folder.write('log', '0');
    a.folder.write('other', 'other');
    let n = 0;
    a.onUpload = () => a.folder.write('log', String(++n));
    const report = await a.sync();
    assert.equal(report.upToDate, false);
    a.onUpload = () => {};
    await settle(a, b);
  });

  it('L9, L10: a rename to another case or another Unicode form is one move of one node', async () => {
    const [a, b] = await pair();
    a.folder.write('readme', 'text');
    a.folder.write('caf\u00e9', 'text 2');
    await settle(a, b);
    a.folder.move('readme', 'README');
    a.folder.move('caf\u00e9', 'cafe\u0301');
    const report = await a.sync();
    assert.deepEqual([report.operations, report.bytesSent], [2, 0]);
    assert.deepEqual(await settle(a, b), { README: 'text', 'cafe\u0301': 'text 2' });
  });

  it('L11: a device that lost its journal goes on as a new one and deletes, copies and sends nothing', async () => {
    const [a, b] = await pair();
    a.folder.mkdir('d');
    fill(a, 4);
    a.folder.write('d/x', 'x');
    await settle(a, b);
    b.journal = b.newJournal();
    a.folder.remove('file 1');
    a.folder.write('file 2', 'newer');
    await a.sync();
    const report = await b.sync();
    assert.deepEqual([report.bytesSent > 0, report.conflicts], [true, 1]);
    const tree = await settle(a, b);
    assert.equal(tree['file 2'], 'newer');
    assert.ok(Object.values(tree).includes('content 2'), 'what only this device had is kept');
    assert.equal(tree['file 1'], 'content 1', 'a device without a past cannot know of the deletion');
  });

  it('L13: equal content is never a conflict, also through a third device', async () => {
    const world = await EngineWorld.create();
    const [a, b, c] = await world.devices('laptop', 'phone', 'tablet');
    a!.folder.write('f', 'base');
    await settle(a!, b!, c!);
    for (const device of [a!, b!, c!]) device.folder.write('f', 'the same fix');
    assert.deepEqual(await settle(a!, b!, c!), { f: 'the same fix' });
  });

  it('L14: as many conflicts as there are leave as many copies, and all stay', async () => {
    const world = await EngineWorld.create();
    const devices = await world.devices(...Array.from({ length: 12 }, (_, i) => `device ${i}`));
    devices[0]!.folder.write('f', 'base');
    await settle(...devices);
    for (const [i, device] of devices.entries()) device.folder.write('f', `by ${i}`);
    const tree = await settle(...devices);
    assert.deepEqual(Object.values(tree).sort(), devices.map((_, i) => `by ${i}`).sort());
    for (const device of devices) device.folder.write('other', 'the same');
    assert.deepEqual(await settle(...devices), { ...tree, other: 'the same' });
  });

  it('L14: a device that was away for long brings back nothing that was deleted, and deletes nothing that is new', async () => {
    const [a, b] = await pair();
    fill(a, 40);
    await settle(a, b);
    for (let i = 0; i < 40; i++) {
      if (i % 4 === 0) a.folder.remove(`file ${i}`);
      else if (i % 4 === 1) a.folder.move(`file ${i}`, `moved ${i}`);
      a.folder.write(`new ${i}`, `new ${i}`);
      await a.sync();
    }
    b.folder.write('file 2', 'edited while away');
    const late = await b.sync();
    assert.deepEqual([late.operations, late.conflicts], [1, 0]);
    const tree = await settle(a, b);
    assert.deepEqual([tree['file 0'], tree['file 1'], tree['moved 1']], [undefined, undefined, 'content 1']);
    assert.deepEqual([tree['file 2'], tree['new 39']], ['edited while away', 'new 39']);
  });

  it('L17: when the rename to a conflict copy fails, the local file stays where it is', async () => {
    const [a, b] = await pair();
    a.folder.write('f', 'base');
    await settle(a, b);
    a.folder.write('f', 'by a');
    await a.sync();
    b.folder.write('f', 'by b');
    const copy = 'f (conflicted copy of phone 2026-11-22)';
    b.folder.stubborn.add(copy);
    const report = await b.sync();
    assert.equal(report.upToDate, false);
    assert.deepEqual(b.tree(), { f: 'by b' });
    b.folder.stubborn.clear();
    assert.deepEqual(await settle(a, b), { f: 'by a', [copy]: 'by b' });
  });

  it('a remote deletion of a folder spares what is new in it', async () => {
    const [a, b] = await pair();
    a.folder.mkdir('d');
    fill(a, 3);
    a.folder.write('d/old', 'old');
    await settle(a, b);
    a.folder.remove('d');
    await a.sync();
    b.folder.write('d/new', 'new');
    const tree = await settle(a, b);
    assert.deepEqual([tree['d'], tree['d/new'], tree['d/old']], ['dir', 'new', undefined]);
  });

  it('a folder that the user takes away in the middle of an application leaves nothing stuck', async () => {
    const [a, b] = await pair();
    a.folder.mkdir('d');
    a.folder.write('d/f', 'moved');
    await settle(a, b);
    a.folder.move('d/f', 'f');
    a.folder.remove('d');
    await a.sync();
    const apply = b.folder.apply.bind(b.folder);
    b.folder.apply = (actions) => {
      b.folder.remove('d');
      return apply(actions);
    };
    await b.sync();
    assert.deepEqual(await settle(a, b), { f: 'moved' });
  });
});
