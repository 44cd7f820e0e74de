/** What the scanner makes of what users and their programs do. Over the simulated file system, with inodes reused and not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileError } from '../../sim/simulated-names.ts';
import type { Finding, ScanReport } from '../../../client/agent/ports.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { parseNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { randomBytesOf } from '../../core/chunk/random-bytes.ts';
import { type Simulated, createSimulated, root } from './simulated-device.ts';

/** Changes as `change path`, sorted, with the paths of missing nodes as they were. */
async function rescan({ device }: Simulated): Promise<{ changes: string[]; report: ScanReport }> {
  const before = new Map([...device.known.nodes.keys()].map((id) => [id, device.known.path(id)]));
  const report = await device.scan();
  const seen = report.findings.map((finding) => describe(finding, before.get(finding.node.nodeId)));
  return { changes: [...seen, ...report.missing.map((id) => `missing ${before.get(id)}`)].sort(), report };
}

function describe({ change, path }: Finding, before: string | undefined): string {
  return change === 'moved' ? `moved ${before} -> ${path}` : `${change} ${path}`;
}

interface Case {
  readonly what: string;
  readonly plant: (user: Simulated) => void;
  readonly act: (user: Simulated) => void;
  readonly changes: readonly string[];
}

const cases: readonly Case[] = [
  {
    what: 'nothing done, nothing found',
    plant: (user) => user.write('a', 'one'),
    act: () => undefined,
    changes: [],
  },
  {
    what: 'a file edited in place',
    plant: (user) => user.write('a', 'one'),
    act: (user) => user.write('a', 'two'),
    changes: ['changed a'],
  },
  {
    what: 'a file written again with the same bytes is only touched',
    plant: (user) => user.write('a', 'one'),
    act: (user) => user.write('a', 'one'),
    changes: ['touched a'],
  },
  {
    what: 'the executable bit',
    plant: (user) => user.write('a', 'one'),
    act: (user) => user.fs.setMode(`${root}/a`, 0o111),
    changes: ['changed a'],
  },
  {
    what: 'atomic save: written beside, renamed over',
    plant: (user) => user.write('a', 'one'),
    act: (user) => {
      user.write('a.tmp', 'two');
      user.move('a.tmp', 'a');
    },
    changes: ['changed a'],
  },
  {
    what: 'atomic save that keeps a backup: the name keeps the node',
    plant: (user) => user.write('a', 'one'),
    act: (user) => {
      user.move('a', 'a~');
      user.write('a', 'two');
    },
    changes: ['changed a', 'new a~'],
  },
  {
    what: 'a rename',
    plant: (user) => user.write('a', 'one'),
    act: (user) => user.move('a', 'b'),
    changes: ['moved a -> b'],
  },
  {
    what: 'L9: a rename that changes the case only',
    plant: (user) => user.write('Readme', 'one'),
    act: (user) => user.move('Readme', 'README'),
    changes: ['moved Readme -> README'],
  },
  {
    what: 'a swap',
    plant: (user) => {
      user.write('a', 'one');
      user.write('b', 'two');
    },
    act: (user) => {
      user.move('a', 'c');
      user.move('b', 'a');
      user.move('c', 'b');
    },
    changes: ['moved a -> b', 'moved b -> a'],
  },
  {
    what: 'one file moved over another: that name changed',
    plant: (user) => {
      user.write('a', 'one');
      user.write('b', 'two');
    },
    act: (user) => user.move('b', 'a'),
    changes: ['changed a', 'missing b'],
  },
  {
    what: 'a folder renamed is one finding',
    plant: (user) => {
      user.mkdir('d');
      user.mkdir('d/e');
      for (let i = 0; i < 50; i++) user.write(`d/e/${i}`, `${i}`);
    },
    act: (user) => user.move('d', 'f'),
    changes: ['moved d -> f'],
  },
  {
    what: 'folders swapped, one moved into the other',
    plant: (user) => {
      for (const name of ['a', 'b', 'c']) {
        user.mkdir(name);
        user.write(`${name}/in ${name}`, name);
      }
    },
    act: (user) => {
      user.move('a', 'x');
      user.move('b', 'a');
      user.move('x', 'b');
      user.move('c', 'b/c');
    },
    changes: ['moved a -> b', 'moved b -> a', 'moved c -> b/c'],
  },
  {
    what: 'a file moved out of a folder that is removed',
    plant: (user) => {
      user.mkdir('d');
      user.write('d/a', 'one');
      user.write('d/b', 'two');
    },
    act: (user) => {
      user.move('d/a', 'a');
      user.remove('d/b');
      user.fs.removeFolder(`${root}/d`);
    },
    changes: ['missing d', 'missing d/b', 'moved d/a -> a'],
  },
  {
    what: 'copied and deleted: a move by content',
    plant: (user) => {
      user.mkdir('d');
      user.write('a', 'the very same content');
    },
    act: (user) => {
      user.write('d/b', 'the very same content');
      user.remove('a');
    },
    changes: ['moved a -> d/b'],
  },
  {
    what: 'renamed and edited, with chunks in common',
    plant: (user) => user.write('a', randomBytesOf('large', 400_000)),
    act: (user) => {
      user.move('a', 'b');
      const bytes = user.fs.readFile(`${root}/b`);
      bytes[399_000] = bytes[399_000]! ^ 1;
      user.write('b', bytes);
    },
    changes: ['moved a -> b'],
  },
  {
    what: 'deleted, and another made: two nodes',
    plant: (user) => user.write('a', 'one'),
    act: (user) => {
      user.remove('a');
      user.write('b', 'two');
    },
    changes: ['missing a', 'new b'],
  },
  {
    what: 'a file that becomes a folder',
    plant: (user) => user.write('a', 'one'),
    act: (user) => {
      user.remove('a');
      user.mkdir('a');
      user.write('a/x', 'two');
    },
    changes: ['missing a', 'new a', 'new a/x'],
  },
  {
    what: 'links are links',
    plant: (user) => user.fs.makeLink('/etc/passwd', `${root}/l`),
    act: (user) => {
      user.remove('l');
      user.fs.makeLink('elsewhere', `${root}/l`);
      user.fs.makeLink('elsewhere', `${root}/m`);
    },
    changes: ['changed l', 'new m'],
  },
];

for (const reusesInodes of [false, true]) {
  for (const { what, plant, act, changes } of cases) {
    test(`${what}${reusesInodes ? ' (inodes reused)' : ''}`, async () => {
      const user = await createSimulated({ reusesInodes });
      plant(user);
      await user.device.scan();
      act(user);
      const { changes: found, report } = await rescan(user);
      assert.deepEqual(
        { found, complete: report.complete, problems: report.problems },
        {
          found: [...changes],
          complete: true,
          problems: [],
        },
      );
      assert.deepEqual((await rescan(user)).changes, []);
    });
  }
}

test('an unchanged file is not read', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  await user.device.scan();
  user.fs.onCall = (call, path) => assert.ok(call !== 'read' || path.includes('.tidemark'), `read ${path}`);
  const { report } = await rescan(user);
  assert.equal(report.bytesRead, 0);
});

test('a file written in the tick of the scan is read once more, then trusted', async () => {
  let now = 1;
  const user = await createSimulated({ tick: () => now });
  user.write('a', 'one');
  await user.device.scan();
  user.write('a', 'two');
  assert.deepEqual((await rescan(user)).changes, ['changed a'], 'the stat is the very same');
  now = 2;
  assert.deepEqual((await rescan(user)).changes, ['touched a']);
  assert.deepEqual((await rescan(user)).changes, []);
});

test('L4: a folder that cannot be listed proves no absence, below it or anywhere', async () => {
  const user = await createSimulated();
  user.mkdir('d');
  user.write('d/a', 'one');
  user.write('b', 'two');
  await user.device.scan();
  user.remove('b');
  user.fs.onCall = (call, path) => {
    if (call === 'list' && path.endsWith('/d')) throw fileError('EIO', call, path);
  };
  const { changes, report } = await rescan(user);
  assert.deepEqual(changes, []);
  assert.equal(report.complete, false);
  assert.deepEqual(
    report.problems.map(({ path, code }) => ({ path, code })),
    [{ path: 'd', code: 'unreadable' }],
  );
  user.fs.onCall = () => undefined;
  assert.deepEqual((await rescan(user)).changes, ['missing b']);
});

test('L4: a root without its marker is not scanned, nor one that loses it meanwhile', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  await user.device.scan();
  const scan = () => user.device.folder.scan(user.device.known, () => undefined, new AbortController().signal);
  user.fs.rename(`${root}/.tidemark`, '/elsewhere');
  await assert.rejects(scan(), (error) => isTidemarkError(error, 'halted'));
  user.fs.rename('/elsewhere', `${root}/.tidemark`);
  user.fs.onCall = (call, path) => {
    if (call !== 'lstat' || path !== `${root}/a`) return;
    user.fs.onCall = () => undefined;
    user.fs.rename(root, '/unmounted');
    user.fs.makeFolder(root);
  };
  await assert.rejects(scan(), (error) => isTidemarkError(error, 'halted'));
});

test('L8: a file that grows while it is read is busy, and read by the next scan', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  user.fs.onCall = (call, path) => {
    if (call !== 'read' || !path.endsWith('/a')) return;
    user.fs.onCall = () => undefined;
    user.write('a', 'one and more');
  };
  const { changes, report } = await rescan(user);
  assert.deepEqual(changes, []);
  assert.deepEqual(
    report.problems.map(({ path, code }) => ({ path, code })),
    [{ path: 'a', code: 'busy' }],
  );
  assert.deepEqual((await rescan(user)).changes, ['new a']);
});

test('what cannot be synced is listed, is not missing, and does not stop the scan', async () => {
  const user = await createSimulated();
  user.write('pipe', 'once a file');
  user.write('secret', 'one');
  user.write('z', 'last');
  await user.device.scan();
  user.remove('pipe');
  user.fs.makeSpecial(`${root}/pipe`);
  user.write('secret', 'two');
  user.fs.setUnreadableNames(root, 2);
  user.mkdir('.TideMark');
  user.write('z', 'changed');
  user.fs.onCall = (call, path) => {
    if (call === 'openRead' && path.endsWith('secret')) throw fileError('EACCES', call, path);
  };
  const { changes, report } = await rescan(user);
  assert.deepEqual(changes, ['changed z']);
  assert.deepEqual(report.problems.map(({ path, code }) => `${code} ${path}`).sort(), [
    'name ',
    'name .TideMark',
    'special pipe',
    'unreadable secret',
  ]);
  assert.equal(report.complete, true);
});

test('what lies too deep or has too long a path is listed, and the rest is found', async () => {
  const user = await createSimulated();
  const deep = Array.from({ length: limits.treeDepthMax }, () => 'd');
  for (let depth = 1; depth <= deep.length; depth++) user.fs.makeFolder(`${root}/${deep.slice(0, depth).join('/')}`);
  user.write(`${deep.join('/')}/below`, 'below');
  user.write('beside', 'beside');
  const { problems, complete, findings } = await user.device.scan();
  assert.deepEqual(
    problems.map(({ path, code }) => [path, code]),
    [[`${deep.join('/')}/below`, 'name']],
  );
  assert.equal(complete, true, 'it proves no absence of anything else');
  assert.equal(findings.length, deep.length + 1);
});

test('names that differ in case are two on a file system that tells them apart', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  user.write('A', 'two');
  const { changes, report } = await rescan(user);
  assert.deepEqual({ changes, problems: report.problems }, { changes: ['new A', 'new a'], problems: [] });
});

test('on a file system that folds names, a rename in case is a move', async () => {
  const user = await createSimulated({ folds: true });
  user.write('Readme', 'one');
  await user.device.scan();
  user.move('Readme', 'README');
  assert.deepEqual((await rescan(user)).changes, ['moved Readme -> README']);
});

test('a scan stops when asked to', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await assert.rejects(
    user.device.folder.scan(user.device.known, () => undefined, stop.signal),
    /enough/,
  );
});

test('a delivery that fails ends the scan with its error', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  const failing = () => Promise.reject(new Error('the journal is full'));
  const { signal } = new AbortController();
  await assert.rejects(user.device.folder.scan(user.device.known, failing, signal), /the journal is full/);
});

test('a name that cannot be looked at may be a file that was moved: nothing is missing', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  await user.device.scan();
  user.move('a', 'b');
  user.fs.onCall = (call, path) => {
    if (call === 'lstat' && path === `${root}/b`) throw fileError('EIO', call, path);
  };
  const report = await user.device.scan();
  assert.deepEqual([report.complete, report.missing], [false, []]);
});

test('a file that was moved and cannot be read where it is now is not missing', async () => {
  const user = await createSimulated();
  user.write('a', 'one');
  await user.device.scan();
  user.move('a', 'b');
  user.write('b', 'edited');
  user.fs.onCall = (call, path) => {
    if (call === 'openRead' && path.endsWith('/b')) throw fileError('EACCES', call, path);
  };
  const report = await user.device.scan();
  assert.deepEqual(
    report.problems.map(({ code }) => code),
    ['unreadable'],
  );
  assert.deepEqual(report.missing, [], 'its deletion would be told to everybody, and its content to nobody');
});

test('the folder of a file that was moved and cannot be read stays with it, and the next scan misses both', async () => {
  const user = await createSimulated();
  user.mkdir('d');
  user.write('d/a', 'one');
  await user.device.scan();
  const [folder, file] = ['d', 'd/a'].map((path) => user.device.known.at(path)!.nodeId);
  user.move('d/a', 'b');
  user.write('b', 'edited');
  user.fs.removeFolder(`${root}/d`);
  user.fs.onCall = (call, path) => {
    if (call === 'openRead' && path.endsWith('/b')) throw fileError('EACCES', call, path);
  };
  assert.deepEqual((await user.device.scan()).missing, [], 'a file in a folder that is gone would be met by no scan');
  user.fs.onCall = () => undefined;
  const report = await user.device.scan();
  assert.deepEqual(new Set(report.missing), new Set([folder, file]));
});

test('on a file system that folds names, a folder renamed in case is a move, and so is a file that was edited too', async () => {
  const user = await createSimulated({ folds: true });
  user.mkdir('photos');
  user.write('photos/a', 'one');
  user.write('notes', 'old');
  await user.device.scan();
  user.move('photos', 'Photos');
  user.move('notes', 'Notes');
  const { changes } = await rescan(user);
  assert.deepEqual(changes, ['moved notes -> Notes', 'moved photos -> Photos']);
});

test('of two files known under one name, the one whose inode is there stays, and the other is missing', async () => {
  for (const isFirst of [true, false]) {
    const user = await createSimulated();
    user.write('a', 'there');
    await user.device.scan();
    const there = user.device.known.at('a')!;
    const gone = { ...there, nodeId: parseNodeId('7'.repeat(32)), stat: { ...there.stat, ino: 999 } };
    user.device.known.nodes.clear();
    for (const node of isFirst ? [there, gone] : [gone, there]) user.device.known.nodes.set(node.nodeId, node);
    const report = await user.device.scan();
    assert.deepEqual(report.missing, [gone.nodeId]);
    assert.deepEqual(
      report.findings.filter(({ change }) => change !== 'touched'),
      [],
    );
  }
});

test('what a file holds that was moved and cannot be read is told where it is, when another file takes its name', async () => {
  for (const target of ['new', 'known']) {
    const user = await createSimulated();
    user.write('a', 'what must not be lost');
    user.write('known', 'to be replaced');
    await user.device.scan();
    const { content } = user.device.known.at('a')!;
    user.move('a', target);
    user.write('a', 'of an editor that keeps a backup');
    user.fs.onCall = (call, path) => {
      if (call === 'openRead' && path.endsWith(target)) throw fileError('EACCES', call, path);
    };
    const { changes, report } = await rescan(user);
    assert.deepEqual(changes, ['changed a', target === 'new' ? 'new new' : 'changed known']);
    assert.equal(user.device.known.at(target)!.content, content);
    assert.deepEqual(
      report.problems.map(({ path, code }) => [path, code]),
      [[target, 'unreadable']],
    );
    user.fs.onCall = () => undefined;
    assert.deepEqual((await rescan(user)).changes, [`touched ${target}`], 'it is read when it can be');
  }
});

test('of two files that swapped names neither is told while one of them cannot be looked at; an editor’s new file is', async () => {
  const user = await createSimulated();
  for (const name of ['a', 'b', 'edited']) user.write(name, `of ${name}`);
  await user.device.scan();
  user.move('a', 'aside');
  user.move('b', 'a');
  user.move('aside', 'b');
  user.fs.removeFile(`${user.device.root}/edited`);
  user.write('edited', 'saved by an editor under a new inode');
  user.fs.onCall = (call, path) => {
    if (call === 'lstat' && path.endsWith('/b')) throw fileError('EACCES', call, path);
  };
  const { changes } = await rescan(user);
  assert.deepEqual(changes, ['changed edited']);
  user.fs.onCall = () => undefined;
  assert.deepEqual((await rescan(user)).changes.sort(), ['moved a -> b', 'moved b -> a']);
});

test('a file that cannot be read for want of handles, by permission or for a fault of the disk stops no other, and is not missing', async () => {
  for (const [code, problem] of [
    ['EMFILE', 'busy'],
    ['EACCES', 'unreadable'],
    ['EPERM', 'unreadable'],
    ['EIO', 'unreadable'],
  ] as const) {
    const user = await createSimulated();
    for (const name of ['a', 'b']) user.write(name, name);
    await user.device.scan();
    for (const name of ['a', 'b']) user.write(name, `${name} edited`);
    user.fs.onCall = (call, path) => {
      if (call === 'openRead' && path.endsWith('/a')) throw fileError(code, call, path);
    };
    const { changes, report } = await rescan(user);
    assert.deepEqual(changes, ['changed b'], code);
    assert.deepEqual(
      report.problems.map(({ path, code: found }) => [path, found]),
      [['a', problem]],
    );
    user.fs.onCall = () => undefined;
    assert.deepEqual(
      (await rescan(user)).changes.filter((change) => !change.startsWith('touched')),
      ['changed a'],
    );
  }
});

for (const isEdited of [false, true]) {
  test(`what an application renamed before it broke off keeps its node, and what took its name is new${isEdited ? ' (edited too)' : ''}`, async () => {
    const user = await createSimulated({ reusesInodes: true });
    user.write('a', 'one');
    user.write('b', 'two');
    await user.device.scan();
    user.device.known.intended.set(user.device.known.at('a')!.nodeId, 'a (copy)');
    user.device.known.intended.set(user.device.known.at('b')!.nodeId, 'b (copy)');
    if (isEdited) user.write('a', 'edited before it was moved');
    user.move('a', 'a (copy)');
    user.write('a', 'from the workspace');
    user.move('b', 'b~');
    user.write('b', 'of an editor that keeps a backup');
    assert.deepEqual((await rescan(user)).changes, ['changed b', 'moved a -> a (copy)', 'new a', 'new b~']);
    assert.deepEqual((await rescan(user)).changes, []);
  });
}
