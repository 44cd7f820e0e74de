/**
 * `node bench/cosmos-charges.ts [chunks]`: what the service asks of Cosmos DB, in requests and in request units as the tests'
 * emulator counts them (tests/cosmos-emulator/charges.ts: a model with published anchors, not a bill). It needs no timing, so
 * any machine prints the same but for a few units. `chunks`: the largest workspace tried, 100,000 unless told.
 */
import { digestsToColumn } from '../shared/core/ids.ts';
import type { VerifiedPack } from '../shared/ports/metadata-store.ts';
import { digestOf, packOf } from '../tests/contracts/metadata-records.ts';
import { type CosmosService, startCosmosService, withSession } from '../tests/api/world/cosmos-world.ts';
import { TestDevice, createWorkspaceAs, mkdirOperation, nodeOf } from '../tests/api/world/test-device.ts';
import type { TestWorld } from '../tests/api/world/test-world.ts';
import { type Cell, printTable } from './table.ts';

interface Charge {
  readonly requests: number;
  readonly units: number;
}

/** What some work asks of the account. Query plans, which the SDK asks for beside each query, are requests and cost nothing. */
async function chargeOf(service: CosmosService, work: () => Promise<unknown>): Promise<Charge> {
  let [requests, units] = [0, 0];
  service.emulator.observe = (_request, charge) => {
    requests += 1;
    units += charge;
  };
  await work();
  service.emulator.observe = undefined;
  return { requests, units };
}

function cellsOf(row: string, { requests, units }: Charge): Cell[] {
  return [
    { row, column: 'RU', text: units.toFixed(1) },
    { row, column: 'requests', text: requests.toFixed(1) },
  ];
}

async function averageOf(
  service: CosmosService,
  times: number,
  work: (n: number) => Promise<unknown>,
): Promise<Charge> {
  const { requests, units } = await chargeOf(service, async () => {
    for (let n = 0; n < times; n++) await work(n);
  });
  return { requests: requests / times, units: units / times };
}

async function benchCommits(service: CosmosService): Promise<void> {
  const world = withSession(service.instance());
  const { workspaceId } = await createWorkspaceAs(world, 'ann');
  const device = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
  const names = Array.from({ length: 10_000 }, (_, i) => `n${i}`);
  const first = await averageOf(service, 1, () => device.commit(mkdirOperation('docs', 'docs')));
  const cells = cellsOf('first commit of a workspace', first);
  const folder = nodeOf('docs');
  const put = (n: number) => device.commitPut({ node: `f${n}`, name: `f${n}`, text: `text ${n}`, in: folder });
  cells.push(...cellsOf('upload and commit of one small file, 100 files there', await averageOf(service, 100, put)));
  const many = () => device.commit(...names.map((name) => mkdirOperation(name, name, folder)));
  cells.push(...cellsOf('commit of 10,000 new folders', await chargeOf(service, many)));
  const one = (n: number) => device.commit(mkdirOperation(`late ${n}`, `late ${n}`, folder));
  cells.push(...cellsOf('commit of one folder, 10,000 entries there', await averageOf(service, 100, one)));
  const poll = await averageOf(service, 10, () => device.changes(202));
  cells.push(...cellsOf('asking for changes when there are none', poll));
  printTable('Commits', cells);
}

function packAt(first: number, count: number): VerifiedPack {
  return packOf(
    `pack ${first} ${count}`,
    Array.from({ length: count }, (_, i) => `chunk ${first + i}`),
  );
}

function columnOf(first: number, count: number) {
  return digestsToColumn(Array.from({ length: count }, (_, i) => digestOf(`chunk ${first + i}`)));
}

/** Grows a workspace pack by pack, and asks on the way. */
async function benchChunks(service: CosmosService, world: TestWorld, chunksMax: number): Promise<void> {
  const { workspaceId } = await createWorkspaceAs(world, 'ann', { token: 'chunks' });
  const { chunks } = world.deps.metadata;
  const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((size) => size <= chunksMax);
  const cells: Cell[] = [];
  let known = 0;
  const grow = async (count: number): Promise<number> => {
    await chunks.record(workspaceId, packAt(known, count), 1);
    return known + count;
  };
  for (const size of sizes) {
    while (known < size) known = await grow(Math.min(8_192, size - known));
    const row = `${size.toLocaleString('en-US')} chunks`;
    const of = async (column: string, work: () => Promise<unknown>) => {
      const { requests, units } = await chargeOf(service, work);
      cells.push({ row, column, text: `${units.toFixed(0)} RU / ${requests}` });
    };
    await of('ask 1,000 known', () => chunks.lookUp(workspaceId, columnOf(0, 1_000)));
    await of('ask 1,000 new', () => chunks.lookUp(workspaceId, columnOf(1e9, 1_000)));
    await of('ask 16,384 new', () => chunks.lookUp(workspaceId, columnOf(1e9, 16_384)));
    for (const [column, count] of [
      ['record 256', 256],
      ['record 8,192', 8_192],
    ] as const) {
      await of(column, async () => {
        known = await grow(count);
      });
    }
  }
  printTable('Chunk index: RU / requests, query plans included', cells);
}

const service = await startCosmosService();
try {
  await benchCommits(service);
  await benchChunks(service, service.instance(), Number(process.argv[2] ?? 100_000));
} finally {
  await service.close();
}
