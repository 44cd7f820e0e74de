import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineWorld, settle } from './world.ts';

describe('two devices', () => {
  it('get the same folder, and nothing is done twice', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.mkdir('docs');
    a!.folder.write('docs/report.txt', 'one');
    a!.folder.write('run.sh', 'echo', { mode: 0o111 });
    a!.folder.link('latest', 'docs/report.txt');
    a!.folder.write('empty', '');
    const first = await a!.sync();
    assert.equal(first.operations, 5);
    assert.ok(first.upToDate);
    const second = await b!.sync();
    assert.equal(second.applied, 5);
    assert.deepEqual(b!.tree(), a!.tree());
    const idle = await a!.sync();
    assert.deepEqual([idle.operations, idle.applied, idle.bytesSent, idle.bytesRead], [0, 0, 0, 0]);
    await settle(a!, b!);
  });

  it('edits, moves, deletes and new nodes go both ways', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.mkdir('docs');
    for (const name of ['a', 'b', 'c', 'd']) a!.folder.write(`docs/${name}`, name);
    await settle(a!, b!);
    a!.folder.write('docs/a', 'a2');
    a!.folder.move('docs/b', 'b-moved');
    b!.folder.remove('docs/c');
    b!.folder.write('docs/d', 'd', { mode: 0o111 });
    b!.folder.mkdir('new');
    b!.folder.write('new/file', 'hello');
    const tree = await settle(a!, b!);
    assert.deepEqual(tree, {
      'b-moved': 'b',
      docs: 'dir',
      'docs/a': 'a2',
      'docs/d': 'd +x',
      new: 'dir',
      'new/file': 'hello',
    });
  });

  it('a moved folder is one operation and one action, whatever is in it', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.mkdir('old');
    for (let i = 0; i < 50; i++) a!.folder.write(`old/${i}`, `${i}`);
    await settle(a!, b!);
    a!.folder.move('old', 'new');
    const [sent, applied] = [await a!.sync(), await b!.sync()];
    assert.deepEqual([sent.operations, applied.applied, sent.bytesSent], [1, 1, 0]);
    await settle(a!, b!);
  });

  it('names are swapped, and rotated, on both sides', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    for (const name of ['a', 'b', 'c']) a!.folder.write(name, name);
    a!.folder.mkdir('d');
    a!.folder.write('d/inside', 'x');
    await settle(a!, b!);
    a!.folder.move('a', 'tmp');
    a!.folder.move('b', 'a');
    a!.folder.move('c', 'b');
    a!.folder.move('tmp', 'c');
    const tree = await settle(a!, b!);
    assert.deepEqual(tree, { a: 'b', b: 'c', c: 'a', d: 'dir', 'd/inside': 'x' });
    b!.folder.move('d', 'tmp');
    b!.folder.mkdir('d');
    b!.folder.move('tmp', 'd/d');
    assert.deepEqual(await settle(a!, b!), { a: 'b', b: 'c', c: 'a', d: 'dir', 'd/d': 'dir', 'd/d/inside': 'x' });
  });

  it('two edits of one file: both stay, one under the conflict name', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.write('plan.txt', 'draft');
    await settle(a!, b!);
    a!.folder.write('plan.txt', 'by a');
    b!.folder.write('plan.txt', 'by b');
    await a!.sync();
    const report = await b!.sync();
    assert.equal(report.conflicts, 1);
    const tree = await settle(a!, b!);
    assert.deepEqual(tree, {
      'plan (conflicted copy of phone 2026-11-22).txt': 'by b',
      'plan.txt': 'by a',
    });
  });

  it('two new files of one name: both stay; two new folders of one name are one', async () => {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    for (const device of [a!, b!]) {
      device.folder.mkdir('d');
      device.folder.write('d/n.txt', device === a ? 'by a' : 'by b');
      device.folder.write('d/same', 'same');
    }
    const tree = await settle(a!, b!);
    assert.deepEqual(tree, {
      d: 'dir',
      'd/n (conflicted copy of phone 2026-11-22).txt': 'by b',
      'd/n.txt': 'by a',
      'd/same': 'same',
    });
  });
});
