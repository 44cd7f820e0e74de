/** The watcher of this machine on real folders: whatever is done below the root is told, wherever it is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { createStartWatcher } from '../../../client/agent/watch/node-watcher.ts';
import type { Watcher } from '../../../client/agent/watch/watcher.ts';

const base = mkdtempSync(join(tmpdir(), 'tidemark-watch-'));
after(() => rmSync(base, { recursive: true, force: true }));
let worlds = 0;

interface Watching {
  readonly root: string;
  readonly outside: string;
  readonly watcher: Watcher;
  readonly lost: string[];
  /** Resolves when a change has been told since the last call, or is. Node's runner ends a test that waits for ever. */
  readonly told: () => Promise<void>;
  /** Lets go of what was told so far: resolves when nothing was for a while. */
  readonly hush: () => Promise<void>;
  readonly count: () => number;
}

async function watching(act: (world: Watching) => Promise<void>, isIgnored?: (path: string) => boolean): Promise<void> {
  const home = join(base, String(++worlds));
  const root = join(home, 'root');
  mkdirSync(join(root, 'old/deep'), { recursive: true });
  mkdirSync(join(root, '.tidemark'));
  mkdirSync(join(home, 'outside'), { recursive: true });
  writeFileSync(join(root, 'old/deep/file.txt'), 'one');
  const lost: string[] = [];
  const seen = { changes: 0, taken: 0 };
  let hear: () => void = () => undefined;
  const watcher = await createStartWatcher(isIgnored)(root, {
    changed: () => {
      seen.changes++;
      hear();
    },
    lost: (reason) => lost.push(reason),
  });
  const told = async (): Promise<void> => {
    while (seen.changes === seen.taken) await new Promise<void>((resolve) => (hear = resolve));
    seen.taken = seen.changes;
  };
  const hush = async (): Promise<void> => {
    // A change of our own ends the wait for those before it: the system tells them in order.
    for (let before = -1; before !== seen.changes;) {
      before = seen.changes;
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    seen.taken = seen.changes;
  };
  try {
    await act({ root, outside: join(home, 'outside'), watcher, lost, told, hush, count: () => seen.changes });
  } finally {
    watcher.close();
  }
}

const acts: Readonly<Record<string, (root: string, outside: string) => void>> = {
  'a new file': (root) => writeFileSync(join(root, 'new.txt'), 'new'),
  'an edit deep inside': (root) => appendFileSync(join(root, 'old/deep/file.txt'), 'two'),
  'a delete': (root) => rmSync(join(root, 'old/deep/file.txt')),
  'a rename': (root) => renameSync(join(root, 'old/deep/file.txt'), join(root, 'old/file.txt')),
  'a symlink': (root) => symlinkSync('nowhere', join(root, 'link')),
  'folders in folders': (root) => mkdirSync(join(root, 'a/b/c/d'), { recursive: true }),
  'a tree that is moved in': (root, outside) => {
    mkdirSync(join(outside, 'tree/x/y'), { recursive: true });
    renameSync(join(outside, 'tree'), join(root, 'tree'));
  },
  'a tree that is moved away': (root, outside) => renameSync(join(root, 'old'), join(outside, 'old')),
};

for (const [name, act] of Object.entries(acts)) {
  test(`${name} is told`, () =>
    watching(async ({ root, outside, told }) => {
      act(root, outside);
      await told();
    }));
}

const newPlaces: Readonly<Record<string, (root: string, outside: string) => string>> = {
  'made with folders in it': (root) => {
    mkdirSync(join(root, 'a/b/c/d'), { recursive: true });
    return join(root, 'a/b/c/d/file.txt');
  },
  'moved in': (root, outside) => {
    mkdirSync(join(outside, 'tree/x/y'), { recursive: true });
    renameSync(join(outside, 'tree'), join(root, 'tree'));
    return join(root, 'tree/x/y/file.txt');
  },
  'renamed within': (root) => {
    renameSync(join(root, 'old'), join(root, 'renamed'));
    return join(root, 'renamed/deep/file.txt');
  },
  'replaced by another of its name': (root, outside) => {
    mkdirSync(join(outside, 'old/deep'), { recursive: true });
    renameSync(join(root, 'old'), join(outside, 'away'));
    renameSync(join(outside, 'old'), join(root, 'old'));
    return join(root, 'old/deep/file.txt');
  },
  'swapped with another': (root) => {
    mkdirSync(join(root, 'other/deep'), { recursive: true });
    renameSync(join(root, 'old'), join(root, 'x'));
    renameSync(join(root, 'other'), join(root, 'old'));
    renameSync(join(root, 'x'), join(root, 'other'));
    return join(root, 'old/deep/file.txt');
  },
};

for (const [name, make] of Object.entries(newPlaces)) {
  test(`a change in a folder that was ${name} is told`, () =>
    watching(async ({ root, outside, told, hush }) => {
      const file = make(root, outside);
      await told();
      await hush();
      writeFileSync(file, 'later');
      await told();
      await hush();
      // And again, when the folder has been watched for a while.
      appendFileSync(file, 'and later');
      await told();
    }));
}

test('what happens in the control folder, in ignored folders and behind a symlink is not told', () =>
  watching(
    async ({ root, outside, told, hush, count }) => {
      symlinkSync(outside, join(root, 'way-out'));
      mkdirSync(join(root, 'node_modules/left'), { recursive: true });
      await told();
      await hush();
      const before = count();
      writeFileSync(join(root, '.tidemark/journal.db'), 'x');
      writeFileSync(join(root, 'node_modules/left/pad.js'), 'x');
      writeFileSync(join(outside, 'file.txt'), 'x');
      await hush();
      assert.equal(count(), before);
    },
    (path) => path === 'node_modules',
  ));

test(
  'folders that are gone are let go of, and a refresh finds those that nobody told of',
  { skip: process.platform !== 'linux' },
  () =>
    watching(async ({ root, outside, watcher, told, hush }) => {
      assert.equal(watcher.folders, 3);
      renameSync(join(root, 'old'), join(outside, 'old'));
      await told();
      await hush();
      assert.equal(watcher.folders, 1);
      for (let i = 0; i < 30; i++) mkdirSync(join(root, `many/${i}/${i}`), { recursive: true });
      await watcher.refresh();
      assert.equal(watcher.folders, 62);
      rmSync(join(root, 'many'), { recursive: true });
      await watcher.refresh();
      assert.equal(watcher.folders, 1);
    }),
);

test('an editor that saves by writing beside and renaming is told', () =>
  watching(async ({ root, told, hush }) => {
    const file = join(root, 'old/deep/file.txt');
    for (let save = 0; save < 3; save++) {
      writeFileSync(join(dirname(file), '.file.txt.swp'), `save ${save}`);
      renameSync(join(dirname(file), '.file.txt.swp'), file);
      await told();
      await hush();
    }
  }));

test('a root that is not there is watched as nothing', { skip: process.platform !== 'linux' }, async () => {
  const lost: string[] = [];
  const listener = { changed: () => undefined, lost: (reason: string) => lost.push(reason) };
  const watcher = await createStartWatcher()(join(base, 'nowhere'), listener);
  assert.equal(watcher.folders, 0);
  watcher.close();
});

/** Limits of inotify are those of a user namespace too, so a namespace of our own can have small ones. */
const canUnshare = spawnSync('unshare', ['-Ur', 'true']).status === 0;
const program = `
import { createStartWatcher } from '${new URL('../../../client/agent/watch/node-watcher.ts', import.meta.url).href}';
const watcher = await createStartWatcher()(process.argv[1], {
  changed: () => undefined,
  lost: (reason) => console.log(reason),
});
console.log(watcher.folders);
`;

for (const [limit, advice] of [
  ['max_inotify_watches', 'fs.inotify.max_user_watches'],
  ['max_inotify_instances', 'fs.inotify.max_user_instances'],
] as const) {
  test(
    `where the system refuses (${limit}), all watches are given up, and it is told what to raise`,
    { skip: !canUnshare },
    () => {
      const root = join(base, limit);
      for (let i = 0; i < 20; i++) mkdirSync(join(root, String(i)), { recursive: true });
      const script = `echo ${limit === 'max_inotify_watches' ? 5 : 0} > /proc/sys/user/${limit} && exec "$0" --input-type=module -e "$1" "$2"`;
      const { stdout } = spawnSync('unshare', ['-Ur', 'sh', '-c', script, process.execPath, program, root], {
        encoding: 'utf8',
      });
      const [reason = '', folders] = stdout.trim().split('\n');
      assert.ok(reason.includes(`raise ${advice}`), stdout);
      assert.equal(folders, '0');
    },
  );
}
