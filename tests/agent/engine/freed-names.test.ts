/**
 * A deletion waits for content that was moved over another file, but never so that what takes the deleted file's name would come to a
 * conflict name: one user alone has no conflicts.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MemoryFolder } from './memory-folder.ts';
import { EngineWorld, settle } from './world.ts';

async function afterwards(files: Readonly<Record<string, string>>, act: (folder: MemoryFolder) => void) {
  const world = await EngineWorld.create();
  const [a, b] = await world.devices('laptop', 'phone');
  for (const [path, text] of Object.entries(files)) a!.folder.write(path, text);
  await settle(a!, b!);
  act(a!.folder);
  const { conflicts } = await a!.sync();
  assert.equal(conflicts, 0);
  return settle(a!, b!);
}

describe('a name that is taken again at once', () => {
  it('goes to the next one of logs that are rotated', async () => {
    const tree = await afterwards({ log: 'third', 'log.1': 'second', 'log.2': 'first' }, (folder) => {
      folder.write('log.2', 'second', { atomic: true });
      folder.remove('log.1');
      folder.move('log', 'log.1');
      folder.write('log', 'fourth');
    });
    assert.deepEqual(tree, { log: 'fourth', 'log.1': 'third', 'log.2': 'second' });
  });

  it('goes to a link, while a copy of what was there is new elsewhere', async () => {
    const tree = await afterwards({ name: 'content', other: 'x' }, (folder) => {
      folder.remove('name');
      folder.link('name', 'other');
      folder.write('copy', 'content');
    });
    assert.deepEqual(tree, { copy: 'content', name: '-> other', other: 'x' });
  });

  it('goes to a folder with what was there in it, and to one with an empty file where an empty file was', async () => {
    for (const text of ['content', '']) {
      const tree = await afterwards({ name: text }, (folder) => {
        folder.remove('name');
        folder.mkdir('name');
        folder.write('name/in it', text);
      });
      assert.deepEqual(tree, { name: 'dir', 'name/in it': text });
    }
  });

  it('is free for others when an empty file is gone, whatever other empty files wait to be sent', async () => {
    const tree = await afterwards({ name: '' }, (folder) => {
      folder.remove('name');
      folder.write('another', '');
    });
    assert.deepEqual(tree, { another: '' });
  });
});
