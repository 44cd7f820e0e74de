/**
 * Commits over HTTP. Closed: each client sends its next commit when the last is answered, which shows the most that a stack can
 * do. Paced: each client commits once a second, at times fixed beforehand, and latency counts from the time at which the commit
 * was due, so that a stall is seen by all that it delays. `node bench/server-commits.ts` runs it alone.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkspaceId } from '../shared/core/ids.ts';
import { type StackClient, newRequestId, openClient } from '../tests/local/stack-client.ts';
import { withStack } from './bench-stack.ts';
import { type Percentiles, percentilesOf } from './percentiles.ts';
import { figure, machineLine, printTable } from './table.ts';

const closedSeconds = 6;
const pacedSeconds = 12;
/** Commits that run before the clock does: connections, prepared statements, the compiler. */
const warmUpSeconds = 1;

interface Writer {
  readonly client: StackClient;
  readonly workspaceId: WorkspaceId;
  readonly content: Uint8Array;
}

/** A client whose workspace holds one chunk, which every commit makes another file of. */
async function openWriter(server: string, user: string, shared?: WorkspaceId): Promise<Writer> {
  const client = await openClient(server, user);
  const workspaceId = shared ?? (await client.createWorkspace('bench'));
  const content = new Uint8Array(4_096).fill(7);
  await client.putFile(workspaceId, `first-${randomBytes(6).toString('hex')}`, content);
  return { client, workspaceId, content };
}

async function commitOnce({ client, workspaceId, content }: Writer): Promise<void> {
  const request = client.newFile(workspaceId, randomBytes(8).toString('hex'), content, []);
  await client.api.commit(request, newRequestId());
}

interface Load {
  readonly commits: number;
  readonly perSecond: number;
  readonly latency: Percentiles;
}

async function closedLoad(writers: readonly Writer[], seconds: number): Promise<Load> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1_000;
  await Promise.all(
    writers.map(async (writer) => {
      for (let now = performance.now(); now < end;) {
        await commitOnce(writer);
        const done = performance.now();
        latencies.push(done - now);
        now = done;
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1_000;
  return { commits: latencies.length, perSecond: latencies.length / elapsed, latency: percentilesOf(latencies) };
}

/** Clients begin spread over the first second. */
async function pacedLoad(writers: readonly Writer[], seconds: number): Promise<Load> {
  const latencies: number[] = [];
  const start = performance.now();
  await Promise.all(
    writers.map(async (writer, i) => {
      for (let n = 0; n < seconds; n++) {
        const due = start + 1_000 * (n + i / writers.length);
        await sleep(Math.max(0, due - performance.now()));
        await commitOnce(writer);
        latencies.push(performance.now() - due);
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1_000;
  return { commits: latencies.length, perSecond: latencies.length / elapsed, latency: percentilesOf(latencies) };
}

function cellsOf(column: string, { commits, perSecond, latency }: Load) {
  const rows: readonly (readonly [string, number])[] = [
    ['commits', commits],
    ['commits/s', perSecond],
    ['p50, ms', latency.p50],
    ['p95, ms', latency.p95],
    ['p99, ms', latency.p99],
    ['p99.9, ms', latency.p999],
    ['longest, ms', latency.max],
  ];
  return rows.map(([row, value]) => ({ row, column, text: figure(value) }));
}

/** Measures 1, 50 and 200 clients, each with a workspace of its own, 50 clients in one workspace, and 200 paced ones. */
export async function benchCommits(): Promise<void> {
  await withStack(async ({ endpoints: { server } }) => {
    const writers: Writer[] = [];
    for (let i = 0; i < 200; i++) writers.push(await openWriter(server, `user${i}`));
    const cells: { row: string; column: string; text: string }[] = [];
    await closedLoad(writers.slice(0, 8), warmUpSeconds);
    for (const clients of [1, 50, 200]) {
      cells.push(...cellsOf(`${clients} closed`, await closedLoad(writers.slice(0, clients), closedSeconds)));
    }
    cells.push(...cellsOf('200 at 1/s', await pacedLoad(writers, pacedSeconds)));
    const first = writers[0]!;
    const together = Array.from({ length: 50 }, () => first);
    cells.push(...cellsOf('50 in one workspace', await closedLoad(together, closedSeconds)));
    printTable('Commits of one operation over HTTP, disk + SQLite, by number of clients', cells);
  });
}

if (import.meta.main) {
  await benchCommits();
  console.log(machineLine());
}
