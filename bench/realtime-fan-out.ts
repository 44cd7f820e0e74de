/**
 * One commit told to many sockets, and what many sockets cost the commits. The sockets are in this process, so they share the cores with the
 * server. `node bench/realtime-fan-out.ts` runs it alone.
 */
import { randomBytes } from 'node:crypto';
import type { WorkspaceId } from '../shared/core/ids.ts';
import { type StackClient, newRequestId, openClient } from '../tests/local/stack-client.ts';
import { withStack } from './bench-stack.ts';
import { percentilesOf } from './percentiles.ts';
import { type Listener, closeListeners, openListeners } from './realtime-listeners.ts';
import { figure, machineLine, printTable } from './table.ts';

const socketsOfFanOut = 500;
const rounds = 30;
const socketsOfLoad = 200;
const loadSeconds = 5;
const writers = 8;

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

/** Resolves with the times, since `began`, at which each of the listeners had heard of a commit from `seq` on. */
function heardAt(listeners: readonly Listener[], after: number, began: number): Promise<readonly number[]> {
  return Promise.all(
    listeners.map(
      (listener) =>
        new Promise<number>((resolve) => {
          listener.onCommit = ({ seq }) => {
            if (seq > after) resolve(performance.now() - began);
          };
        }),
    ),
  );
}

async function benchOneCommit(writer: Writer): Promise<void> {
  const listeners = await openListeners(writer.client, writer.workspaceId, socketsOfFanOut);
  const answered: number[] = [];
  const first: number[] = [];
  const last: number[] = [];
  let seq = await commitOnce(writer);
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const heard = heardAt(listeners, seq, began);
    seq = await commitOnce(writer);
    answered.push(performance.now() - began);
    const times = await heard;
    first.push(Math.min(...times));
    last.push(Math.max(...times));
  }
  await closeListeners(listeners);
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

/** Commits a second of `writers` clients that never rest. */
async function commitsPerSecond(writer: Writer): Promise<number> {
  const began = performance.now();
  const end = began + loadSeconds * 1_000;
  let commits = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < end) {
      await commitOnce(writer);
      commits++;
    }
  };
  await Promise.all(Array.from({ length: writers }, work));
  return (commits / (performance.now() - began)) * 1_000;
}

async function benchLoad(writer: Writer): Promise<void> {
  await commitsPerSecond(writer);
  const alone = await commitsPerSecond(writer);
  const listeners = await openListeners(writer.client, writer.workspaceId, socketsOfLoad);
  const heard = await commitsPerSecond(writer);
  const seq = await commitOnce(writer);
  await Promise.all(
    listeners.map(
      (listener) =>
        new Promise<void>((resolve) => {
          if ((listener.seqs.at(-1) ?? 0) >= seq) return resolve();
          listener.onCommit = (event) => {
            if (event.seq >= seq) resolve();
          };
        }),
    ),
  );
  const events = Math.round(listeners.reduce((sum, { seqs }) => sum + seqs.length, 0) / listeners.length);
  await closeListeners(listeners);
  const again = await commitsPerSecond(writer);
  const without = (alone + again) / 2;
  const column = 'figure';
  printTable(`Commits of ${writers} clients in one workspace while ${socketsOfLoad} sockets listen`, [
    { row: 'commits/s, nobody listens', column, text: figure(without) },
    { row: `commits/s, ${socketsOfLoad} sockets listen`, column, text: figure(heard) },
    { row: 'share that is left', column, text: figure(heard / without) },
    { row: 'events that each socket got', column, text: figure(events) },
  ]);
}

export async function benchFanOut(): Promise<void> {
  await withStack(async ({ endpoints: { server } }) => {
    const writer = await openWriter(server);
    await benchOneCommit(writer);
    await benchLoad(writer);
  });
}

if (import.meta.main) {
  await benchFanOut();
  console.log(machineLine());
}
