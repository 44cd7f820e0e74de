/**
 * One commit told to many sockets, and what many sockets cost the commits. The sockets are in a process of their own; on a machine with few
 * cores it still takes them from the server, so what each process spent for a commit is told as well.
 * `node bench/realtime-fan-out.ts` runs it alone.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkspaceId } from '../shared/core/ids.ts';
import { limits } from '../shared/core/limits.ts';
import type { StackFile } from '../local/stack-file.ts';
import { type StackClient, newRequestId, openClient } from '../tests/local/stack-client.ts';
import { withStack } from './bench-stack.ts';
import { percentilesOf } from './percentiles.ts';
import { cpuSeconds, machineMs } from './process-figures.ts';
import { Listeners } from './realtime-listeners.ts';
import { type Cell, figure, machineLine, printTable } from './table.ts';

const socketsOfFanOut = 500;
const rounds = 30;
const socketsOfLoad = 200;
const loadSeconds = 5;
const writers = 8;
/** How often the load runs with listeners, each time between two without. */
const loads = 2;

interface Writer {
  readonly client: StackClient;
  readonly workspaceId: WorkspaceId;
  readonly content: Uint8Array;
}

async function openWriter(server: string): Promise<Writer> {
  const client = await openClient(server, 'ann');
  const workspaceId = await client.createWorkspace('fan-out');
  const content = new Uint8Array(4_096).fill(7);
  await client.putFile(workspaceId, 'first', content);
  return { client, workspaceId, content };
}

async function commitOnce({ client, workspaceId, content }: Writer): Promise<number> {
  const request = client.newFile(workspaceId, randomBytes(8).toString('hex'), content, []);
  const { head } = await client.api.commit(request, newRequestId());
  if (head === null) throw new Error('a commit without a head');
  return head.seq;
}

async function benchOneCommit(writer: Writer): Promise<void> {
  const listeners = await Listeners.open(writer.client, writer.workspaceId, socketsOfFanOut);
  const answered: number[] = [];
  const first: number[] = [];
  const last: number[] = [];
  await commitOnce(writer);
  for (let round = 0; round < rounds; round++) {
    // So that no commit waits for the pace of the one before.
    await sleep(2 * limits.announcePaceMs);
    const began = machineMs();
    const seq = await commitOnce(writer);
    answered.push(machineMs() - began);
    const { firstMs, lastMs } = await listeners.heardByAll(seq);
    first.push(firstMs - began);
    last.push(lastMs - began);
  }
  await listeners.close();
  const cells = Object.entries({ 'the answer, ms': answered, 'first socket, ms': first, 'last socket, ms': last });
  printTable(
    `One commit and ${socketsOfFanOut} sockets that listen, since the request began`,
    cells.flatMap(([row, times]) => {
      const { p50, p95 } = percentilesOf(times);
      return [
        { row, column: 'median', text: figure(p50) },
        { row, column: 'p95', text: figure(p95) },
      ];
    }),
  );
}

interface Load {
  commits: number;
  seconds: number;
  /** Processor time by process, in seconds. */
  readonly spent: Record<string, number>;
}

const noLoad = (): Load => ({ commits: 0, seconds: 0, spent: {} });

/** `writers` clients that never rest, added to `load`. */
async function addLoad(load: Load, writer: Writer, pids: Readonly<Record<string, number | undefined>>): Promise<void> {
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, cpuSeconds(pid)] as const);
  const began = machineMs();
  const end = began + loadSeconds * 1_000;
  const work = async (): Promise<void> => {
    while (machineMs() < end) {
      await commitOnce(writer);
      load.commits++;
    }
  };
  await Promise.all(Array.from({ length: writers }, work));
  load.seconds += (machineMs() - began) / 1_000;
  for (const [name, pid, spentBefore] of before)
    load.spent[name] = (load.spent[name] ?? 0) + cpuSeconds(pid) - spentBefore;
}

function cellsOf(column: string, { commits, seconds, spent }: Load): Cell[] {
  return [
    { row: 'commits/s', column, text: figure(commits / seconds) },
    ...Object.entries(spent).map(([name, cpu]) => ({
      row: `${name}, ms of processor a commit`,
      column,
      text: figure((cpu * 1_000) / commits),
    })),
  ];
}

async function benchLoad(writer: Writer, stack: StackFile): Promise<void> {
  const pids = { 'the server': stack.pid, 'the realtime endpoint': stack.companions[1], 'the writers': process.pid };
  await addLoad(noLoad(), writer, pids);
  const [alone, heard] = [noLoad(), noLoad()];
  await addLoad(alone, writer, pids);
  let events = 0;
  for (let i = 0; i < loads; i++) {
    const listeners = await Listeners.open(writer.client, writer.workspaceId, socketsOfLoad);
    await addLoad(heard, writer, { ...pids, 'the listeners': listeners.pid });
    events += (await listeners.heardByAll(await commitOnce(writer))).events;
    await listeners.close();
    await addLoad(alone, writer, pids);
  }
  const column = `${socketsOfLoad} sockets listen`;
  const share = heard.commits / heard.seconds / (alone.commits / alone.seconds);
  printTable(`Commits of ${writers} clients in one workspace that never rest`, [
    ...cellsOf('nobody listens', alone),
    ...cellsOf(column, heard),
    { row: 'share of the commits that is left', column, text: figure(share) },
    { row: 'events/s that each socket got', column, text: figure(events / heard.seconds) },
  ]);
}

export async function benchFanOut(): Promise<void> {
  await withStack(async ({ endpoints }) => {
    const writer = await openWriter(endpoints.server);
    await benchOneCommit(writer);
    await benchLoad(writer, endpoints);
  });
}

if (import.meta.main) {
  await benchFanOut();
  console.log(machineLine());
}
