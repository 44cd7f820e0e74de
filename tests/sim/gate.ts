/** The simulation as a gate of the test run: each test file runs a part of the histories, so that the parts share the cores. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { type HistoryResult, runHistory } from './history.ts';
import { invariants } from './invariants.ts';
import { Tally } from './tally.ts';

await installNativeBlake3();

/** Histories of one part; there are two parts. */
export const historiesOfPart = 1_000;

/** Most histories are small, which is where most faults show; every sixth is as large as it comes. */
function operationsOf(seed: number): number | undefined {
  return seed % 6 === 0 ? undefined : 5;
}

function said({ seed, failure, trace }: HistoryResult): string {
  const operations = operationsOf(seed);
  const ops = operations === undefined ? '' : ` --ops ${operations}`;
  return `${failure}\n${trace.slice(-30).join('\n')}\nrepeat: npm run sim -- --seed ${seed} --runs 1${ops} --trace`;
}

/** Declares the tests of a part: its histories break no promise, and every promise was looked at. */
export function testPart(firstSeed: number): void {
  const tally = new Tally();
  const last = firstSeed + historiesOfPart - 1;

  it(`histories ${firstSeed} to ${last} break no promise`, async () => {
    for (let seed = firstSeed; seed <= last; seed++) {
      const result = await runHistory({ seed, operations: operationsOf(seed) });
      assert.equal(result.failure, null, said(result));
      tally.add(result);
    }
  });

  it('in them every promise was checked, and every kind of fault happened', () => {
    const { checks, faults } = tally;
    for (const invariant of Object.keys(invariants))
      assert.ok((checks[invariant] ?? 0) > 0, `${invariant} was not checked`);
    for (const kind of kindsOfFaults) {
      assert.ok(
        Object.keys(faults).some((fault) => fault.startsWith(kind)),
        `no ${kind} happened`,
      );
    }
  });
}

const kindsOfFaults = [
  'channel lost',
  'clock step',
  'disk EIO',
  'disk ENOSPC',
  'event doubled',
  'event lost',
  'full disk',
  'journal lost',
  'kill at',
  'kill while waiting',
  'network answerLost',
  'network doubled',
  'network flipped',
  'network later',
  'network lost',
  'network portal',
  'network truncated',
  'notification after a newer one',
  'notification after a restart',
  'notification foreign',
  'notification garbled',
  'notification lost',
  'notification otherKind',
  'notification otherRoot',
  'notification refused',
  'notification repeated',
  'notification tooHigh',
  'notification tooLow',
  'notification unheard',
  'notification while cut off',
  'partition',
  'power cut',
  'server crash',
  'store refuses',
  'unmount',
  'user at',
] as const;
