/** Settling conflict copies: what becomes of the files, that nothing is lost at a crash at any step, and that no copy goes by itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { listOpenConflicts, listSettledConflicts } from '../../../client/agent/conflicts/list-conflicts.ts';
import { type Keep, type Refusal, resolveConflict } from '../../../client/agent/conflicts/resolve-conflicts.ts';
import { conflictName, parseConflictName } from '../../../shared/core/paths/conflict-name.ts';
import { Crash } from './memory-folder.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

const copyName = 'plan (conflicted copy of phone 2026-11-22).txt';

/** Two devices on which an edit of one is a conflict copy. */
async function conflict(): Promise<readonly [EngineDevice, EngineDevice]> {
  const world = await EngineWorld.create();
  const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
  a.folder.mkdir('d');
  a.folder.write('d/plan.txt', 'draft');
  await settle(a, b);
  a.folder.write('d/plan.txt', 'by a');
  b.folder.write('d/plan.txt', 'by b');
  await settle(a, b);
  return [a, b];
}

/** Settles the one conflict of a device. */
async function resolve({ journal, folder }: EngineDevice, keep: Keep): Promise<Refusal | null> {
  const [open, ...others] = listOpenConflicts(journal);
  assert.ok(open !== undefined && others.length === 0);
  return resolveConflict({ journal, folder, signal: new AbortController().signal }, open, keep);
}

const plain = 'd/plan (phone 2026-11-22).txt';

describe('conflict copies', () => {
  it('are known on every device with their originals, also after a rename of the original', async () => {
    const [a, b] = await conflict();
    a.folder.move('d/plan.txt', 'd/final.txt');
    await settle(a, b);
    for (const { journal } of [a, b]) {
      const [open] = listOpenConflicts(journal);
      assert.deepEqual(
        [open!.copyPath, open!.name.deviceName, open!.name.date],
        [`d/${copyName}`, 'phone', '2026-11-22'],
      );
    }
    assert.equal(listOpenConflicts(b.journal)[0]!.originalPath, 'd/final.txt', 'its own device knows the node');
    assert.equal(listOpenConflicts(a.journal)[0]!.originalPath, null, 'another knows the name');
  });

  it('that somebody renamed or deleted are settled', async () => {
    const [a, b] = await conflict();
    b.folder.move(`d/${copyName}`, 'd/mine.txt');
    await settle(a, b);
    const settled = () =>
      listSettledConflicts(b.journal).map(({ state, copyName: name, copyPath }) => [state, name, copyPath]);
    assert.deepEqual(settled(), [['renamed', copyName, 'd/mine.txt']]);
    b.folder.remove('d/mine.txt');
    await settle(a, b);
    assert.deepEqual(settled(), [['deleted', copyName, null]]);
    assert.deepEqual(listOpenConflicts(b.journal), []);
  });

  const expected: Readonly<Record<Keep, Record<string, string>>> = {
    local: { d: 'dir', 'd/plan.txt': 'by b' },
    remote: { d: 'dir', 'd/plan.txt': 'by a' },
    both: { d: 'dir', [plain]: 'by b', 'd/plan.txt': 'by a' },
  };
  for (const keep of ['local', 'remote', 'both'] as const) {
    it(`--keep ${keep}, on either device`, async () => {
      for (const which of [0, 1] as const) {
        const pair = await conflict();
        assert.equal(await resolve(pair[which], keep), null);
        assert.deepEqual(await settle(...pair), expected[keep]);
      }
    });

    it(`--keep ${keep}: at a crash at any step nothing is lost, and doing it again ends it`, async () => {
      for (let n = 0; ; n++) {
        const pair = await conflict();
        const [a] = pair;
        a.crash.left = n;
        const crashed = await resolve(a, keep).then(
          () => false,
          (error: unknown) => error instanceof Crash || Promise.reject(error),
        );
        a.crash.left = null;
        const between = Object.values(await settle(...pair));
        assert.ok(between.includes('by b') || keep === 'remote', `after a crash at step ${n}`);
        assert.ok(between.includes('by a') || keep === 'local', `after a crash at step ${n}`);
        if (listOpenConflicts(a.journal).length > 0) assert.equal(await resolve(a, keep), null);
        assert.deepEqual(await settle(...pair), expected[keep]);
        if (!crashed) return;
      }
    });
  }

  it('with something that is not synced are left as they are', async () => {
    const [a] = await conflict();
    a.folder.write('d/plan.txt', 'by a, and more');
    const engine = await a.engine();
    await engine.look(new AbortController().signal);
    for (const keep of ['local', 'remote', 'both'] as const) assert.equal(await resolve(a, keep), 'not-synced');
    assert.equal(a.folder.text('d/plan.txt'), 'by a, and more');
  });

  it('that change in the very moment are left as they are', async () => {
    const [a, b] = await conflict();
    a.folder.write('d/plan.txt', 'by a, and more');
    a.folder.write(`d/${copyName}`, 'by b, and more');
    for (const keep of ['local', 'remote'] as const) assert.equal(await resolve(a, keep), 'busy');
    assert.deepEqual(await settle(a, b), {
      d: 'dir',
      [`d/${copyName}`]: 'by b, and more',
      'd/plan.txt': 'by a, and more',
    });
  });

  it('are never deleted when they are the only version: local gives them the name', async () => {
    const [a, b] = await conflict();
    a.folder.remove('d/plan.txt');
    await settle(a, b);
    assert.equal(await resolve(a, 'remote'), 'only-version');
    assert.equal(await resolve(a, 'local'), null);
    assert.deepEqual(await settle(a, b), expected.local);
  });

  it('stay, however many there are: none goes by itself (syncthing#2604)', async () => {
    const [a, b] = await conflict();
    const [texts, count] = [new Set<string>(), 12];
    for (let i = 0; i < count; i++) {
      for (const device of [a, b]) device.folder.write('d/plan.txt', `${i} by ${device === a ? 'a' : 'b'}`);
      texts.add(`${i} by b`);
      await a.sync();
      await b.sync();
    }
    const left = new Set(Object.values(await settle(a, b)));
    for (const text of texts) assert.ok(left.has(text), text);
    for (const { journal } of [a, b]) assert.equal(listOpenConflicts(journal).length, count + 1);
  });
});

describe('the name of a conflict copy', () => {
  it('tells what it was made of', () => {
    const part = fc.stringMatching(/^[a-zä )(.-]{0,12}$/);
    fc.assert(
      fc.property(
        part,
        fc.constantFrom('', '.txt', '.tar.gz', '.x)'),
        fc.nat({ max: 2 ** 42 }),
        fc.integer({ min: 1, max: 99 }),
        (stem, extension, ms, n) => {
          const name = `a${stem}b${extension}`;
          const device = "Ann's (old) laptop";
          const parsed = parseConflictName(conflictName(name, device, ms, n));
          assert.deepEqual(parsed, {
            original: name,
            deviceName: device,
            date: new Date(ms).toISOString().slice(0, 10),
          });
        },
      ),
    );
    for (const name of [
      'plan.txt',
      'a (conflicted copy of).txt',
      'a (phone 2026-11-22).txt',
      'a (conflicted copy of b).txt',
    ]) {
      assert.equal(parseConflictName(name), undefined);
    }
  });
});
