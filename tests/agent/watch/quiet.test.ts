/** When changes of a folder are looked at: a save soon, everything else when it has paused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { pace } from '../../../client/agent/watch/pace.ts';
import { Quiet } from '../../../client/agent/watch/quiet.ts';

type Change = readonly [at: number, path?: string];

/** The moments at which a folder with these changes is looked at; each look takes no time. */
function looksAt(changes: readonly Change[]): number[] {
  const quiet = new Quiet();
  const looks: number[] = [];
  for (const [at, path] of [...changes, [Infinity] as const]) {
    if (quiet.dueAt <= at && quiet.dueAt !== Infinity) {
      looks.push(quiet.dueAt);
      quiet.clear();
    }
    if (at !== Infinity) quiet.note(at, path);
  }
  return looks;
}

test('a save after a rest is looked at after 50 ms, also when it is several events of a few files', () => {
  assert.deepEqual(looksAt([[1_000, 'a.txt']]), [1_050]);
  assert.deepEqual(
    looksAt([
      [1_000, 'a.txt'],
      [1_010, 'a.txt'],
      [1_030, 'b/a.old'],
      [1_030, 'a.txt'],
    ]),
    [1_080],
  );
  assert.deepEqual(
    looksAt([
      [1_000, 'a'],
      [2_000, 'a'],
      [3_000, 'a'],
    ]),
    [1_050, 2_050, 3_050],
  );
});

test('an atomic save is one edit, however long the disk takes to flush the second file', () => {
  for (const name of ['.note.txt.swp', 'note.txt~', '4913', '#note.txt#', 'note.txt.tmp', '~$note.docx', 'a.PART']) {
    assert.deepEqual(
      looksAt([
        [0, `d/${name}`],
        [150, `d/${name}`],
        [150, 'd/note.txt'],
      ]),
      [350],
      name,
    );
  }
  assert.deepEqual(
    looksAt([
      [0, 'sedX9fZk2'],
      [30, 'sedX9fZk2'],
      [30, 'note.txt'],
    ]),
    [80],
  );
});

test('a burst of files, and a program that goes on writing, are looked at when they pause', () => {
  const burst = Array.from({ length: 20 }, (_, i): Change => [i * 40, `file ${i}`]);
  assert.deepEqual(looksAt(burst), [19 * 40 + pace.quietMs]);
  const log = Array.from({ length: 30 }, (_, i): Change => [i * 100, 'app.log']);
  assert.deepEqual(looksAt(log), [50, 100 + pace.busyMs, 29 * 100 + pace.quietMs]);
});

test('a change whose path is not known is no save', () => {
  assert.deepEqual(looksAt([[0, 'a'], [10]]), [210]);
});

test('never more than one look more than with a pause of 200 ms alone', () => {
  const changes = fc.array(fc.tuple(fc.nat(400), fc.constantFrom('a', 'b', 'c/d', '.x', undefined)), { maxLength: 60 });
  fc.assert(
    fc.property(changes, (steps) => {
      let at = 0;
      let pauses = 0;
      const all = steps.map(([gap, path]): Change => {
        if (gap >= pace.quietMs) pauses++;
        return path === undefined ? [(at += gap)] : [(at += gap), path];
      });
      const looks = looksAt(all);
      const known = looksAt(all.map(([when]): Change => [when]));
      assert.ok(looks.length <= known.length + pauses + 1, `${looks.length} looks, ${known.length} without the rule`);
      assert.ok(looks.every((look, i) => i === 0 || look > looks[i - 1]!));
      // Everything is looked at, no later than without the rule.
      if (all.length > 0) assert.ok(looks.at(-1)! <= known.at(-1)! && looks.at(-1)! > at);
    }),
  );
});
