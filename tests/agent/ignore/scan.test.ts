/** Rules of ignoring on a synced folder of a simulated disk. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rootNodeId } from '../../../shared/core/ids.ts';
import { ruleLimits } from '../../../client/agent/ignore/rules.ts';
import { pathsOf } from '../folder/device.ts';
import { type Simulated, createSimulated, root } from '../folder/simulated-device.ts';

async function withFiles(files: Readonly<Record<string, string>>): Promise<Simulated> {
  const user = await createSimulated();
  add(user, files);
  return user;
}

function add(user: Simulated, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      const folder = names.slice(0, depth).join('/');
      if (user.fs.lstat(`${root}/${folder}`) === undefined) user.mkdir(folder);
    }
    if (!path.endsWith('/')) user.write(path, text);
  }
}

async function findNew(user: Simulated): Promise<string[]> {
  return pathsOf((await user.device.scan()).findings, 'new');
}

describe('a scan', () => {
  it('leaves out what is ignored, and does not look into ignored folders', async () => {
    const user = await withFiles({
      '.tideignore': '*.o\nbuild/\n!keep.o\n',
      'a.o': '',
      'keep.o': '',
      'a.c': '',
      'build/x': '',
      'd/build/y': '',
      'd/b.c': '',
    });
    const listed: string[] = [];
    const list = user.fs.list.bind(user.fs);
    user.fs.list = (folder) => {
      listed.push(folder);
      return list(folder);
    };
    assert.deepEqual(await findNew(user), ['.tideignore', 'a.c', 'd', 'd/b.c', 'keep.o']);
    assert.ok(!listed.some((folder) => folder.endsWith('build')), listed.join());
  });

  it('takes rules of subfolders, which go before those above', async () => {
    const user = await withFiles({
      '.tideignore': '*.log',
      'd/.tideignore': '!wanted.log\n/local\n',
      'd/wanted.log': '',
      'd/other.log': '',
      'd/local': '',
      local: '',
    });
    assert.deepEqual(await findNew(user), ['.tideignore', 'd', 'd/.tideignore', 'd/wanted.log', 'local']);
  });

  it('keeps synced what is synced, whatever rules come, where it is and where it is moved', async () => {
    const user = await withFiles({ 'a.o': 'a', 'build/b': 'b' });
    await user.device.scan();
    user.write('.tideignore', '*.o\nbuild/\n*.tmp');
    user.write('a.o', 'edited');
    user.write('build/new', '');
    user.write('new.o', '');
    const report = await user.device.scan();
    assert.deepEqual(report.findings.map(({ path, change }) => `${change} ${path}`).sort(), [
      'changed a.o',
      'new .tideignore',
    ]);
    assert.deepEqual(report.missing, []);
    user.move('build/b', 'b.tmp');
    const moved = await user.device.scan();
    assert.deepEqual(pathsOf(moved.findings, 'moved'), ['b.tmp']);
    assert.deepEqual(moved.missing, []);
  });

  it('syncs what is not ignored any more', async () => {
    const user = await withFiles({ '.tideignore': 'x', x: '' });
    assert.deepEqual(await findNew(user), ['.tideignore']);
    user.write('.tideignore', '');
    assert.deepEqual(await findNew(user), ['x']);
  });

  it('drops what nobody was told of when a rule comes to match it', async () => {
    const user = await withFiles({ 'node_modules/x/1': '', a: '' });
    await user.device.scan();
    const { known } = user.device;
    for (const nodeId of known.nodes.keys()) known.untracked.add(nodeId);
    user.write('.tideignore', 'node_modules/');
    const report = await user.device.scan();
    assert.deepEqual(pathsOf(report.findings, 'new'), ['.tideignore']);
    const paths = [...known.nodes.keys()].map((id) => known.path(id) ?? '');
    assert.deepEqual(new Set(paths), new Set(['.tideignore', 'a']));
    for (const nodeId of report.missing) assert.ok(known.untracked.has(nodeId), 'nothing that is synced is missing');
  });

  it('does not ignore what the workspace has at the place', async () => {
    const user = await withFiles({ '.tideignore': '*', 'd/x': '', y: '' });
    const { known } = user.device;
    const id = (name: string) => [...known.nodes.values()].find((node) => node.name === name)?.nodeId;
    user.write('.tideignore', '');
    await user.device.scan();
    const [d, x] = [id('d')!, id('x')!];
    known.nodes.clear();
    known.workspace.set(`${rootNodeId}/d`, d);
    known.workspace.set(`${d}/x`, x);
    user.write('.tideignore', '*');
    assert.deepEqual(await findNew(user), ['d', 'd/x']);
  });

  it('ignores a new folder with nothing but ignored things in it, and no empty one', async () => {
    const user = await withFiles({
      '.tideignore': '*.o',
      'only/a.o': '',
      'only/deep/b.o': '',
      'own/.tideignore': '*.x',
      'own/a.x': '',
      'mixed/a.o': '',
      'mixed/a.c': '',
      'empty/': '',
    });
    user.mkdir('none');
    assert.deepEqual(await findNew(user), ['.tideignore', 'empty', 'mixed', 'mixed/a.c', 'none']);
    user.write('only/deep/c', '');
    assert.deepEqual(await findNew(user), ['only', 'only/deep', 'only/deep/c']);
  });

  it('takes nothing new from a folder whose rules cannot be taken, and says so', async () => {
    const user = await withFiles({ 'd/known': 'x', e: '' });
    await user.device.scan();
    add(user, { 'd/.tideignore': 'a'.repeat(ruleLimits.patternCharactersMax + 1), 'd/new': '', new: '' });
    user.write('d/known', 'edited');
    const report = await user.device.scan();
    assert.deepEqual(report.findings.map(({ path }) => path).sort(), ['d/known', 'new']);
    assert.deepEqual(
      report.problems.map(({ path, code }) => `${code} ${path}`),
      ['rules d/.tideignore'],
    );
    assert.deepEqual(report.missing, []);
    user.write('d/.tideignore', '');
    assert.deepEqual(await findNew(user), ['d/.tideignore', 'd/new']);
  });

  it('never lets a rule address the control folder', async () => {
    const user = await withFiles({ '.tideignore': '!.tidemark\n!.tidemark/**\n', a: '' });
    assert.deepEqual(await findNew(user), ['.tideignore', 'a']);
  });

  it('counts a synced file that was put where something excluded belongs as being where it was', async () => {
    const user = await withFiles({ doc: 'doc', other: 'other' });
    await user.device.scan();
    user.device.known.unselected.add(`${rootNodeId}/out`);
    user.mkdir('out');
    user.move('doc', 'out/doc');
    user.write('out/mine', 'mine');
    const report = await user.device.scan();
    assert.deepEqual(report.missing, []);
    assert.deepEqual(pathsOf(report.findings, 'new'), []);
    assert.deepEqual(
      report.problems.map(({ path, code }) => `${code} ${path}`),
      ['excluded out'],
    );
  });
});

it('does not follow a link that lies where something excluded belongs', async () => {
  const user = await withFiles({ a: 'a', 'd/b': 'b' });
  await user.device.scan();
  user.device.known.unselected.add(`${rootNodeId}/out`);
  user.fs.makeLink('/', `${root}/out`);
  const listed: string[] = [];
  const list = user.fs.list.bind(user.fs);
  user.fs.list = (folder) => {
    listed.push(folder);
    return list(folder);
  };
  const report = await user.device.scan();
  assert.deepEqual(
    report.problems.map(({ path, code }) => `${code} ${path}`),
    ['excluded out'],
  );
  assert.ok(!listed.some((folder) => folder.includes('out')), listed.join());
});

describe('a folder that is removed elsewhere', () => {
  it('stays here for what is ignored in it, with its rules, and is not new afterwards', async () => {
    const user = await withFiles({ 'd/.tideignore': '*.o', 'd/a.c': 'c', 'd/e/b.c': 'c', 'd/e/b.o': 'o' });
    await user.device.scan();
    const { known } = user.device;
    const remove = (path: string) => {
      const node = known.at(path)!;
      return node.kind === 'folder'
        ? { kind: 'remove-folder' as const, nodeId: node.nodeId, path }
        : { kind: 'remove-file' as const, nodeId: node.nodeId, path, expected: node.stat };
    };
    await user.device.scan();
    const results = await user.device.apply(['d/a.c', 'd/e/b.c', 'd/e', 'd/.tideignore', 'd'].map(remove));
    assert.ok(
      results.every(({ done }) => done),
      JSON.stringify(results),
    );
    known.nodes.clear();
    assert.equal(user.read('d/e/b.o'), 'o');
    assert.deepEqual(await findNew(user), []);
    user.write('d/new.c', '');
    assert.deepEqual(await findNew(user), ['d', 'd/.tideignore', 'd/new.c']);
  });

  it('stays here, and is a problem, for what is new in it', async () => {
    const user = await withFiles({ 'd/a': 'a' });
    await user.device.scan();
    const [d, a] = [user.device.known.at('d')!, user.device.known.at('d/a')!];
    user.write('d/new', 'new');
    const results = await user.device.apply([
      { kind: 'remove-file', nodeId: a.nodeId, path: 'd/a', expected: a.stat },
      { kind: 'remove-folder', nodeId: d.nodeId, path: 'd' },
    ]);
    const [, last] = results;
    assert.ok(last !== undefined && !last.done);
    assert.match(last.problem.detail, /not synced/);
  });
});
