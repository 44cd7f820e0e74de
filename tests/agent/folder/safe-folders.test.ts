/** L24, L25: nothing outside the root is written, and the control folder has no other name. On node:fs and simulated. */
import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseNodeId } from '../../../shared/core/ids.ts';
import type { FileSystem } from '../../../client/agent/file-system.ts';
import { Blocked } from '../../../client/agent/folder/file-problem.ts';
import { createNodeFileSystem } from '../../../client/agent/folder/node-file-system.ts';
import { SafeFolders } from '../../../client/agent/folder/safe-folders.ts';
import type { ApplyAction } from '../../../client/agent/ports.ts';
import { Device } from './device.ts';
import { createSimulated, root } from './simulated-device.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-safe-'));
after(() => rmSync(scratch, { recursive: true }));
const nodeId = parseNodeId('9'.repeat(32));

async function createReal(fs: FileSystem = createNodeFileSystem()) {
  const at = mkdtempSync(join(scratch, 'real-'));
  mkdirSync(join(at, 'sync'));
  mkdirSync(join(at, 'outside'));
  const device = new Device(fs, join(at, 'sync'));
  await device.open();
  return { device, sync: join(at, 'sync'), outside: join(at, 'outside') };
}

test('L24: a symlink among the folders of a path is never followed', async () => {
  const { device, sync, outside } = await createReal();
  mkdirSync(join(outside, 'in'));
  symlinkSync(outside, join(sync, 'link'));
  const results = await device.apply([
    { kind: 'make-folder', nodeId, path: 'link/new' },
    { kind: 'make-symlink', nodeId, path: 'link/l', target: 'x', expected: null },
    { kind: 'remove-folder', nodeId, path: 'link/in' },
  ]);
  assert.ok(results.every((result) => !result.done && result.problem.code === 'blocked'));
  assert.deepEqual(readdirSync(outside), ['in']);
});

test('L24: nor one that is planted between the check and the use', async () => {
  const real = createNodeFileSystem();
  let plant = (): void => undefined;
  const fs: FileSystem = { ...real, makeFolder: (path) => (plant(), real.makeFolder(path)) };
  const { device, sync, outside } = await createReal(fs);
  mkdirSync(join(sync, 'd'));
  plant = () => {
    renameSync(join(sync, 'd'), join(sync, 'moved'));
    symlinkSync(outside, join(sync, 'd'));
    plant = () => undefined;
  };
  await device.apply([{ kind: 'make-folder', nodeId, path: 'd/new' }]);
  assert.deepEqual(readdirSync(outside), []);
  assert.deepEqual(readdirSync(join(sync, 'moved')), ['new'], 'the very folder that was checked');
});

test('L24: a folder swapped for another between two actions is noticed', () => {
  const at = mkdtempSync(join(scratch, 'swap-'));
  for (const name of ['sync', 'sync/d', 'outside']) mkdirSync(join(at, name));
  const folders = new SafeFolders(createNodeFileSystem(), join(at, 'sync'));
  folders.at('d/x');
  renameSync(join(at, 'sync/d'), join(at, 'sync/e'));
  symlinkSync(join(at, 'outside'), join(at, 'sync/d'));
  assert.throws(() => folders.at('d/x'), { code: 'ENOTDIR' });
  folders.close();
});

test('L24: without pinning, a folder that is a symlink is refused all the same', async () => {
  const { device, fs } = await createSimulated();
  fs.makeFolder('/outside');
  fs.makeLink('/outside', `${root}/link`);
  const results = await device.apply([{ kind: 'make-folder', nodeId, path: 'link/new' }]);
  assert.ok(!results[0]!.done && results[0]!.problem.code === 'blocked');
  assert.deepEqual(fs.list('/outside').names, []);
});

const controlNames = [
  '.tidemark',
  '.TIDEMARK',
  '.Tidemark.',
  '.tidemark ',
  '.tide\u200cmark',
  '.tıdemark'.replace('ı', 'I'),
  'TIDEMA~1',
  '.tidemark::$INDEX_ALLOCATION',
];

test('L25: no alias of the control folder can be addressed, at any depth', async () => {
  const { device, sync } = await createReal();
  mkdirSync(join(sync, 'd'));
  const before = readdirSync(join(sync, '.tidemark')).sort();
  for (const name of controlNames) {
    for (const path of [name, `${name}/x`, `d/${name}`, `d/${name}/x`]) {
      const actions: ApplyAction[] = [
        { kind: 'make-folder', nodeId, path },
        { kind: 'make-symlink', nodeId, path, target: '/etc', expected: null },
        { kind: 'remove-folder', nodeId, path },
      ];
      for (const result of await device.apply(actions)) assert.ok(!result.done, path);
    }
  }
  assert.deepEqual(readdirSync(join(sync, '.tidemark')).sort(), before);
  assert.deepEqual(readdirSync(join(sync, 'd')), []);
});

test('only nodes are moved into the control folder, and only to be parked', async () => {
  const { device, sync } = await createReal();
  writeFileSync(join(sync, 'a'), 'one');
  await device.scan();
  const { nodeId, stat } = device.known.at('a')!;
  for (const path of ['.tidemark/journal.db', '.tidemark/tmp/w-0', '.tidemark/tmp/../x', '.tidemark/tmp']) {
    const [result] = await device.apply([{ kind: 'move', nodeId, what: 'file', from: 'a', path, expected: stat }]);
    assert.ok(!result!.done, path);
  }
  assert.ok(lstatSync(join(sync, 'a')).isFile());
});

test('paths that leave the root are refused', () => {
  const folders = new SafeFolders(createNodeFileSystem(), mkdtempSync(join(scratch, 'root-')));
  for (const path of ['', '..', '../x', 'a/../../x', '/etc/passwd', 'a//b', './a', 'a\0b', 'x'.repeat(256)]) {
    assert.throws(() => folders.at(path), Blocked, JSON.stringify(path));
  }
  folders.close();
});
