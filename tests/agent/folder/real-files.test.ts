/** Files as real disks have them: two names of one file, holes, FIFOs and sockets; and what an unchanged folder costs. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { FileSystem } from '../../../client/agent/file-system.ts';
import { createNodeFileSystem } from '../../../client/agent/folder/node-file-system.ts';
import type { ScanReport } from '../../../client/agent/ports.ts';
import { Device } from './device.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-real-'));
after(() => rmSync(scratch, { recursive: true }));

const disk = createNodeFileSystem();

async function createDevice(fs: FileSystem = disk): Promise<Device> {
  const device = new Device(fs, mkdtempSync(join(scratch, 'd-')));
  await device.open();
  return device;
}

function changes(report: ScanReport): string[] {
  return report.findings
    .filter(({ change }) => change !== 'touched')
    .map(({ change, path }) => `${change} ${path}`)
    .sort();
}

/** The next scan trusts no file that was touched in the tick of the last one: it reads them once more. */
async function settle(device: Device): Promise<void> {
  for (let scans = 0; scans < 100; scans++) if ((await device.scan()).bytesRead === 0) return;
  assert.fail('the folder does not come to rest');
}

test('an unchanged folder is scanned without opening a file', async () => {
  let opened = 0;
  const counting: FileSystem = {
    ...disk,
    openRead: (path) => {
      opened++;
      return disk.openRead(path);
    },
  };
  const device = await createDevice(counting);
  mkdirSync(join(device.root, 'folder'));
  for (let i = 0; i < 50; i++) writeFileSync(join(device.root, `folder/${i}`), `content ${i}`);
  await settle(device);
  opened = 0;
  const report = await device.scan();
  // The marker of the folder is read before a scan and after it.
  assert.deepEqual([opened, report.files, report.bytesRead, changes(report)], [2, 50, 0, []]);
});

test('two names of one file are two files: an edit through one is seen in both, and each may go alone', async () => {
  const device = await createDevice();
  const at = (name: string): string => join(device.root, name);
  writeFileSync(at('a'), 'one');
  linkSync(at('a'), at('b'));
  assert.deepEqual(changes(await device.scan()), ['new a', 'new b']);
  await settle(device);
  appendFileSync(at('b'), ' more');
  assert.deepEqual(changes(await device.scan()), ['changed a', 'changed b']);
  assert.equal(device.known.at('a')?.content, device.known.at('b')?.content);
  await settle(device);
  renameSync(at('a'), at('c'));
  const moved = await device.scan();
  assert.deepEqual([changes(moved), moved.missing], [['moved c'], []]);
  unlinkSync(at('b'));
  const gone = await device.scan();
  assert.deepEqual([changes(gone), gone.missing.length, gone.isSettled], [[], 1, true]);
  assert.equal(readFileSync(at('c'), 'utf8'), 'one more');
});

test('a file with holes is read as it reads, and one chunk of zeros stands for all of them', async () => {
  const device = await createDevice();
  const path = join(device.root, 'sparse');
  writeFileSync(path, 'begin');
  truncateSync(path, 40_000_000);
  appendFileSync(path, 'end');
  await device.scan();
  await device.upload();
  assert.ok(device.transfer.count.bytesSent < 100_000, `${device.transfer.count.bytesSent}`);
  const other = new Device(disk, mkdtempSync(join(scratch, 'd-')), { server: device.server });
  await other.open();
  const [result] = await other.apply(device.actionsToCopy());
  assert.ok(result?.done);
  assert.ok(readFileSync(join(other.root, 'sparse')).equals(readFileSync(path)));
});

test('FIFOs, sockets and links that lead nowhere stop nothing; the first two are listed', async (t) => {
  const device = await createDevice();
  const at = (name: string): string => join(device.root, name);
  execFileSync('mkfifo', [at('fifo')]);
  const server = createServer().listen(at('socket'));
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  symlinkSync('loop', at('loop'));
  symlinkSync('/nowhere/at/all', at('dangling'));
  writeFileSync(at('file'), 'one');
  const report = await device.scan();
  assert.deepEqual(changes(report), ['new dangling', 'new file', 'new loop']);
  assert.deepEqual(report.problems.map(({ path, code }) => `${code} ${path}`).sort(), [
    'special fifo',
    'special socket',
  ]);
  assert.ok(report.complete);
});

test('a file that becomes a FIFO is not missing, and nobody waits for its other end', async () => {
  const device = await createDevice();
  const path = join(device.root, 'file');
  writeFileSync(path, 'one');
  await settle(device);
  unlinkSync(path);
  execFileSync('mkfifo', [path]);
  const report = await device.scan();
  assert.deepEqual([changes(report), report.missing], [[], []]);
  assert.ok(lstatSync(path).isFIFO());
});

test('folders in a cycle of names, and a tree turned inside out, are moves and no content is read', async () => {
  const device = await createDevice();
  const at = (name: string): string => join(device.root, name);
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(at(name));
    writeFileSync(at(`${name}/in ${name}`), name.repeat(1_000));
  }
  mkdirSync(at('outer/inner'), { recursive: true });
  writeFileSync(at('outer/inner/deep'), 'deep');
  writeFileSync(at('outer/flat'), 'flat');
  await settle(device);
  renameSync(at('a'), at('x'));
  renameSync(at('c'), at('a'));
  renameSync(at('b'), at('c'));
  renameSync(at('x'), at('b'));
  renameSync(at('outer/inner'), at('inner'));
  renameSync(at('outer'), at('inner/outer'));
  const report = await device.scan();
  assert.deepEqual(changes(report), ['moved a', 'moved b', 'moved c', 'moved inner', 'moved inner/outer']);
  assert.deepEqual([report.missing, report.bytesRead], [[], 0]);
});
