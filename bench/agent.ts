/**
 * `npm run bench:agent [-- --files N] [--large MIB] [--commits N] [--json]`: what `tide` takes, in time and in memory, on large trees. Each
 * command is a process of its own, against a stack of its own on this machine, with which it shares the cores. Some 10 GB of disk
 * in the folder for temporary files; about ten minutes with the sizes that it has by default. A size of 0 leaves a part out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { measureJoin } from './agent/join.ts';
import { prefetchCells } from './agent/prefetch.ts';
import { type Row, rowsToCells } from './agent/row.ts';
import { measureLargeFiles, measureSmallFiles } from './agent/trees.ts';
import { withStack } from './bench-stack.ts';
import { type Cell, machineLine, printTable } from './table.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '200000' },
    large: { type: 'string', default: '2048' },
    commits: { type: 'string', default: '5000' },
    json: { type: 'boolean', default: false },
  },
});

const MiB = 1024 * 1024;

interface Part {
  readonly title: string;
  readonly measure: (setting: { readonly server: string; readonly base: string }) => Promise<Row[]>;
  /** What follows from the rows. */
  readonly more?: (rows: readonly Row[]) => { readonly title: string; readonly cells: readonly Cell[] };
}

const [files, large, commits] = [Number(values.files), Number(values.large), Number(values.commits)];
const joinFiles = 2_000;
const parts: readonly Part[] = [
  { title: `${files.toLocaleString('en')} small files`, measure: (setting) => measureSmallFiles(setting, files) },
  {
    title: `${large.toLocaleString('en')} MiB of large files`,
    measure: (setting) => measureLargeFiles(setting, large * MiB),
    more: ([first, second]) => ({
      title: 'Of that, what fetching before the commit lands would save',
      cells: prefetchCells(first!, second!),
    }),
  },
  {
    title: `Joining after ${commits.toLocaleString('en')} commits on ${joinFiles.toLocaleString('en')} files`,
    measure: (setting) => measureJoin(setting, joinFiles, commits),
  },
];

/** A stack and a folder of its own, so that no part finds what another left. */
async function measure({ title, measure, more }: Part): Promise<Row[]> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-bench-agent-'));
  try {
    const rows = await withStack(({ endpoints: { server } }) => measure({ server, base }));
    if (!values.json) printTable(title, rowsToCells(rows));
    const computed = more?.(rows);
    if (!values.json && computed !== undefined) printTable(computed.title, computed.cells);
    return rows;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

await installNativeBlake3();
if (!values.json)
  console.log(
    `${machineLine()}\nMB = 10^6 bytes; peak: the most memory that the process ever had resident, all threads included\n`,
  );
const results: { readonly title: string; readonly rows: readonly Row[] }[] = [];
for (const part of parts.filter((_, i) => [files, large, commits][i]! > 0))
  results.push({ title: part.title, rows: await measure(part) });
if (values.json) console.log(JSON.stringify({ machine: machineLine(), parts: results }));
