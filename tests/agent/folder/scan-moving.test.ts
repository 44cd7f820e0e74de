/** Scans of a folder in which files are moved about at the same time: nothing that is there may be told to be gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileSystem } from '../../../client/agent/file-system.ts';
import type { ScanReport } from '../../../client/agent/ports.ts';
import { fileError } from '../../sim/simulated-names.ts';
import { type Simulated, createSimulated, root } from './simulated-device.ts';

/** Does something once, right before the `nth` call of a kind on a path. */
function before(user: Simulated, call: keyof FileSystem, path: string, act: () => void, nth = 1): void {
  let seen = 0;
  user.fs.onCall = (name, at) => {
    if (name !== call || at !== path || ++seen !== nth) return;
    user.fs.onCall = () => undefined;
    act();
  };
}

function changes({ device }: Simulated, report: ScanReport): string[] {
  return report.findings
    .map(({ change, path }) => `${change} ${path}`)
    .concat(report.missing.map((id) => `missing ${device.known.get(id)?.name}`));
}

test('a file that is moved under the scan to where it was already, and whose name another takes, is not told to be gone', async () => {
  for (const reusesInodes of [false, true]) {
    const user = await createSimulated({ reusesInodes });
    user.write('z', 'precious');
    user.write('other', 'another');
    await user.device.scan();
    const precious = user.device.known.at('z')!.nodeId;
    // The root has been listed, and `other` looked at, when z is.
    before(user, 'lstat', `${root}/z`, () => {
      user.move('z', 'new');
      user.move('other', 'z');
    });
    const report = await user.device.scan();
    assert.deepEqual([report.isSettled, report.missing], [false, []]);
    assert.deepEqual(
      report.problems.map(({ code }) => code),
      ['busy'],
    );
    assert.equal(user.device.known.at('z')?.nodeId, precious, 'its name does not get another content meanwhile');
    const next = await user.device.scan();
    assert.ok(next.isSettled);
    assert.equal(user.device.known.path(precious), 'new');
    assert.deepEqual(next.missing, []);
    assert.deepEqual(changes(user, next).sort(), ['moved new', 'moved z']);
  }
});

test('a file that is moved to where the walk was already, under a new name, is not missing', async () => {
  const user = await createSimulated();
  user.write('b', 'one');
  await user.device.scan();
  before(user, 'lstat', `${root}/b`, () => user.move('b', 'a'));
  assert.deepEqual((await user.device.scan()).missing, []);
  assert.deepEqual(changes(user, await user.device.scan()), ['moved a']);
});

test('a whole folder that is moved under the scan is not missing, nor is anything in it', async () => {
  const user = await createSimulated();
  for (const folder of ['a', 'z', 'z/d', 'z/d/e']) user.mkdir(folder);
  user.write('z/d/e/x', 'one');
  await user.device.scan();
  // Folders are walked last first: z has been walked, and what was in it is not there when its turn comes.
  before(user, 'list', `${root}/z`, () => {
    user.mkdir('a/new');
    user.move('z/d', 'a/new/d');
  });
  for (let scans = 0; scans < 3; scans++) assert.deepEqual((await user.device.scan()).missing, []);
  assert.notEqual(user.device.known.at('a/new/d/e/x'), undefined);
});

test('a file that was moved and moves again before it is read is told before its old name gets another content', async () => {
  const user = await createSimulated();
  user.write('d', 'precious');
  await user.device.scan();
  user.move('d', 'n');
  user.write('d', 'another');
  // The walk has seen all of it; n goes on to another name before it is read.
  before(user, 'openRead', `${root}/n`, () => user.move('n', 'm'));
  const report = await user.device.scan();
  assert.equal(report.isSettled, false);
  assert.deepEqual(changes(user, report), []);
  assert.deepEqual(changes(user, await user.device.scan()).sort(), ['changed d', 'new m']);
});

test('deletions are told though another folder changes all the time', async () => {
  const user = await createSimulated();
  user.mkdir('busy');
  user.write('busy/log', 'one');
  user.write('gone', 'two');
  await user.device.scan();
  user.remove('gone');
  let writes = 0;
  user.fs.onCall = (call, path) => {
    if (call !== 'list' || path !== `${root}/busy` || writes >= 3) return;
    user.fs.onCall = (
      (hook) => (name, at) =>
        hook(name, at)
    )(user.fs.onCall);
    user.write(`busy/log.${writes++}`, 'rotated');
  };
  const report = await user.device.scan();
  assert.deepEqual([report.isSettled, report.missing.length, writes], [true, 1, 3]);
});

/** Something is made in `busy` whenever it is listed. */
function keepBusy(user: Simulated): void {
  let writes = 0;
  user.fs.onCall = (call, path) => {
    if (call === 'list' && path === `${root}/busy`) user.write(`busy/${++writes}`, 'more');
  };
}

test('a folder that never comes to rest proves no absence in it, says so, and ends the scan', async () => {
  const user = await createSimulated();
  user.mkdir('busy');
  for (const path of ['busy/gone', 'busy/replaced']) user.write(path, path);
  await user.device.scan();
  user.remove('busy/gone');
  user.remove('busy/replaced');
  user.write('busy/replaced', 'another');
  const gone = user.device.known.at('busy/gone')!.nodeId;
  keepBusy(user);
  const report = await user.device.scan();
  assert.deepEqual([report.isSettled, report.missing], [false, []]);
  assert.ok(!changes(user, report).includes('changed busy/replaced'));
  assert.deepEqual(
    report.problems.map(({ path, code }) => [path, code]),
    [['busy', 'busy']],
  );
  user.fs.onCall = () => undefined;
  const next = await user.device.scan();
  assert.deepEqual(next.missing, [gone]);
  assert.ok(changes(user, next).includes('changed busy/replaced'));
});

test('a folder that never comes to rest keeps deletions and saved files of others from nobody', async () => {
  const user = await createSimulated();
  user.mkdir('busy');
  for (const path of ['gone', 'saved', 'busy/log']) user.write(path, path);
  await user.device.scan();
  user.remove('gone');
  user.remove('saved');
  user.write('saved', 'as editors do, by another file of this name');
  const gone = user.device.known.at('gone')!.nodeId;
  keepBusy(user);
  let rotations = 0;
  const { onCall } = user.fs;
  user.fs.onCall = (call, path) => {
    onCall(call, path);
    if (call !== 'list' || path !== `${root}/busy` || rotations > 2) return;
    user.move('busy/log', `busy/log.${++rotations}`);
    user.move(`busy/log.${rotations}`, 'busy/log');
  };
  const report = await user.device.scan();
  assert.deepEqual([report.isSettled, report.missing], [false, [gone]]);
  assert.ok(changes(user, report).includes('changed saved'));
  assert.equal(rotations, 3);
});

test('what is moved into or out of a folder that never comes to rest is never told to be gone', async () => {
  for (const [from, to] of [
    ['a/z', 'busy/z'],
    ['busy/z', 'a/z'],
    ['a/z', 'z'],
  ] as const) {
    // The walk comes to `busy` before `a`.
    for (const at of ['busy', 'a'] as const) {
      for (let nth = 1; nth <= 9; nth++) {
        const user = await createSimulated();
        for (const folder of ['busy', 'a']) user.mkdir(folder);
        for (const path of [from, 'gone']) user.write(path, path);
        await user.device.scan();
        user.remove('gone');
        const moved = user.device.known.at(from)!.nodeId;
        keepBusy(user);
        const { onCall } = user.fs;
        let seen = 0;
        user.fs.onCall = (call, path) => {
          if (call === 'list' && path === `${root}/${at}` && ++seen === nth) user.move(from, to);
          onCall(call, path);
        };
        const { missing } = await user.device.scan();
        assert.ok(!missing.includes(moved), `${from} to ${to}, ${at} ${nth}`);
      }
    }
  }
});

test('on a clock too coarse to show it, a move under the scan is seen by listing twice', async () => {
  let now = 1;
  const user = await createSimulated({ tick: () => now });
  user.write('b', 'one');
  now = 2;
  await user.device.scan();
  now = 3;
  user.write('a', 'makes the folder one of this tick');
  before(user, 'lstat', `${root}/b`, () => user.move('b', 'c'));
  assert.deepEqual((await user.device.scan()).missing, []);
  const next = await user.device.scan();
  assert.deepEqual(next.findings.map(({ change, path }) => `${change} ${path}`).includes('moved c'), true);
});

test('a deletion in the very tick of the scan is told by it', async () => {
  const user = await createSimulated({ tick: () => 7 });
  user.write('a', 'one');
  await user.device.scan();
  user.remove('a');
  const report = await user.device.scan();
  assert.deepEqual([report.isSettled, report.missing.length], [true, 1]);
});

test('one of two names of a file is deleted: that name is missing, the other is not', async () => {
  const user = await createSimulated({ reusesInodes: true });
  user.write('a', 'one');
  await user.device.scan();
  user.remove('a');
  user.write('b', 'another, with the inode of the first');
  const report = await user.device.scan();
  assert.deepEqual([report.isSettled, report.missing.length], [true, 1]);
});

test('a disk too full for the probe of its clock is scanned all the same', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  user.write('b', 'two');
  await user.device.scan();
  user.remove('a');
  user.write('b', 'changed');
  user.fs.onCall = (call, path) => {
    if (call === 'openNew') throw fileError('ENOSPC', call, path);
  };
  const report = await user.device.scan();
  assert.deepEqual([report.isSettled, report.missing.length], [true, 1]);
  assert.deepEqual(
    report.findings.map(({ change, path }) => `${change} ${path}`),
    ['changed b'],
  );
});
