/**
 * Devices that do anything, sync at any time and crash anywhere: at the end they are equal, by their folders and by their
 * marks, and nothing is lost that nobody removed.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { NewWorkspace } from '../../api/world/test-device.ts';
import { type EngineDevice, EngineWorld, settle } from './world.ts';

const names = ['a', 'b', 'c', 'd/a', 'd/b', 'e/a', 'd/e/a', 'd', 'e', 'd/e'] as const;
const name = fc.constantFrom(...names);

type Act =
  | { readonly act: 'write'; readonly path: string; readonly text: number; readonly atomic: boolean }
  | { readonly act: 'mkdir' | 'remove' | 'link'; readonly path: string }
  | { readonly act: 'chmod'; readonly path: string }
  | { readonly act: 'move'; readonly path: string; readonly to: string }
  | { readonly act: 'sync' }
  | { readonly act: 'crash'; readonly at: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('write' as const), path: name, text: fc.nat(3), atomic: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constantFrom('mkdir' as const, 'remove' as const, 'link' as const), path: name }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('chmod' as const), path: name }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('move' as const), path: name, to: name }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('sync' as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('crash' as const), at: fc.nat(12) }) },
);

/** Each act names its device. */
const acts = (devices: number) => fc.array(fc.tuple(fc.nat(devices - 1), act), { maxLength: 24 });

function folderIsThere(device: EngineDevice, path: string): boolean {
  const slash = path.lastIndexOf('/');
  return slash < 0 || device.folder.items.get(path.slice(0, slash))?.kind === 'folder';
}

/**
 * What must be there at the end: every text that somebody wrote and that nobody overwrote or removed where he saw it. Texts
 * are unique, except some that are equal on purpose and not counted.
 */
class Expected {
  readonly #texts = new Set<string>();
  #written = 0;

  write(device: EngineDevice, path: string, kind: number): string {
    this.forget(device, path);
    if (kind === 0) return 'the same text';
    const text = `text ${this.#written++}`;
    this.#texts.add(text);
    return text;
  }

  /** The user of a device does away with everything at a path. */
  forget({ folder }: EngineDevice, path: string): void {
    for (const each of folder.items.keys()) {
      if (each === path || each.startsWith(`${path}/`)) this.#texts.delete(folder.text(each) ?? '');
    }
  }

  check(tree: Readonly<Record<string, string>>): void {
    const held = new Set(Object.values(tree).map((text) => text.replace(' +x', '')));
    assert.deepEqual(
      [...this.#texts].filter((text) => !held.has(text)),
      [],
      JSON.stringify(tree),
    );
  }
}

async function perform(device: EngineDevice, each: Act, expected: Expected): Promise<void> {
  const { folder } = device;
  switch (each.act) {
    case 'sync':
      await device.sync();
      return;
    case 'crash':
      await device.crashAt(each.at);
      return;
    case 'write':
      if (!folderIsThere(device, each.path) || folder.items.get(each.path)?.kind === 'folder') return;
      if (folder.items.get(each.path)?.kind === 'symlink') folder.remove(each.path);
      folder.write(each.path, expected.write(device, each.path, each.text), { atomic: each.atomic });
      return;
    case 'mkdir':
      if (folderIsThere(device, each.path)) folder.mkdir(each.path);
      return;
    case 'link':
      if (folderIsThere(device, each.path) && !folder.items.has(each.path)) folder.link(each.path, 'target');
      return;
    case 'chmod': {
      const item = folder.items.get(each.path);
      if (item?.kind === 'file')
        folder.write(each.path, folder.text(each.path) ?? '', { mode: 0o111 ^ item.stat.mode });
      return;
    }
    case 'remove':
      expected.forget(device, each.path);
      folder.remove(each.path);
      return;
    case 'move':
      if (!folder.items.has(each.path) || folder.items.has(each.to) || !folderIsThere(device, each.to)) return;
      if (`${each.to}/`.startsWith(`${each.path}/`)) return;
      folder.move(each.path, each.to);
      return;
  }
}

async function run(
  devices: number,
  script: readonly (readonly [number, Act])[],
  tornBytes: Uint8Array | null,
  options: NewWorkspace = {},
): Promise<void> {
  const world = await EngineWorld.create(options);
  const all = await world.devices(...['laptop', 'phone', 'tablet'].slice(0, devices));
  for (const device of all) device.folder.tornBytes = tornBytes;
  const expected = new Expected();
  for (const [who, each] of script) await perform(all[who]!, each, expected);
  expected.check(await settle(...all));
}

it('two devices come together whatever they did', async () => {
  await fc.assert(
    fc.asyncProperty(acts(2), (script) => run(2, script, null)),
    { numRuns: 60 },
  );
});

it('two devices come together in a workspace that asks them to merge, and lose nothing', async () => {
  await fc.assert(
    fc.asyncProperty(acts(2), (script) => run(2, script, null, { policy: 'merge' })),
    { numRuns: 40 },
  );
});

it('three devices come together, also when crashes leave empty files', async () => {
  await fc.assert(
    fc.asyncProperty(acts(3), (script) => run(3, script, new Uint8Array(0))),
    { numRuns: 60 },
  );
});

it('a crash at every single step of a sync is harmless', async () => {
  for (let n = 0; ; n++) {
    const world = await EngineWorld.create();
    const [a, b] = await world.devices('laptop', 'phone');
    a!.folder.mkdir('d');
    for (const path of ['d/1', 'd/2', '3']) a!.folder.write(path, path);
    await settle(a!, b!);
    b!.folder.write('d/1', 'by b');
    b!.folder.remove('d/2');
    b!.folder.write('new', 'new');
    b!.folder.move('3', 'd/3');
    await b!.sync();
    a!.folder.write('d/1', 'by a');
    a!.folder.write('mine', 'mine');
    a!.folder.tornBytes = new Uint8Array(0);
    const crashed = await a!.crashAt(n);
    const tree = await settle(a!, b!);
    assert.deepEqual(tree, {
      d: 'dir',
      'd/1': 'by b',
      'd/1 (conflicted copy of laptop 2026-11-22)': 'by a',
      'd/3': '3',
      mine: 'mine',
      new: 'new',
    });
    if (!crashed) {
      assert.ok(n > 10, `${n} steps`);
      return;
    }
  }
});
