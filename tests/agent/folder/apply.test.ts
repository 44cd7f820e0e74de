/** Applying changes of others: nothing unexpected is touched, and at every crash point each path has whole content. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boolean, sample } from 'fast-check';
import { equalBytes } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type NodeId, parseNodeId } from '../../../shared/core/ids.ts';
import type { ApplyAction, ApplyResult } from '../../../client/agent/ports.ts';
import type { StatMark } from '../../../client/agent/model.ts';
import { toStatMark } from '../../../client/agent/folder/stat-mark.ts';
import { parkedPath } from '../../../client/agent/folder/control-folder.ts';
import { fileError } from '../../sim/simulated-names.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { Device, pathsOf } from './device.ts';
import { type Simulated, createSimulated, root } from './simulated-device.ts';

/** A device whose server has these files, and the write actions for them. */
async function createAuthor(files: Readonly<Record<string, string | Uint8Array>>) {
  const author = await createSimulated();
  for (const [path, text] of Object.entries(files)) author.write(path, text);
  await author.device.scan();
  await author.device.upload();
  const action = (source: string, path: string, expected: StatMark | null): ApplyAction & { kind: 'write-file' } => {
    const node = author.device.known.at(source)!;
    const { size, mode } = node.stat;
    return {
      kind: 'write-file',
      nodeId: node.nodeId,
      path,
      content: node.content!,
      size,
      mode,
      mtimeMs: 5_000,
      expected,
    };
  };
  return { author, action, server: author.device.server };
}

function nodeAt(user: Simulated, path: string): { nodeId: NodeId; stat: StatMark } {
  const node = user.device.known.at(path);
  assert.ok(node !== undefined, `${path} is known`);
  return node;
}

function outcomes(results: readonly ApplyResult[]): string[] {
  return results.map((result) => (result.done ? 'done' : result.problem.code));
}

test('content comes with its mode and time, and the next scan finds nothing', async () => {
  const { action, server } = await createAuthor({ a: 'one', b: randomBytesOf('b', 200_000) });
  const user = await createSimulated({}, server);
  const results = await user.device.apply([
    action('a', 'x', null),
    action('b', 'y', null),
    { ...action('a', 'z', null), mode: 0o111 },
  ]);
  assert.deepEqual(outcomes(results), ['done', 'done', 'done']);
  assert.equal(user.read('x'), 'one');
  assert.deepEqual(user.fs.readFile(`${root}/y`), randomBytesOf('b', 200_000));
  const { mode, mtimeMs } = user.fs.lstat(`${root}/z`)!;
  assert.deepEqual({ mode, mtimeMs }, { mode: 0o111, mtimeMs: 5_000 });
  assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, []);
});

test('whatever is not as expected is left alone', async () => {
  const { action, server } = await createAuthor({ a: 'theirs' });
  const user = await createSimulated({}, server);
  for (const name of ['edited', 'removed', 'kept']) user.write(name, `mine: ${name}`);
  user.mkdir('folder');
  await user.device.scan();
  const marks = Object.fromEntries(['edited', 'removed', 'kept'].map((name) => [name, nodeAt(user, name)]));
  user.write('edited', 'mine, edited');
  user.write('appeared', 'mine, new');
  const { nodeId, stat } = marks['edited']!;
  const kept = marks['kept']!;
  const results = await user.device.apply([
    action('a', 'edited', stat),
    action('a', 'appeared', null),
    action('a', 'folder', null),
    { kind: 'remove-file', nodeId, path: 'edited', expected: stat },
    { kind: 'set-mode', nodeId, path: 'edited', mode: 0o111, expected: stat },
    { kind: 'move', nodeId: kept.nodeId, what: 'file', from: 'kept', path: 'appeared', expected: kept.stat },
    { kind: 'move', nodeId: kept.nodeId, what: 'file', from: 'edited', path: 'free', expected: kept.stat },
    { kind: 'make-folder', nodeId, path: 'edited' },
    { kind: 'make-symlink', nodeId, path: 'edited', target: 'x', expected: null },
    { kind: 'remove-folder', nodeId, path: 'edited' },
    { kind: 'remove-file', nodeId: kept.nodeId, path: 'kept', expected: kept.stat },
  ]);
  assert.deepEqual(outcomes(results), [...Array<string>(10).fill('blocked'), 'done']);
  assert.equal(user.read('edited'), 'mine, edited');
  assert.equal(user.read('appeared'), 'mine, new');
  assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, []);
});

test('an own move, then an own write, of one file in one plan', async () => {
  const { action, server } = await createAuthor({ a: 'theirs' });
  const user = await createSimulated({}, server);
  user.write('a', 'mine');
  await user.device.scan();
  const { nodeId, stat } = nodeAt(user, 'a');
  const results = await user.device.apply([
    { kind: 'move', nodeId, what: 'file', from: 'a', path: 'b', expected: stat },
    { kind: 'set-mode', nodeId, path: 'b', mode: 0o111, expected: stat },
    action('a', 'b', stat),
  ]);
  assert.deepEqual(outcomes(results), ['done', 'done', 'done']);
  assert.equal(user.read('b'), 'theirs');
});

test('an edit that nobody has noticed moves along with its file, and the next scan finds it', async () => {
  const user = await createSimulated();
  user.write('a', 'old');
  await user.device.scan();
  await user.device.scan();
  const { nodeId, stat } = nodeAt(user, 'a');
  user.write('a', 'new, unnoticed');
  const [result] = await user.device.apply([
    { kind: 'move', nodeId, what: 'file', from: 'a', path: 'b', expected: stat },
  ]);
  assert.ok(result?.done && result.stat !== null);
  assert.equal(result.stat.size, 'old'.length, 'the size is that of the content which is known');
  user.device.known.nodes.set(nodeId, { ...user.device.known.get(nodeId)!, name: 'b', stat: result.stat });
  assert.deepEqual(pathsOf((await user.device.scan()).findings, 'changed'), ['b']);
});

test('an edit in the moment between putting a file in place and looking at it is found by the next scan', async () => {
  const { action, server } = await createAuthor({ a: 'theirs' });
  const user = await createSimulated({}, server);
  let isInPlace = false;
  user.fs.onCall = (call, path) => {
    if (call === 'rename') isInPlace = true;
    if (!isInPlace || call !== 'lstat' || path !== `${root}/x`) return;
    user.fs.onCall = () => undefined;
    user.write('x', 'mine');
  };
  const [result] = await user.device.apply([action('a', 'x', null)]);
  assert.ok(result?.done && result.stat !== null);
  assert.equal(user.read('x'), 'mine');
  assert.notDeepEqual(result.stat, toStatMark(user.fs.lstat(`${root}/x`)!));
});

test('a folder that got the inode of a removed file is not moved in its place', async () => {
  const user = await createSimulated({ reusesInodes: true });
  user.write('a', 'one');
  await user.device.scan();
  const { nodeId, stat } = nodeAt(user, 'a');
  user.remove('a');
  user.fs.flushAll(root);
  user.write('other', '');
  user.remove('other');
  user.mkdir('a');
  assert.equal(user.fs.lstat(`${root}/a`)!.ino, stat.ino);
  const results = await user.device.apply([
    { kind: 'move', nodeId, what: 'file', from: 'a', path: 'b', expected: stat },
  ]);
  assert.deepEqual(outcomes(results), ['blocked']);
});

test('a file given the very time that it is on a coarse clock is read once more, since an edit could leave the same', async () => {
  const { action, server } = await createAuthor({ a: 'theirs' });
  const user = await createSimulated({ tick: () => 5_000 }, server);
  const [result] = await user.device.apply([action('a', 'x', null)]);
  assert.ok(result?.done && result.stat !== null);
  assert.notEqual(result.stat.ctimeMs, user.fs.lstat(`${root}/x`)!.ctimeMs);
});

test('a folder whose name differs in case only from one that is there is not taken for it', async () => {
  const user = await createSimulated({ folds: true });
  user.mkdir('Photos');
  const nodeId = parseNodeId('7'.repeat(32));
  const results = await user.device.apply([
    { kind: 'make-folder', nodeId, path: 'photos' },
    { kind: 'make-folder', nodeId, path: 'Photos' },
  ]);
  assert.deepEqual(outcomes(results), ['alias', 'done']);
});

test('a swap goes through the parking place, and a crash on the way loses nothing', async () => {
  for (const [stopBefore, names] of [
    [9, ['a', 'b']],
    [1, ['a', 'b']],
  ] as const) {
    const user = await createSimulated();
    user.write('a', 'one');
    user.write('b', 'two');
    await user.device.scan();
    const [a, b] = [nodeAt(user, 'a'), nodeAt(user, 'b')];
    const parked = parkedPath(a.nodeId);
    const actions: ApplyAction[] = [
      { kind: 'move', nodeId: a.nodeId, what: 'file', from: 'a', path: parked, expected: a.stat },
      { kind: 'move', nodeId: b.nodeId, what: 'file', from: 'b', path: 'a', expected: b.stat },
      { kind: 'move', nodeId: a.nodeId, what: 'file', from: parked, path: 'b', expected: a.stat },
    ];
    const results = await user.device.apply(actions.slice(0, stopBefore));
    assert.ok(results.every((result) => result.done));
    await user.device.folder.open();
    const report = await user.device.scan();
    assert.deepEqual(report.missing, []);
    assert.deepEqual([...user.fs.list(root).names].filter((name) => name !== '.tidemark').sort(), names);
    assert.deepEqual([user.read('a'), user.read('b')].sort(), ['one', 'two']);
  }
});

test('L17: a folder goes only when it is empty, whatever is in it', async () => {
  const user = await createSimulated();
  user.mkdir('d');
  user.write('d/a', 'one');
  await user.device.scan();
  const [d, a] = [nodeAt(user, 'd'), nodeAt(user, 'd/a')];
  user.write('d/unsynced', 'mine');
  const results = await user.device.apply([
    { kind: 'remove-file', nodeId: a.nodeId, path: 'd/a', expected: a.stat },
    { kind: 'remove-folder', nodeId: d.nodeId, path: 'd' },
  ]);
  assert.deepEqual(outcomes(results), ['done', 'blocked']);
  assert.equal(user.read('d/unsynced'), 'mine');
});

test('L7: a full disk pauses: no path changes, no temp file stays, and only what fits is still written', async () => {
  const { action, server } = await createAuthor({ a: 'small', b: randomBytesOf('b', 100_000), c: 'also small' });
  const user = await createSimulated({ capacityBytes: 50_000 }, server);
  user.write('b', 'mine');
  await user.device.scan();
  const freeBytes = user.fs.freeBytes.bind(user.fs);
  for (const [freeAsSeen, rest] of [
    [() => Number.MAX_SAFE_INTEGER, 'full'],
    [freeBytes, 'done'],
  ] as const) {
    user.fs.freeBytes = freeAsSeen;
    const results = await user.device.apply([action('b', 'b', nodeAt(user, 'b').stat), action('c', 'c', null)]);
    assert.deepEqual(outcomes(results), ['full', rest]);
    assert.equal(user.read('b'), 'mine');
    assert.equal(user.fs.lstat(`${root}/c`) === undefined, rest === 'full');
    assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, []);
  }
});

test('L7: a disk found full only by the flush pauses too', async () => {
  const { action, server } = await createAuthor({ a: 'one', b: 'two' });
  const user = await createSimulated({}, server);
  user.fs.onCall = (call, path) => {
    if (call === 'flush') throw fileError('ENOSPC', call, path);
  };
  const folder: ApplyAction = { kind: 'make-folder', nodeId: parseNodeId('d'.repeat(32)), path: 'd' };
  assert.deepEqual(outcomes(await user.device.apply([folder, action('a', 'd/a', null), folder])), [
    'done',
    'full',
    'full',
  ]);
  assert.deepEqual(user.fs.list(`${root}/d`).names, []);
  assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, []);
});

test('a flush that fails once makes nothing count as done, and is not repeated', async () => {
  const { action, server } = await createAuthor({ a: 'theirs' });
  const user = await createSimulated({}, server);
  let flushes = 0;
  user.fs.onCall = (call, path) => {
    if (call === 'flush' && ++flushes === 1) throw fileError('EIO', call, path);
  };
  assert.deepEqual(outcomes(await user.device.apply([action('a', 'a', null)])), ['unreadable']);
  assert.equal(flushes, 1);
  assert.equal(user.fs.lstat(`${root}/a`), undefined);
  user.fs.onCall = (call, path) => {
    if (call === 'flushFolder') throw fileError('EIO', call, path);
  };
  assert.deepEqual(outcomes(await user.device.apply([action('a', 'a', null)])), ['unreadable']);
});

test('what was done before the server failed is reported as done', async () => {
  const { action, server } = await createAuthor({ a: 'one', b: randomBytesOf('large', 70_000_000) });
  const user = await createSimulated({}, server);
  server.onGet = (bytes) => {
    if (bytes.length > 1_000_000) throw new TidemarkError('unavailable', 'no network');
    return bytes;
  };
  const results = await user.device.apply([action('a', 'a', null), action('b', 'b', null)]);
  assert.deepEqual(outcomes(results), ['done', 'busy']);
  await assert.rejects(user.device.apply([action('b', 'b', null)]), /no network/);
  assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, []);
});

class PowerCut extends Error {}

/** Applies, with a power cut before call `at`; true when it came through first. */
async function applyUntil(user: Simulated, actions: readonly ApplyAction[], at: number, survives: () => boolean) {
  let calls = 0;
  let isCut = false;
  user.fs.onCall = () => {
    if (++calls >= at) {
      isCut = true;
      throw new PowerCut('power cut');
    }
  };
  const results = await user.device.apply(actions).catch((error: unknown) => {
    if (!(error instanceof PowerCut)) throw error;
    return undefined;
  });
  user.fs.onCall = () => undefined;
  if (isCut) user.fs.cut(survives);
  return results;
}

test('L1, I17: cut at any call, each path has its whole old or its whole new content', async () => {
  const newB = randomBytesOf('new b', 40_000);
  const { action, server } = await createAuthor({ a: 'new a', b: newB, c: 'new c' });
  const setUp = async () => {
    const user = await createSimulated({}, server);
    user.write('a', 'old a');
    user.write('b', 'old b');
    user.mkdir('d');
    user.write('d/gone', 'old');
    await user.device.scan();
    user.fs.flushAll(root);
    const [a, b, gone] = ['a', 'b', 'd/gone'].map((path) => nodeAt(user, path)) as [StatNode, StatNode, StatNode];
    const actions: ApplyAction[] = [
      { kind: 'make-folder', nodeId: parseNodeId('e'.repeat(32)), path: 'new' },
      action('a', 'a', a.stat),
      { kind: 'move', nodeId: b.nodeId, what: 'file', from: 'b', path: 'new/b', expected: b.stat },
      action('b', 'new/b', b.stat),
      action('c', 'd/c', null),
      { kind: 'remove-file', nodeId: gone.nodeId, path: 'd/gone', expected: gone.stat },
    ];
    return { user, actions };
  };
  /** What may be seen, the last being what is there in the end. */
  const allowed: Readonly<Record<string, readonly string[]>> = {
    a: ['old a', 'new a'],
    b: ['old b', 'nothing'],
    'new/b': ['nothing', 'old b', 'new b'],
    'd/c': ['nothing', 'new c'],
    'd/gone': ['old', 'nothing'],
  };
  const contentOf = (user: Simulated, path: string): string => {
    if (user.fs.lstat(`${root}/${path}`) === undefined) return 'nothing';
    const bytes = user.fs.readFile(`${root}/${path}`);
    return equalBytes(bytes, newB) ? 'new b' : String.fromCharCode(...bytes.subarray(0, 100));
  };
  let isThrough = false;
  for (let at = 1; !isThrough; at++) {
    const { user, actions } = await setUp();
    const random = sample(boolean(), { seed: at, numRuns: 200 });
    let next = 0;
    const survives = at % 2 === 0 ? () => false : () => random[next++ % random.length]!;
    const results = await applyUntil(user, actions, at, survives);
    isThrough = results !== undefined;
    if (isThrough) user.fs.cut(() => false);
    for (const [path, contents] of Object.entries(allowed)) {
      const found = contentOf(user, path);
      assert.ok(contents.includes(found), `cut before call ${at}: ${path} holds ${found}`);
      if (isThrough) assert.equal(found, contents.at(-1), path);
    }
    await new Device(user.fs, root, { server }).open();
    assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, []);
  }
});

type StatNode = ReturnType<typeof nodeAt>;

test('what belongs into a folder that this disk takes for another one is not put into that one', async () => {
  const { action, server } = await createAuthor({ a: 'one', b: randomBytesOf('b', 100_000) });
  const user = await createSimulated({ folds: true }, server);
  user.mkdir('Photos');
  user.write('README', 'mine');
  const results = await user.device.apply([
    { kind: 'make-folder', nodeId: parseNodeId('7'.repeat(32)), path: 'photos' },
    { kind: 'make-folder', nodeId: parseNodeId('8'.repeat(32)), path: 'photos/deep' },
    action('a', 'photos/deep/a', null),
    action('b', 'photos/b', null),
    action('a', 'readme', null),
    action('a', 'other', null),
  ]);
  assert.deepEqual(outcomes(results), ['alias', 'alias', 'alias', 'alias', 'alias', 'done']);
  assert.deepEqual(user.fs.list(`${root}/Photos`).names, []);
  assert.equal(user.read('README'), 'mine');
});

test('a disk that is read-only, has no handles left or fails for one file stops only that file', async () => {
  for (const [code, problem] of [
    ['EROFS', 'unreadable'],
    ['EMFILE', 'busy'],
    ['EIO', 'unreadable'],
    ['EXDEV', 'blocked'],
    ['ENAMETOOLONG', 'name'],
    ['EACCES', 'unreadable'],
  ] as const) {
    for (const call of ['rename', 'openNew'] as const) {
      const { action, server } = await createAuthor({ a: 'one', b: 'two' });
      const user = await createSimulated({}, server);
      let failures = 0;
      user.fs.onCall = (name, path) => {
        if (name === call && ++failures === 1) throw fileError(code, name, path);
      };
      const results = await user.device.apply([action('a', 'a', null), action('b', 'b', null)]);
      assert.deepEqual(outcomes(results), [problem, 'done'], `${code} at ${call}`);
      assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, [], 'no temp file stays');
      const [failed] = results;
      assert.ok(failed?.done === false && failed.problem.path === 'a' && failed.problem.detail.includes(code));
    }
  }
});

test('of a batch that does not fit into the disk what fits is written, and it is said how much is lacking', async () => {
  const sizes = { a: 30_000, b: 90_000, c: 40_000, d: 21_000 };
  const files = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, randomBytesOf(name, size)]));
  const { action, server } = await createAuthor(files);
  const user = await createSimulated({ capacityBytes: 101_000 }, server);
  user.write('old', randomBytesOf('old', 10_000));
  await user.device.scan();
  const old = nodeAt(user, 'old');
  const free = user.fs.freeBytes();
  const results = await user.device.apply([
    ...Object.keys(sizes).map((name) => action(name, name, null)),
    { kind: 'remove-file', nodeId: old.nodeId, path: 'old', expected: old.stat },
  ]);
  assert.deepEqual(outcomes(results), ['done', 'full', 'done', 'full', 'done']);
  const [, b, , d] = results;
  assert.ok(b?.done === false && b.problem.detail.startsWith(`the disk lacks ${90_000 - (free - 30_000)} bytes`));
  assert.ok(d?.done === false && d.problem.detail.startsWith(`the disk lacks ${21_000 - (free - 70_000)} bytes`));
  assert.deepEqual(user.fs.list(`${root}/.tidemark/tmp`).names, []);
  assert.equal(user.fs.lstat(`${root}/old`), undefined, 'a deletion makes room, so it does not wait for any');
});
