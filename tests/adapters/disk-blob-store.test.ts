/** What only the store on disk can get wrong: crashes between its steps, copies of its folder, several users of it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, link, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { createDiskBlobStore } from '../../shared/adapters/disk/disk-blob-store.ts';
import { BlobFiles } from '../../shared/adapters/disk/blob-files.ts';
import { sweepStaging } from '../../shared/adapters/disk/staging.ts';
import { utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { BlobStore } from '../../shared/ports/blob-store.ts';
import { createManualClock } from '../contracts/manual-clock.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

/** Above every process id that a system gives out. */
const deadPid = 2 ** 30;

function openStore(folder: string): BlobStore {
  const clock = createManualClock();
  return createDiskBlobStore({ folder, endpoint: () => 'http://blobs.example', key: new Uint8Array(32), clock });
}

async function createStore(t: TestContext) {
  const folder = path.join(await createTemporaryFolder(t), 'deep', 'blobs');
  return { folder, store: openStore(folder) };
}

test('a blob is a plain file under its name, read-only', async (t) => {
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'w/00/a.blob', utf8('bytes'));
  const file = path.join(folder, 'chunks', 'w', '00', 'a.blob');
  assert.equal(await readFile(file, 'utf8'), 'bytes');
  assert.equal((await stat(file)).mode & 0o222, 0);
  assert.deepEqual(await readdir(path.join(folder, '.staging')), []);
});

test('the next start sweeps what a dead process left, and nothing of a living one', async (t) => {
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'a', utf8('a'));
  const staging = path.join(folder, '.staging');
  await writeFile(path.join(staging, `${deadPid}-00ff`), 'half');
  await writeFile(path.join(staging, 'stray'), 'half');
  await writeFile(path.join(staging, `${process.pid}-00ff`), 'being written');
  await openStore(folder).put('chunks', 'b', utf8('b'));
  assert.deepEqual(await readdir(staging), [`${process.pid}-00ff`]);
  assert.equal(await sweepStaging(staging, Date.now() + 3_700_000), 1);
  assert.deepEqual(await readdir(staging), []);
});

test('a crash right after the link leaves a whole blob that a repeat finds', async (t) => {
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'other', utf8('x'));
  const half = path.join(folder, '.staging', `${deadPid}-00ff`);
  await writeFile(half, 'bytes');
  await link(half, path.join(folder, 'chunks', 'a'));
  const second = openStore(folder);
  assert.equal(await second.put('chunks', 'a', utf8('bytes')), 'exists');
  const before = await second.head('chunks', 'a');
  assert.equal(await second.put('chunks', 'b', utf8('b')), 'created');
  assert.deepEqual(await readdir(path.join(folder, '.staging')), []);
  assert.deepEqual(await second.head('chunks', 'a'), before);
  assert.deepEqual(await second.get('chunks', 'a'), utf8('bytes'));
});

test('a move that crashed between its two steps is finished by a repeat', async (t) => {
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'w/a', utf8('bad'));
  const { etag } = (await store.head('chunks', 'w/a'))!;
  await mkdir(path.join(folder, 'quarantine', 'w'), { recursive: true });
  await link(path.join(folder, 'chunks', 'w', 'a'), path.join(folder, 'quarantine', 'w', `a-${etag}`));
  assert.equal(await openStore(folder).moveIfMatch('chunks', 'w/a', etag, 'quarantine'), 'moved');
  assert.equal(await store.head('chunks', 'w/a'), undefined);
  assert.deepEqual(await store.get('quarantine', `w/a-${etag}`), utf8('bad'));
});

test('a copy of the folder that keeps times, a restored backup, keeps every ETag', async (t) => {
  if (process.platform === 'win32') return t.skip('needs cp');
  const { folder, store } = await createStore(t);
  for (const name of ['w/a', 'w/b', 'c']) await store.put('chunks', name, utf8(name));
  const restored = `${folder}-restored`;
  await promisify(execFile)('cp', ['-Rp', folder, restored]);
  const second = openStore(restored);
  for (const name of ['w/a', 'w/b', 'c']) {
    assert.deepEqual(await second.head('chunks', name), await store.head('chunks', name));
  }
});

test('creation times are at most about a minute too early, and never late', async (t) => {
  const { store } = await createStore(t);
  const nowMs = createManualClock().now();
  for (let i = 0; i < 20; i++) {
    await store.put('chunks', `${i}`, utf8('x'));
    const { createdMs } = (await store.head('chunks', `${i}`))!;
    assert.ok(createdMs <= nowMs && createdMs >= nowMs - 64_000);
  }
});

test('a name that runs through another blob is a conflict, and harms neither', async (t) => {
  const { store } = await createStore(t);
  await store.put('chunks', 'a', utf8('blob'));
  await store.put('chunks', 'b/c', utf8('blob'));
  const isConflict = (error: unknown) => isTidemarkError(error, 'conflict');
  await assert.rejects(store.put('chunks', 'a/b', utf8('x')), isConflict);
  await assert.rejects(store.put('chunks', 'a/b/c', utf8('x')), isConflict);
  await assert.rejects(store.put('chunks', 'b', utf8('x')), isConflict);
  assert.deepEqual(await store.get('chunks', 'a'), utf8('blob'));
  assert.deepEqual(await store.get('chunks', 'b/c'), utf8('blob'));
});

test('a folder that is gone while the store is in use makes listings fail, never short', async (t) => {
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'w/a', utf8('x'));
  await rename(folder, `${folder}-unmounted`);
  for (const prefix of ['', 'w/', 'x/']) {
    const listing = store.list('chunks', prefix)[Symbol.asyncIterator]();
    await assert.rejects(listing.next(), (error) => isTidemarkError(error, 'unavailable'), prefix);
  }
  await assert.rejects(store.put('chunks', 'w/b', utf8('x')), (error) => isTidemarkError(error, 'unavailable'));
});

test('folders that vanish under a running store are made again', async (t) => {
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'w/00/a', utf8('x'));
  await rm(path.join(folder, 'chunks', 'w'), { recursive: true });
  assert.equal(await store.put('chunks', 'w/00/b', utf8('y')), 'created');
  assert.deepEqual(await store.get('chunks', 'w/00/b'), utf8('y'));
});

test('a blob opened but moved away before it is read says so', async (t) => {
  const { store } = await createStore(t);
  await store.put('chunks', 'a', utf8('x'));
  const opened = (await store.open('chunks', 'a'))!;
  await store.moveIfMatch('chunks', 'a', opened.properties.etag, 'quarantine');
  await store.put('chunks', 'a', utf8('another'));
  await assert.rejects(
    async () => {
      for await (const piece of opened.pieces) assert.fail(`read ${piece.length} bytes`);
    },
    (error) => isTidemarkError(error, 'not-found'),
  );
});

test('a tier is in the mode of the file, survives a copy, and an archived blob can be brought back', async (t) => {
  if (process.platform === 'win32') return t.skip('this system keeps no such mode');
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'w/a', utf8('bytes'));
  const file = path.join(folder, 'chunks', 'w', 'a');
  const modes: Record<string, number> = {};
  for (const tier of ['cool', 'cold', 'archive'] as const) {
    await store.setTier('chunks', 'w/a', tier);
    modes[tier] = (await stat(file)).mode & 0o111;
  }
  assert.deepEqual(modes, { cool: 0o001, cold: 0o010, archive: 0o100 });
  const restored = `${folder}-restored`;
  await promisify(execFile)('cp', ['-Rp', folder, restored]);
  const second = openStore(restored);
  assert.equal((await second.head('chunks', 'w/a'))?.tier, 'archive');
  assert.equal(await second.setTier('chunks', 'w/a', 'hot'), 'set');
  assert.deepEqual(await second.get('chunks', 'w/a'), utf8('bytes'));
  await chmod(file, 0o777);
  assert.equal((await store.head('chunks', 'w/a'))?.tier, 'hot', 'a mode that is none of ours promises nothing');
});

test('blocks that no list took up are swept after two days, with their folders; younger ones stay', async (t) => {
  const { folder, store } = await createStore(t);
  await store.put('chunks', 'a', utf8('a'));
  const blocks = path.join(folder, '.blocks', 'w', 's', 'p');
  await mkdir(blocks, { recursive: true });
  await writeFile(path.join(blocks, '=00ff'), 'block');
  assert.equal((await openStore(folder).staged('w/s/p'))?.uncommitted.length, 1);
  const files = new BlobFiles(folder, { now: () => Date.now() + 47 * 3_600_000 });
  assert.equal(await files.sweepBlocks(), 0);
  const later = new BlobFiles(folder, { now: () => Date.now() + 49 * 3_600_000 });
  await later.prepare();
  assert.deepEqual(await readdir(path.join(folder, '.blocks')), []);
  assert.equal(await store.staged('w/s/p'), undefined);
});

test('blocks can be staged after a sweep has taken empty folders away, by this process or another', async (t) => {
  const { folder } = await createStore(t);
  const [files, other] = [0, 1].map(() => new BlobFiles(folder, createManualClock())) as [BlobFiles, BlobFiles];
  const id = new Uint8Array(32).fill(1);
  const stage = async (name: string): Promise<string> => {
    const staged = await files.stage();
    try {
      await staged.write(utf8('block'));
      return await files.addBlock(name, id, staged);
    } finally {
      await staged.discard();
    }
  };
  for (const [i, sweeper] of [files, other, files].entries()) {
    assert.equal(await stage(`workspace/session${i}/pack`), 'added');
    assert.notEqual(await files.commitBlocks(`workspace/session${i}/pack`, [id]), 'missing');
    await sweeper.sweepBlocks();
  }
  assert.equal(await stage('workspace/last/pack'), 'added');
});
