/** The agent in consistency-first workspaces: what met what its author had not seen is settled here, and committed on the newest state. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ConflictPolicy } from '../../../shared/core/wire/workspace.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

const copy = (name: string, by: string, number = '') => `${name} (conflicted copy of ${by} 2026-11-22${number}).txt`;

/** Two devices of a workspace with a folder and a file in it, both synced. */
async function pair(policy: ConflictPolicy = 'copy'): Promise<readonly [EngineDevice, EngineDevice]> {
  const world = await EngineWorld.create({ mode: 'shared', policy });
  const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
  a.folder.mkdir('d');
  a.folder.write('d/plan.txt', 'one\ntwo\nthree\n');
  await settle(a, b);
  return [a, b];
}

describe('a consistency-first workspace', () => {
  it('`copy`: the file of the later device becomes a copy, within one sync, and is known as a conflict', async () => {
    const [a, b] = await pair();
    a.folder.write('d/plan.txt', 'by a');
    b.folder.write('d/plan.txt', 'by b');
    await a.sync();
    const report = await b.sync();
    assert.deepEqual([report.conflicts, report.upToDate, report.problems], [1, true, []]);
    const tree = { d: 'dir', [`d/${copy('plan', 'phone')}`]: 'by b', 'd/plan.txt': 'by a' };
    assert.deepEqual(await settle(a, b), tree);
    assert.deepEqual(
      b.journal.conflicts.list().map(({ name }) => name),
      [copy('plan', 'phone')],
    );
  });

  it('`latest`: the later commit stands, and no copy is made', async () => {
    const [a, b] = await pair('latest');
    a.folder.write('d/plan.txt', 'by a');
    b.folder.write('d/plan.txt', 'by b');
    await a.sync();
    assert.equal((await b.sync()).conflicts, 0);
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/plan.txt': 'by b' });
  });

  it('`merge`: both edits in one file; a copy where they do not fit together', async () => {
    const [a, b] = await pair('merge');
    a.folder.write('d/plan.txt', 'ONE\ntwo\nthree\n');
    b.folder.write('d/plan.txt', 'one\ntwo\nTHREE\n');
    await a.sync();
    assert.equal((await b.sync()).merged, 1);
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/plan.txt': 'ONE\ntwo\nTHREE\n' });
    a.folder.write('d/plan.txt', 'by a');
    b.folder.write('d/plan.txt', 'by b');
    await a.sync();
    assert.equal((await b.sync()).conflicts, 1);
    const tree = { d: 'dir', [`d/${copy('plan', 'phone')}`]: 'by b', 'd/plan.txt': 'by a' };
    assert.deepEqual(await settle(a, b), tree);
  });

  it('two moves of one file: the one that was committed stands', async () => {
    const [a, b] = await pair();
    a.folder.move('d/plan.txt', 'left.txt');
    b.folder.move('d/plan.txt', 'right.txt');
    await a.sync();
    await b.sync();
    assert.deepEqual(await settle(a, b), { d: 'dir', 'left.txt': 'one\ntwo\nthree\n' });
  });

  it('one name for two new files, and for a new file and a moved one: who comes later steps aside', async () => {
    const [a, b] = await pair();
    a.folder.write('new.txt', 'of a');
    b.folder.write('new.txt', 'of b');
    a.folder.write('other.txt', 'of a');
    b.folder.move('d/plan.txt', 'other.txt');
    b.folder.mkdir('folder.txt');
    b.folder.write('folder.txt/in', 'it');
    a.folder.write('folder.txt', 'no folder');
    await a.sync();
    await b.sync();
    assert.deepEqual(await settle(a, b), {
      d: 'dir',
      [copy('folder', 'phone')]: 'dir',
      [`${copy('folder', 'phone')}/in`]: 'it',
      'folder.txt': 'no folder',
      [copy('new', 'phone')]: 'of b',
      'new.txt': 'of a',
      [copy('other', 'phone')]: 'one\ntwo\nthree\n',
      'other.txt': 'of a',
    });
  });

  it('an edit and a delete, and a deleted folder with something new in it: nothing is lost', async () => {
    const [a, b] = await pair();
    a.folder.remove('d');
    b.folder.write('d/plan.txt', 'edited');
    b.folder.write('d/new.txt', 'new');
    await a.sync();
    await b.sync();
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/new.txt': 'new', 'd/plan.txt': 'edited' });
  });

  it('keeps both edits at a crash at every single step', async () => {
    for (let n = 0; ; n++) {
      const [a, b] = await pair();
      a.folder.write('d/plan.txt', 'by a');
      b.folder.write('d/plan.txt', 'by b');
      await a.sync();
      const crashed = await b.crashAt(n);
      const files = Object.entries(await settle(a, b)).filter(([, text]) => text !== 'dir');
      assert.deepEqual(files.map(([, text]) => text).sort(), ['by a', 'by b'], `after a crash at step ${n}`);
      assert.ok(
        files.some(([path, text]) => path === 'd/plan.txt' && text === 'by a'),
        `after a crash at step ${n}`,
      );
      if (crashed) continue;
      assert.ok(n > 10, `${n} steps`);
      return;
    }
  });

  it('keeps a file that is edited while it is to step aside', async () => {
    const [a, b] = await pair();
    a.folder.write('d/plan.txt', 'by a');
    b.folder.write('d/plan.txt', 'by b');
    await a.sync();
    const apply = b.folder.apply.bind(b.folder);
    b.folder.apply = async (actions) => {
      b.folder.apply = apply;
      b.folder.write('d/plan.txt', 'by b, and more', { atomic: true });
      return apply(actions);
    };
    await b.sync();
    assert.deepEqual(await settle(a, b), {
      d: 'dir',
      [`d/${copy('plan', 'phone')}`]: 'by b, and more',
      'd/plan.txt': 'by a',
    });
  });

  for (const policy of ['copy', 'latest', 'merge'] as const) {
    it(`\`${policy}\`: many devices that edit, move, delete and make the same files come together, whoever syncs when`, async () => {
      const act = fc.record({
        device: fc.nat(3),
        kind: fc.constantFrom('write', 'move', 'remove', 'sync', 'sync'),
        file: fc.constantFrom('p', 'q', 'r'),
        to: fc.constantFrom('p', 'q', 'd/r', 's'),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 30 }), async (acts) => {
          const world = await EngineWorld.create({ mode: 'shared', policy });
          const devices = await world.devices('w', 'x', 'y', 'z');
          for (const name of ['p', 'q', 'r']) devices[0]!.folder.write(name, `${name} of the beginning`);
          devices[0]!.folder.mkdir('d');
          await settle(...devices);
          const written = new Set<string>();
          const overwritten = new Set<string>();
          for (const [i, { device, kind, file, to }] of acts.entries()) {
            const { folder } = devices[device]!;
            const before = folder.text(file);
            if (kind === 'sync') await devices[device]!.sync();
            if (kind === 'write') folder.write(file, `${i}`);
            if (kind === 'write') written.add(`${i}`);
            if (kind === 'move' && before !== undefined && folder.items.has('d') && !folder.items.has(to))
              folder.move(file, to);
            if (kind === 'remove') folder.remove(file);
            if ((kind === 'write' || kind === 'remove') && before !== undefined) overwritten.add(before);
          }
          const left = new Set(Object.values(await settle(...devices)));
          for (const text of written) {
            // `latest` lets go of the earlier of two edits, and history keeps it.
            assert.ok(policy === 'latest' || overwritten.has(text) || left.has(text), `"${text}" is lost`);
          }
        }),
        { numRuns: 6 },
      );
    });
  }
});

describe('a device that is overtaken again and again', () => {
  it('waits longer and longer, for a random while, and gets through', async () => {
    const [a, b] = await pair('latest');
    let overtaken = 0;
    const waits: number[] = [];
    const { api } = b;
    b.sleep = async (ms) => void waits.push(ms);
    b.api = {
      ...api,
      commit: async (...given) => {
        if (overtaken < 20) {
          overtaken++;
          a.folder.write('d/plan.txt', `by a, ${overtaken}`);
          await a.sync();
        }
        return api.commit(...given);
      },
    };
    b.folder.write('d/plan.txt', 'by b');
    assert.ok((await b.sync()).upToDate);
    assert.equal(waits.length, 18);
    for (const [i, ms] of waits.entries()) {
      const most = Math.min(2_000, 50 * 2 ** i);
      assert.ok(ms >= most / 2 && ms <= most, `${i}: ${ms}`);
    }
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/plan.txt': 'by b' });
  });

  it('gives up in the end, loses nothing, and says what to do', async () => {
    const [a, b] = await pair('latest');
    const { api } = b;
    let n = 0;
    b.api = {
      ...api,
      commit: async (...given) => {
        a.folder.write('d/plan.txt', `by a, ${n++}`);
        await a.sync();
        return api.commit(...given);
      },
    };
    b.folder.write('d/plan.txt', 'by b');
    await assert.rejects(b.sync(), { code: 'busy' });
    assert.equal(b.folder.text('d/plan.txt'), 'by b');
    b.api = api;
    assert.deepEqual(await settle(a, b), { d: 'dir', 'd/plan.txt': 'by b' });
  });
});
