/**
 * `npm run test:faults`: faults made for real, on this machine: processes killed at every call, calls that fail, power cuts, full and missing
 * disks. Minutes to hours; most of it needs Linux, strace and root. Prints a table; ends with 1 when a promise was broken.
 *
 *     node tests/faults/main.ts [--only NAME]… [--quick] [--json]
 */
import { parseArgs } from 'node:util';
import { diskFull } from './rigs/disk-full.ts';
import { failingCalls } from './rigs/failing-calls.ts';
import { killReceiver, killSender } from './rigs/kill-at-each-call.ts';
import { powerCut } from './rigs/power-cut.ts';
import type { Rig } from './rigs/rig.ts';
import { twoAgents } from './rigs/two-agents.ts';
import { unmountedRoot } from './rigs/unmounted-root.ts';

const rigs: readonly Rig[] = [twoAgents, unmountedRoot, diskFull, powerCut, failingCalls, killReceiver, killSender];

interface Row {
  readonly rig: string;
  readonly runs: number;
  readonly struck: number;
  readonly broken: number;
  readonly seconds: number;
  /** Why it was not run. */
  readonly skipped: string;
}

async function runRig(rig: Rig, quick: boolean): Promise<Row> {
  const skipped = rig.missing();
  if (skipped !== undefined) return { rig: rig.name, runs: 0, struck: 0, broken: 0, seconds: 0, skipped };
  process.stderr.write(`${rig.name}: ${rig.about}\n`);
  const began = performance.now();
  const progress = (line: string): boolean => process.stderr.write(`  ${line}\n`);
  const { runs, struck, broken } = await rig.run({ quick, progress });
  for (const line of broken) process.stderr.write(`  BROKEN ${line}\n`);
  const seconds = Math.round((performance.now() - began) / 1_000);
  return { rig: rig.name, runs, struck, broken: broken.length, seconds, skipped: '' };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const unknown = values.only?.find((name) => !rigs.some((rig) => rig.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`there is no rig "${unknown}"; there are ${rigs.map(({ name }) => name).join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  const rows: Row[] = [];
  for (const rig of rigs) {
    if (values.only === undefined || values.only.includes(rig.name)) rows.push(await runRig(rig, values.quick));
  }
  if (values.json) console.log(JSON.stringify(rows));
  else console.table(rows);
  if (rows.some(({ broken }) => broken > 0)) process.exitCode = 1;
}

await main();
