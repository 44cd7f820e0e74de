/** Names that a disk cannot hold, or holds under another one: they stay in the workspace, are listed, and stop nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNodeId } from '../../../shared/core/ids.ts';
import { isWindowsReserved } from '../../../shared/core/paths/name.ts';
import type { FileSystem } from '../../../client/agent/file-system.ts';
import { withMappedNames } from '../../../client/agent/folder/mapped-file-system.ts';
import type { ApplyAction, ApplyResult } from '../../../client/agent/ports.ts';
import { fileError } from '../../sim/simulated-names.ts';
import { SimulatedFileSystem } from '../../sim/simulated-file-system.ts';
import { Device } from './device.ts';
import { createSimulated, root, userOf } from './simulated-device.ts';

/** What Windows does not hold: device names, forbidden characters, names that end with a dot or space. */
const windowsNames = ['CON', 'nul.txt', 'a:b', 'notes.', 'end ', 'what?', 'back\\slash', 'tab\t', 'COM1'];
/** What every disk of the tests holds as it is, and nobody may change. */
const oddNames = [
  'bell\u0007',
  'right\u202eto left',
  'Grüße',
  'Gru\u0308ße',
  '-rf',
  '~',
  'x'.repeat(255),
  'é'.repeat(127),
  'line\nbreak',
  ' ',
  'a\\b',
  '%41',
  '‱43ON',
];

/** A server with a file of each name, in a folder of each name, and the actions that make them elsewhere. */
async function createAuthor(names: readonly string[]) {
  const author = await createSimulated();
  for (const name of names) {
    if (name.length < 100) author.mkdir(`in ${name}`);
    author.write(name, `content of ${name}`);
  }
  await author.device.scan();
  await author.device.upload();
  return { server: author.device.server, actions: author.device.actionsToCopy(), author };
}

/** A disk as Windows has it: reserved names are refused, or stand for something else. */
function createWindowsDisk(): SimulatedFileSystem & Pick<FileSystem, 'takesName'> {
  const fs = new SimulatedFileSystem({ folds: true });
  fs.onCall = (call, path) => {
    const name = path.split('/').at(-1) ?? '';
    if (isWindowsReserved(name) && call !== 'flush' && name !== '.') throw fileError('EINVAL', call, path);
  };
  return Object.assign(fs, { takesName: (name: string) => !isWindowsReserved(name) });
}

function outcomes(actions: readonly ApplyAction[], results: readonly ApplyResult[]): Record<string, string> {
  return Object.fromEntries(results.map((result, i) => [actions[i]!.path, result.done ? 'done' : result.problem.code]));
}

test('control characters, right-to-left override, Unicode forms, 255 bytes: names go to another device as they are', async () => {
  const { server, actions } = await createAuthor(oddNames);
  const other = await createSimulated({}, server);
  const results = await other.device.apply(actions);
  assert.deepEqual(new Set(Object.values(outcomes(actions, results))), new Set(['done']));
  for (const name of oddNames) assert.equal(other.read(name), `content of ${name}`);
});

test('names that Windows reserves stay on the server where it is the disk, and the rest is written', async () => {
  const { server, actions } = await createAuthor([...windowsNames, 'plain.txt']);
  const fs = createWindowsDisk();
  fs.makeFolder(root);
  const device = new Device(fs, root, { server });
  await device.open();
  const inside: ApplyAction = { kind: 'make-folder', nodeId: parseNodeId('7'.repeat(32)), path: 'CON/inside' };
  const results = await device.apply([...actions, inside]);
  const byPath = outcomes([...actions, inside], results);
  for (const name of windowsNames) assert.equal(byPath[name], 'name', name);
  assert.deepEqual([byPath['plain.txt'], byPath['in nul.txt'], byPath['CON/inside']], ['done', 'done', 'name']);
  assert.equal(fs.lstat(`${root}/notes`), undefined, 'no file under a name that lost its dot');
});

test('mapped, the same names lie on that disk under escaped ones, and come back as they were', async () => {
  const { server, actions, author } = await createAuthor([...windowsNames, '5‱', 'plain.txt']);
  const disk = createWindowsDisk();
  disk.makeFolder(root);
  const fs = withMappedNames(disk, root);
  const device = new Device(fs, root, { server });
  await device.open();
  const results = await device.apply(actions);
  assert.deepEqual(new Set(Object.values(outcomes(actions, results))), new Set(['done']));
  assert.ok(disk.list(root).names.includes('‱43ON'));
  assert.ok(disk.list(root).names.includes('plain.txt'));
  device.adopt(results, author.device.known);
  const report = await device.scan();
  assert.deepEqual(
    [report.findings.filter(({ change }) => change !== 'touched'), report.missing, report.problems],
    [[], [], []],
  );
  // What the user does to them there is told under the true names.
  const user = userOf(disk);
  user.write('‱43ON', 'edited');
  user.move('notes‱2E', 'moved‱2E');
  disk.removeFile(`${root}/a‱3Ab`);
  const next = await device.scan();
  assert.deepEqual(next.findings.map(({ change, path }) => `${change} ${path}`).sort(), [
    'changed CON',
    'moved moved.',
  ]);
  assert.equal(next.missing.length, 1);
});

test('mapped, a name on the disk that is the escape of none is listed, and stops nothing', async () => {
  const disk = new SimulatedFileSystem();
  disk.makeFolder(root);
  const device = new Device(withMappedNames(disk, root), root);
  await device.open();
  const user = userOf(disk);
  user.write('‱', 'mine');
  user.write('a:b', 'mine');
  user.write('plain', 'mine');
  const report = await device.scan();
  assert.deepEqual(
    report.findings.map(({ path }) => path),
    ['plain'],
  );
  assert.deepEqual(
    report.problems.map(({ code, detail }) => [code, detail.startsWith('2 names')]),
    [['name', true]],
  );
});

test('two names that a disk takes for one: the first is written, the other is listed as an alias, in either order', async () => {
  for (const pair of [
    ['Readme', 'README'],
    ['Gr\u00fc\u00dfe', 'Gru\u0308\u00dfe'],
  ]) {
    const { server, actions } = await createAuthor(pair);
    const files = actions.filter(({ kind }) => kind === 'write-file');
    for (const ordered of [files, files.toReversed()]) {
      const other = await createSimulated({ folds: true }, server);
      assert.deepEqual(Object.values(outcomes(ordered, await other.device.apply(ordered))), ['done', 'alias']);
      assert.equal(other.read(ordered[0]!.path), `content of ${ordered[0]!.path}`);
    }
  }
});

test('a name that is too long for the disk stays on the server', async () => {
  const { server, actions } = await createAuthor(['long', 'short']);
  const other = await createSimulated({}, server);
  other.fs.onCall = (call, path) => {
    if (path.endsWith('/long') && call !== 'flush') throw fileError('ENAMETOOLONG', call, path);
  };
  const files = actions.filter(({ kind }) => kind === 'write-file');
  assert.deepEqual(outcomes(files, await other.device.apply(files)), { long: 'name', short: 'done' });
  assert.deepEqual(other.fs.list(`${root}/.tidemark/tmp`).names, []);
});

test('links are left out where the folder says so: not told, not made, and none that is synced is missing', async () => {
  const fs = new SimulatedFileSystem();
  fs.makeFolder(root);
  const before = new Device(fs, root);
  await before.open();
  fs.makeLink('target', `${root}/synced`);
  fs.makeLink('target', `${root}/removed`);
  await before.scan();
  fs.makeLink('target', `${root}/new`);
  fs.removeFile(`${root}/removed`);
  fs.removeFile(`${root}/synced`);
  fs.makeLink('elsewhere', `${root}/synced`);
  const device = new Device(fs, root, { symlinks: 'skip' });
  await device.open();
  for (const node of before.known.nodes.values()) device.known.nodes.set(node.nodeId, node);
  const report = await device.scan();
  assert.deepEqual([report.findings, report.missing, report.isSettled], [[], [], true]);
  assert.deepEqual(
    report.problems.map(({ path, code }) => [path, code]),
    [['new', 'special']],
  );
  const link: ApplyAction = {
    kind: 'make-symlink',
    nodeId: parseNodeId('7'.repeat(32)),
    path: 'theirs',
    target: 't',
    expected: null,
  };
  const folder: ApplyAction = { kind: 'make-folder', nodeId: parseNodeId('8'.repeat(32)), path: 'folder' };
  assert.deepEqual(outcomes([link, folder], await device.apply([link, folder])), { theirs: 'special', folder: 'done' });
  assert.equal(fs.lstat(`${root}/theirs`), undefined);
});
