/**
 * Proof that the simulation can fail: faults put into the product on purpose, each of which lost users' data somewhere, are found. All of them
 * are run by `npm run sim:mutants`; here a few that show soon, and that every one can still be put in.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { invariantOf } from './broken.ts';
import { mutants } from './mutants/all-mutants.ts';
import { checkPlaces, installMutant } from './mutants/mutant.ts';
import type { MutantReport } from './mutants/run-mutant.ts';

const script = fileURLToPath(new URL('./mutants/run-mutant.ts', import.meta.url));
const run = promisify(execFile);

/** Each is found within a third of these. */
const historiesMax = 150;

/** Some of each part: scan, plan, application on the disk, merge, commit, notifications. */
const soonFound = [
  'unmounted-root-is-empty',
  'same-name-is-same-file',
  'failed-download-is-done',
  'write-over-unsynced-edit',
  'new-file-replaces-namesake',
  'missing-chunks-are-believed',
  'notifications-are-not-heard',
  'notifications-are-believed',
];

describe('a mutant', () => {
  for (const mutant of mutants.values()) {
    it(`finds its places: ${mutant.name}`, () => checkPlaces(mutant));
  }

  it('whose place is gone is refused', () => {
    const [first] = mutants.values();
    const lost = { ...first!, rewrites: [{ ...first!.rewrites[0]!, from: 'no such text anywhere' }] };
    assert.throws(() => installMutant(lost), /0 times/);
  });
});

describe('the simulation catches', () => {
  for (const name of soonFound) {
    it(name, async () => {
      const { stdout } = await run(process.execPath, [script, name, '1', String(historiesMax)]);
      const { failure } = JSON.parse(stdout) as MutantReport;
      assert.ok(failure !== null, `not found in ${historiesMax} histories`);
      assert.notEqual(invariantOf(failure), undefined, failure);
    });
  }
});
