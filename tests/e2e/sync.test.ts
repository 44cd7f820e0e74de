/** The main job through the command line, the real stack and real folders, on both kinds of storage. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareFolders } from '../../bench/demo/compare-folders.ts';
import type { Device } from '../../bench/demo/device.ts';
import { writeNoise } from '../../bench/demo/source-tree.ts';
import { type World, onEachStorage, openSharedFolder } from './world.ts';

const MiB = 1024 * 1024;

onEachStorage((open, storage) => {
  let world: World;
  let a: Device;
  let b: Device;

  before(async () => {
    world = await open();
    [a, b] = await openSharedFolder(world, 'main');
  });
  after(() => world.close());

  /** Both devices sync until they have heard of each other; then their folders and their marks are equal. */
  async function settle(): Promise<void> {
    await a.sync();
    const theirs = await b.sync();
    const ours = await a.sync();
    assert.deepEqual(compareFolders(a.folder, b.folder), []);
    assert.ok(ours.upToDate && theirs.upToDate);
    assert.equal(ours.root, theirs.root);
  }

  test('files of all kinds arrive as they are', async () => {
    mkdirSync(join(a.folder, 'deep/er/folder'), { recursive: true });
    mkdirSync(join(a.folder, 'empty'));
    writeFileSync(join(a.folder, 'empty.txt'), '');
    writeFileSync(join(a.folder, 'deep/er/folder/ünïcode 🌊.txt'), 'tide');
    writeFileSync(join(a.folder, 'tool.sh'), '#!/bin/sh\n');
    chmodSync(join(a.folder, 'tool.sh'), 0o755);
    symlinkSync('../nowhere', join(a.folder, 'deep/link'));
    writeNoise(join(a.folder, 'noise.bin'), 20 * MiB, 7);
    await settle();
    assert.equal(readlinkSync(join(b.folder, 'deep/link')), '../nowhere');
    assert.equal(lstatSync(join(b.folder, 'tool.sh')).mode & 0o111, 0o111);
    assert.ok(lstatSync(join(b.folder, 'empty')).isDirectory());
  });

  test('nothing changed: nothing is read and next to nothing is asked', async () => {
    const figures = await a.sync();
    assert.equal(figures.bytesSent, 0);
    assert.equal(figures.chunksNew, 0);
  });

  test('one byte inserted at the front of a file moves a few chunks of it', async () => {
    const file = join(a.folder, 'noise.bin');
    writeFileSync(file, Buffer.concat([Buffer.from('x'), readFileSync(file)]));
    const sent = await a.sync();
    const received = await b.sync();
    assert.ok(sent.chunksNew <= 3, `${sent.chunksNew} chunks`);
    assert.ok(sent.bytesSent < MiB && received.bytesReceived < MiB);
    await settle();
  });

  test('a renamed folder moves no content', async () => {
    renameSync(join(a.folder, 'deep'), join(a.folder, 'deeper'));
    const figures = await a.sync();
    assert.equal(figures.chunksNew, 0);
    await settle();
    assert.ok(!existsSync(join(b.folder, 'deep')));
  });

  test('two edits of one file while apart: both are kept, under names that tell whose they are', async () => {
    writeFileSync(join(a.folder, 'plan.txt'), 'draft');
    await settle();
    writeFileSync(join(a.folder, 'plan.txt'), 'by a');
    writeFileSync(join(b.folder, 'plan.txt'), 'by b');
    await settle();
    const plans = readdirSync(a.folder).filter((name) => name.startsWith('plan'));
    assert.equal(plans.length, 2);
    assert.ok(
      plans.some((name) => /^plan \(conflicted copy of main-b \d{4}-\d\d-\d\d\)\.txt$/.test(name)),
      plans.join(),
    );
    assert.equal(readFileSync(join(a.folder, 'plan.txt'), 'utf8'), 'by a');
  });

  test('L6: an edit and a delete of one file: the edit stays', async () => {
    writeFileSync(join(a.folder, 'kept.txt'), 'one');
    await settle();
    rmSync(join(a.folder, 'kept.txt'));
    writeFileSync(join(b.folder, 'kept.txt'), 'two');
    await settle();
    assert.equal(readFileSync(join(a.folder, 'kept.txt'), 'utf8'), 'two');
  });

  test('an edit and a rename of one file: the new content at the new place', async () => {
    writeFileSync(join(a.folder, 'here.txt'), 'one');
    await settle();
    renameSync(join(a.folder, 'here.txt'), join(a.folder, 'there.txt'));
    writeFileSync(join(b.folder, 'here.txt'), 'two');
    await settle();
    assert.ok(!existsSync(join(b.folder, 'here.txt')));
    assert.equal(readFileSync(join(b.folder, 'there.txt'), 'utf8'), 'two');
  });

  test('a delete arrives, and a folder that got something new meanwhile stays', async () => {
    mkdirSync(join(a.folder, 'going'));
    writeFileSync(join(a.folder, 'going/old.txt'), 'old');
    await settle();
    rmSync(join(a.folder, 'going'), { recursive: true });
    writeFileSync(join(b.folder, 'going/new.txt'), 'new');
    await settle();
    assert.deepEqual(readdirSync(join(a.folder, 'going')), ['new.txt']);
  });

  test('two names swapped', async () => {
    writeFileSync(join(a.folder, 'left.txt'), 'left');
    writeFileSync(join(a.folder, 'right.txt'), 'right');
    await settle();
    renameSync(join(a.folder, 'left.txt'), join(a.folder, 'x'));
    renameSync(join(a.folder, 'right.txt'), join(a.folder, 'left.txt'));
    renameSync(join(a.folder, 'x'), join(a.folder, 'right.txt'));
    const figures = await a.sync();
    assert.equal(figures.chunksNew, 0);
    await settle();
    assert.equal(readFileSync(join(b.folder, 'left.txt'), 'utf8'), 'right');
  });

  const killed = storage === 'local' ? 'a server that is' : 'an API, not its Azurite, that is';
  test(`${killed} killed with -9 and started again has lost nothing, and devices go on`, async () => {
    writeFileSync(join(a.folder, 'before.txt'), 'acknowledged');
    await a.sync();
    await world.killAndRestart();
    await b.sync();
    assert.equal(readFileSync(join(b.folder, 'before.txt'), 'utf8'), 'acknowledged');
    writeFileSync(join(b.folder, 'after.txt'), 'goes on');
    await settle();
  });

  test('after all of it, the three marks of both devices are one', async () => {
    const [left, right] = [await a.status(), await b.status()];
    assert.ok(left.upToDate && right.upToDate);
    assert.equal(new Set([...Object.values(left.marks), ...Object.values(right.marks)]).size, 1);
  });

  test('deleting more than half of a folder waits for a person', async () => {
    const [c, d] = await openSharedFolder(world, 'brake');
    for (let i = 0; i < 40; i++) writeFileSync(join(c.folder, `${i}.txt`), `file ${i}`);
    await c.sync();
    await d.sync();
    for (let i = 0; i < 30; i++) rmSync(join(c.folder, `${i}.txt`));
    await assert.rejects(c.sync(), /ended with 6/);
    assert.equal(readdirSync(d.folder).filter((name) => name.endsWith('.txt')).length, 40);
    await c.run('sync', c.folder, '--allow-mass-delete');
    await d.run('sync', d.folder, '--allow-mass-delete');
    assert.equal(readdirSync(d.folder).filter((name) => name.endsWith('.txt')).length, 10);
  });
});
