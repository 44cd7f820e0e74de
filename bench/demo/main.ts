/**
 * `npm run demo [-- FOLDER] [--json] [--azurite]`: two devices keep one folder the same, on real files, through the real server and
 * command line. Ends by comparing both folders byte by byte and both marks with the server's; exits 1 if anything differs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { spawnStack } from '../../local/spawn-stack.ts';
import { compareFolders } from './compare-folders.ts';
import { Device } from './device.ts';
import { makeSourceTree, measureTree } from './source-tree.ts';
import { type Stage, type StepFigures, steps, sumFigures } from './steps.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, azurite: { type: 'boolean' } },
});

const mega = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1)} MB`;

/** A step's figures, and what is in the tree after it. */
interface Row extends StepFigures {
  readonly files: number;
  readonly bytes: number;
}

function show(row: Row): void {
  const moved = `sent ${mega(row.sent)}, received ${mega(row.received)}`;
  const tree = `${row.files} files, ${mega(row.bytes)} in the tree`;
  console.log(`  ${row.step}\n      ${tree}; ${moved}; ${row.requests} requests; ${row.seconds} s`);
}

async function openStage(base: string): Promise<Stage> {
  const data = join(base, 'server');
  const azurite = values.azurite === true;
  const stack = await spawnStack({ data, azurite });
  const stage: Stage = {
    laptop: new Device('laptop', base),
    desktop: new Device('desktop', base),
    data,
    stack,
    restartStack: async () => {
      stage.stack = await spawnStack({ data, azurite, port: stack.endpoints.port });
    },
  };
  return stage;
}

async function play(stage: Stage, source: string | undefined): Promise<Row[]> {
  const { laptop, desktop } = stage;
  makeSourceTree(laptop.folder, source);
  const { server } = stage.stack.endpoints;
  await laptop.run('login', '--dev', '--server', server, '--user', 'ann');
  await laptop.run('create', 'demo');
  await laptop.link(server, 'ann', 'demo');
  await desktop.link(server, 'ann', 'demo');
  const rows: Row[] = [];
  for (const step of steps) {
    const figures = sumFigures(step.title, await step.run(stage));
    const row = { ...figures, ...measureTree(laptop.folder) };
    rows.push(row);
    show(row);
  }
  return rows;
}

/** What differs at the end: between the folders, and between the marks of both devices and the server. */
async function differences({ laptop, desktop }: Stage): Promise<string[]> {
  const found = compareFolders(laptop.folder, desktop.folder);
  const { workspaces } = await laptop.run<{ workspaces: readonly { root: string }[] }>('list');
  for (const device of [laptop, desktop]) {
    const { marks } = await device.status();
    for (const [tree, mark] of Object.entries(marks)) {
      if (mark !== workspaces[0]!.root) found.push(`${device.name}: the ${tree} mark is not the server's`);
    }
  }
  return found;
}

async function main(): Promise<void> {
  const began = performance.now();
  const base = mkdtempSync(join(tmpdir(), 'tidemark-demo-'));
  let stage: Stage | undefined;
  try {
    console.log('Tidemark demo: a server, a laptop and a desktop that share one folder\n');
    stage = await openStage(base);
    const rows = await play(stage, positionals[0] === undefined ? undefined : resolve(positionals[0]));
    const found = await differences(stage);
    const converged = found.length === 0;
    const seconds = Number(((performance.now() - began) / 1_000).toFixed(1));
    const verdict = converged
      ? 'Both folders are the same, byte by byte; all marks are equal.'
      : found.slice(0, 20).join('\n');
    console.log(`\n${verdict}\n${seconds} s in all.`);
    if (values.json === true) console.log(JSON.stringify({ steps: rows, seconds, converged, differences: found }));
    if (!converged) process.exitCode = 1;
  } finally {
    await stage?.stack.stop();
    rmSync(base, { recursive: true, force: true });
  }
}

await main();
