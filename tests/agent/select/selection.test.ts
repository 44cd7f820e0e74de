/**
 * Selective sync on devices with real engines and journals: nothing ever goes from the server or from another device because of it,
 * whatever happens and wherever it breaks off; and what is selected converges.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { exclude, include, listExcluded, mustFindNode } from '../../../client/agent/select/choose.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type EngineDevice, EngineWorld } from '../engine/world.ts';

const never = new AbortController().signal;

/** As the command does: looks first. Returns what stands in the way, if anything does. */
async function tryExclude(device: EngineDevice, path: string): Promise<string | undefined> {
  await (await device.engine()).dryRun(never, { massDeletionAllowed: true });
  try {
    exclude(device.journal, mustFindNode(device.journal, path), path);
    return undefined;
  } catch (error) {
    if (!isTidemarkError(error, 'conflict') && !isTidemarkError(error, 'not-found')) throw error;
    return error.code;
  }
}

function includeAll({ journal }: EngineDevice): void {
  for (const path of listExcluded(journal)) {
    try {
      include(journal, mustFindNode(journal, path), path);
    } catch (error) {
      // In a folder that is excluded too, and comes later in the list only if it is not above.
      if (!isTidemarkError(error, 'conflict')) throw error;
    }
  }
}

/** Syncs until nobody has anything to do. Unlike `settle`, leftovers at excluded places may be listed. */
async function rest(...devices: readonly EngineDevice[]): Promise<void> {
  for (let round = 0; ; round++) {
    let done = 0;
    for (const device of devices) {
      const report = await device.sync({ massDeletionAllowed: true });
      done += report.operations + report.applied;
      const others = report.problems.filter(({ code }) => code !== 'excluded');
      assert.deepEqual(others, []);
    }
    if (done === 0) break;
    assert.ok(round < 8, 'the devices do not come to rest');
  }
  const marks = [];
  for (const device of devices) marks.push((await (await device.engine()).status()).marks);
  for (const { local, synced, remote } of marks) {
    assert.equal(local, remote);
    assert.equal(synced, remote);
    assert.equal(remote, marks[0]!.remote);
  }
}

type TextTree = Readonly<Record<string, string>>;

function without(tree: TextTree, excluded: readonly string[]): TextTree {
  const isOut = (path: string): boolean => excluded.some((top) => path === top || path.startsWith(`${top}/`));
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !isOut(path)));
}

async function twoDevices(paths: readonly string[]): Promise<readonly [EngineDevice, EngineDevice]> {
  const world = await EngineWorld.create();
  const [a, b] = await world.devices('laptop', 'phone');
  for (const path of paths) {
    if (path.endsWith('/')) a!.folder.mkdir(path.slice(0, -1));
    else a!.folder.write(path, path);
  }
  await rest(a!, b!);
  return [a!, b!];
}

describe('what is excluded', () => {
  it('L15: leaves this disk and no other, and the marks stay equal; included, it comes back', async () => {
    const [a, b] = await twoDevices(['d/', 'd/1', 'd/e/', 'd/e/2', '3']);
    assert.equal(await tryExclude(a, 'd'), undefined);
    await rest(a, b);
    assert.deepEqual(a.tree(), { '3': '3' });
    assert.equal(Object.keys(b.tree()).length, 5);
    assert.deepEqual(listExcluded(a.journal), ['d']);
    assert.equal((await (await a.engine()).status()).excluded, 1);
    include(a.journal, mustFindNode(a.journal, 'd'), 'd');
    await rest(a, b);
    assert.deepEqual(a.tree(), b.tree());
  });

  it('never was here, if it is excluded before the first sync', async () => {
    const [a] = await twoDevices(['d/', 'd/1', '2']);
    const c = await a.world.device('tablet');
    assert.equal(await tryExclude(c, 'd'), undefined);
    await rest(a, c);
    assert.deepEqual(c.tree(), { '2': '2' });
    assert.equal(c.folder.bytesFetched, 1);
  });

  it('follows what others do in it without touching the disk', async () => {
    const [a, b] = await twoDevices(['d/', 'd/1', 'd/2', '3']);
    await tryExclude(a, 'd');
    await rest(a, b);
    b.folder.write('d/1', 'changed');
    b.folder.remove('d/2');
    b.folder.write('d/4', 'new');
    b.folder.move('d', 'elsewhere');
    await rest(b, a);
    assert.deepEqual(a.tree(), { '3': '3' });
    assert.deepEqual(listExcluded(a.journal), ['elsewhere']);
  });

  it('comes here when others move it out, and goes when they move it in', async () => {
    const [a, b] = await twoDevices(['d/', 'd/e/', 'd/e/1', 'f/', 'f/2']);
    await tryExclude(a, 'd');
    await rest(a, b);
    b.folder.move('d/e', 'e');
    b.folder.move('f', 'd/f');
    await rest(b, a);
    assert.deepEqual(a.tree(), { e: 'dir', 'e/1': 'd/e/1' });
    assert.equal(b.tree()['d/f/2'], 'f/2');
  });

  it('stays where others moved it in while it was changed here, until that is told', async () => {
    const [a, b] = await twoDevices(['d/', 'd/1', 'f']);
    await tryExclude(a, 'd');
    await rest(a, b);
    b.folder.move('f', 'd/f');
    await b.sync();
    a.folder.write('f', 'by a');
    await rest(a, b);
    assert.equal(b.tree()['d/f'], 'by a');
    assert.deepEqual(a.tree(), {});
  });

  it('is not deleted with a folder around it', async () => {
    const [a, b] = await twoDevices(['p/', 'p/x/', 'p/x/1', 'p/2', '3']);
    await tryExclude(a, 'p/x');
    await rest(a, b);
    a.folder.remove('p');
    await rest(a, b);
    assert.deepEqual(b.tree(), { '3': '3', p: 'dir', 'p/x': 'dir', 'p/x/1': 'p/x/1' });
    assert.deepEqual(a.tree(), { '3': '3', p: 'dir' });
  });

  it('is refused while something in it is not synced, with its name', async () => {
    const [a, b] = await twoDevices(['d/', 'd/1']);
    a.folder.write('d/new', 'mine');
    assert.equal(await tryExclude(a, 'd'), 'conflict');
    await rest(a, b);
    assert.equal(await tryExclude(a, 'd'), undefined);
  });

  it('keeps what the user puts in its place, here and unsynced', async () => {
    const [a, b] = await twoDevices(['d/', 'd/1', 'f', 'doc']);
    await tryExclude(a, 'd');
    await tryExclude(a, 'f');
    await rest(a, b);
    a.folder.mkdir('d');
    a.folder.write('d/mine', 'mine');
    a.folder.write('f', 'other');
    a.folder.move('doc', 'd/doc');
    const { problems } = await a.sync();
    assert.deepEqual(problems.map(({ path, code }) => `${code} ${path}`).sort(), ['excluded d', 'excluded f']);
    await rest(a, b);
    assert.deepEqual(a.tree(), { d: 'dir', 'd/doc': 'doc', 'd/mine': 'mine', f: 'other' });
    assert.deepEqual(b.tree(), { d: 'dir', 'd/1': 'd/1', doc: 'doc', f: 'f' });
  });

  it('keeps its name against a file that was made where others moved it at that moment', async () => {
    for (const mode of ['personal', 'shared'] as const) {
      for (const text of ['another', 'what is excluded']) {
        const world = await EngineWorld.create({ mode });
        const [a, b] = (await world.devices('laptop', 'phone')) as [EngineDevice, EngineDevice];
        a.folder.write('d', 'what is excluded');
        await rest(a, b);
        await tryExclude(a, 'd');
        await rest(a, b);
        a.folder.write('e', text);
        const { api } = a;
        a.api = {
          ...api,
          commit: async (...given) => {
            a.api = api;
            b.folder.move('d', 'e');
            await b.sync();
            return api.commit(...given);
          },
        };
        assert.ok((await a.sync()).upToDate, `${mode}: ${text}`);
        await rest(a, b);
        const copy = 'e (conflicted copy of laptop 2026-11-22)';
        assert.deepEqual(a.tree(), text === 'another' ? { [copy]: text } : {});
        assert.deepEqual(b.tree(), { e: 'what is excluded', ...a.tree() });
      }
    }
  });

  it('is not deleted by a user who was quicker to remove it here', async () => {
    const [a, b] = await twoDevices(['d/', 'd/1', 'd/2', '3']);
    await tryExclude(a, 'd');
    a.folder.remove('d/1');
    await rest(a, b);
    assert.deepEqual(a.tree(), { '3': '3' });
    assert.deepEqual(b.tree(), { '3': '3', d: 'dir', 'd/1': 'd/1', 'd/2': 'd/2' });
  });

  it('is told apart from the brake on mass deletion', async () => {
    const many = Array.from({ length: 20 }, (_, i) => `d/${i}`);
    const [a, b] = await twoDevices(['d/', ...many, '1']);
    await tryExclude(a, 'd');
    const report = await a.sync();
    assert.ok(report.upToDate);
    assert.equal(report.files, 1);
    await rest(a, b);
    assert.equal(Object.keys(b.tree()).length, 22);
  });

  it('L15: survives a crash at every single step', async () => {
    const tree = { '4': '4', d: 'dir', 'd/1': 'd/1', 'd/2': 'd/2', 'd/e': 'dir', 'd/e/3': 'd/e/3' };
    for (let n = 0; ; n++) {
      const [a, b] = await twoDevices(['d/', 'd/1', 'd/2', 'd/e/', 'd/e/3', '4']);
      await tryExclude(a, 'd');
      const crashed = await a.crashAt(n);
      if (n % 2 === 0) b.folder.write('d/5', 'meanwhile');
      await rest(a, b);
      assert.deepEqual(a.tree(), { '4': '4' });
      assert.deepEqual(b.tree(), n % 2 === 0 ? { ...tree, 'd/5': 'meanwhile' } : tree);
      if (!crashed) {
        assert.ok(n > 6, `${n} steps`);
        return;
      }
    }
  });
});

const names = ['a', 'b', 'd/a', 'd/b', 'e/a', 'd/e/a', 'd', 'e', 'd/e'] as const;
const name = fc.constantFrom(...names);
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('write', 'mkdir'), path: name, to: name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('move', 'remove'), path: name, to: name }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('exclude', 'include', 'sync'), path: name, to: name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash'), path: name, to: name }) },
);
const script = fc.array(fc.record({ who: fc.nat(1), act, at: fc.nat(10) }), { maxLength: 24 });

class Story {
  readonly devices: readonly EngineDevice[];
  /** Texts that somebody wrote, and nobody overwrote or removed where he saw it. */
  readonly texts = new Set<string>();
  #written = 0;

  constructor(devices: readonly EngineDevice[]) {
    this.devices = devices;
  }

  #forget({ folder }: EngineDevice, path: string): void {
    for (const each of folder.items.keys()) {
      if (each === path || each.startsWith(`${path}/`)) this.texts.delete(folder.text(each) ?? '');
    }
  }

  async perform(device: EngineDevice, what: string, path: string, to: string, at: number): Promise<void> {
    const { folder, journal } = device;
    const isIn = (each: string): boolean =>
      !each.includes('/') || folder.items.get(each.slice(0, each.lastIndexOf('/')))?.kind === 'folder';
    switch (what) {
      case 'write': {
        if (!isIn(path) || folder.items.get(path)?.kind === 'folder') return;
        this.#forget(device, path);
        const text = `text ${this.#written++}`;
        this.texts.add(text);
        folder.write(path, text, { atomic: at % 2 === 0 });
        return;
      }
      case 'mkdir':
        if (isIn(path)) folder.mkdir(path);
        return;
      case 'remove':
        this.#forget(device, path);
        folder.remove(path);
        return;
      case 'move':
        if (!folder.items.has(path) || folder.items.has(to) || !isIn(to) || `${to}/`.startsWith(`${path}/`)) return;
        folder.move(path, to);
        return;
      case 'exclude':
        await tryExclude(device, path);
        return;
      case 'include': {
        const excluded = listExcluded(journal);
        const top = excluded[at % Math.max(1, excluded.length)];
        if (top === undefined) return;
        try {
          include(journal, mustFindNode(journal, top), top);
        } catch (error) {
          if (!isTidemarkError(error, 'conflict')) throw error;
        }
        return;
      }
      case 'sync':
        await device.sync({ massDeletionAllowed: true });
        return;
      default:
        await device.crashAt(at);
    }
  }
}

it('whatever devices exclude, include, change and where they stop: nothing is lost, and what is selected converges', async () => {
  const run = async (steps: readonly { who: number; act: { do: string; path: string; to: string }; at: number }[]) => {
    const world = await EngineWorld.create();
    const devices = await world.devices('laptop', 'phone', 'archive');
    const [, , whole] = devices;
    const story = new Story(devices);
    for (const path of ['d', 'd/e', 'e']) devices[0]!.folder.mkdir(path);
    for (const path of ['a', 'd/a', 'd/b', 'd/e/a', 'e/a']) await story.perform(devices[0]!, 'write', path, path, 0);
    await rest(...devices);
    for (const { who, act, at } of steps) await story.perform(devices[who]!, act.do, act.path, act.to, at);
    await rest(...devices);
    for (const device of devices.slice(0, 2)) {
      const excluded = listExcluded(device.journal);
      const selected = without(whole!.tree(), excluded);
      assert.deepEqual(without(device.tree(), excluded), selected);
    }
    for (let times = 0; times < 3; times++) for (const device of devices) includeAll(device);
    await rest(...devices);
    for (const device of devices) assert.deepEqual(device.tree(), whole!.tree());
    const held = new Set(Object.values(whole!.tree()));
    assert.deepEqual(
      [...story.texts].filter((text) => !held.has(text)),
      [],
    );
  };
  await fc.assert(fc.asyncProperty(script, run), { numRuns: 80 });
});
