/**
 * What a client that stands still costs the endpoint, and what it gets when it goes on. First the endpoint alone: ten thousand events, each of them
 * sent, to one socket that reads none. Then the whole way: a `tide watch` that is stopped while ten thousand commits are made, and one that is
 * stopped until its connection is gone for good.
 * `node bench/realtime-stalled.ts` runs it alone.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startWebPubSubProcess } from '../local/web-pubsub-process.ts';
import { createWebPubSubNotifier } from '../shared/adapters/web-pubsub/web-pubsub-notifier.ts';
import { systemClock } from '../shared/adapters/node/system-clock.ts';
import { bytesToDeviceId, bytesToDigest, bytesToWorkspaceId, parseUserId } from '../shared/core/ids.ts';
import { decodeRealtimeEvent, encodeRealtimeEvent } from '../shared/core/wire/realtime-event.ts';
import { groupOfWorkspace } from '../shared/ports/notifier.ts';
import { Watching } from '../tests/e2e/watching.ts';
import { newRequestId, openClient } from '../tests/local/stack-client.ts';
import { withStack } from './bench-stack.ts';
import { Device } from './demo/device.ts';
import { memoryMiB } from './process-figures.ts';
import { type Cell, figure, machineLine, printTable } from './table.ts';

const events = 10_000;
const sentAtOnce = 16;
const writers = 8;
const patienceMs = 600_000;
/**
 * Many commits; and few, but until the endpoint has given up its connection: it drops sockets that answered no ping for 20 to 40 seconds, and
 * waits 35 more for their clients.
 */
const stops: readonly Stop[] = [
  { column: 'many commits', commits: 10_000, atLeastMs: 0 },
  { column: 'a long time', commits: 200, atLeastMs: 85_000 },
];

/** Runs `work` for each number below `count`, some at once. */
async function inParallel(count: number, width: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** A socket of the reliable subprotocol that has joined and reads nothing more until it is resumed. */
async function openStalled(
  url: string,
  group: string,
): Promise<{ readonly socket: WebSocket; readonly seqs: number[] }> {
  const socket = new WebSocket(url, 'json.reliable.webpubsub.azure.v1');
  const seqs: number[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Readonly<Record<string, unknown>>;
      if (frame['event'] === 'connected') socket.send(JSON.stringify({ type: 'joinGroup', group, ackId: 1 }));
      else if (frame['type'] === 'ack') resolve();
      else if (frame['type'] === 'message') {
        const event = decodeRealtimeEvent(Buffer.from(String(frame['data']), 'base64'));
        if (event.kind === 'commit') seqs.push(event.seq);
      }
    });
  });
  socket.pause();
  return { socket, seqs };
}

async function benchEndpoint(): Promise<readonly Cell[]> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-endpoint-'));
  const keyFile = join(base, 'realtime.key');
  writeFileSync(keyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  const config = { host: '127.0.0.1', port: 0, keyFile, endpoint: null, webhookUrl: null };
  const endpoint = await startWebPubSubProcess(config);
  try {
    const access = endpoint.ready.connectionString;
    const notifier = createWebPubSubNotifier({ access, clock: systemClock });
    const [workspaceId, deviceId, root] = [
      bytesToWorkspaceId(randomBytes(16)),
      bytesToDeviceId(randomBytes(16)),
      bytesToDigest(randomBytes(32)),
    ];
    const group = groupOfWorkspace(workspaceId);
    const { url } = await notifier.clientUrl(parseUserId('bench|ann'), [group], 300);
    const stalled = await openStalled(url, group);
    const before = memoryMiB(endpoint.pid);
    let most = before;
    const began = performance.now();
    await inParallel(events, sentAtOnce, async (i) => {
      await notifier.send(group, encodeRealtimeEvent({ kind: 'commit', workspaceId, deviceId, root, seq: i + 1 }));
      if (i % 100 === 0) most = Math.max(most, memoryMiB(endpoint.pid));
    });
    const seconds = (performance.now() - began) / 1_000;
    stalled.socket.resume();
    const patience = performance.now() + 10_000;
    const isOpen = (): boolean => stalled.socket.readyState === WebSocket.OPEN;
    while (isOpen() && !stalled.seqs.includes(events) && performance.now() < patience) await sleep(10);
    const dropped = !isOpen();
    stalled.socket.terminate();
    const column = 'figure';
    return [
      { row: 'events sent', column, text: figure(events) },
      { row: 'events/s taken by the endpoint', column, text: figure(events / seconds) },
      { row: 'memory of the endpoint before, MiB', column, text: figure(before) },
      { row: 'most while they were sent, MiB', column, text: figure(most) },
      { row: 'events that the socket got when it read on', column, text: figure(stalled.seqs.length) },
      { row: 'the newest among them', column, text: stalled.seqs.includes(events) ? 'yes' : 'no' },
      { row: 'dropped as too slow', column, text: dropped ? 'yes' : 'no' },
    ];
  } finally {
    await endpoint.stop();
    rmSync(base, { recursive: true, force: true });
  }
}

/** Polls until `isTrue`; a measurement that hangs says so. */
async function until(what: string, isTrue: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`in vain: ${what}`);
    await sleep(20);
  }
}

const secondsSince = (began: number): number => (performance.now() - began) / 1_000;

interface Stop {
  readonly column: string;
  readonly commits: number;
  /** It is stopped for this long at least. */
  readonly atLeastMs: number;
}

async function benchStop(server: string, base: string, stop: Stop): Promise<readonly Cell[]> {
  const { column, commits, atLeastMs } = stop;
  const name = `stopped-${commits}`;
  const client = await openClient(server, 'ann');
  const workspaceId = await client.createWorkspace(name);
  const content = new Uint8Array(1_024).fill(7);
  await client.putFile(workspaceId, 'first', content);
  const put = (file: string): Promise<unknown> =>
    client.api.commit(client.newFile(workspaceId, file, content, []), newRequestId());
  const device = new Device(name, base);
  await device.link(server, 'ann', name);
  const watching = new Watching(device, [device.folder, '--poll', '3600']);
  const isLive = (): boolean => watching.lines.findLast(({ event }) => event === 'realtime')?.['state'] === 'connected';
  const files = (): number => readdirSync(device.folder).filter((file) => !file.startsWith('.')).length;
  try {
    await until('the first sync', () => watching.told('synced') && isLive());
    watching.child.kill('SIGSTOP');
    const began = performance.now();
    await inParallel(commits, writers, (i) => put(`file-${i}`));
    const taken = secondsSince(began);
    await sleep(Math.max(0, atLeastMs - taken * 1_000));
    const stopped = secondsSince(began);
    const linesBefore = watching.lines.length;
    const woken = performance.now();
    watching.child.kill('SIGCONT');
    await until('all files', () => files() === commits + 1);
    const hasAll = secondsSince(woken);
    // What became of its connection it learns within moments.
    await sleep(1_000);
    await until('a live connection', isLive);
    const isNew = watching.lines
      .slice(linesBefore)
      .some(({ event, state }) => event === 'realtime' && state !== 'connected');
    const later = performance.now();
    await put('afterwards');
    await until('a commit afterwards', () => files() === commits + 2);
    return [
      { row: 'commits while it was stopped', column, text: figure(commits) },
      { row: 'commits/s meanwhile', column, text: figure(commits / taken) },
      { row: 'seconds that it was stopped', column, text: figure(stopped) },
      { row: 'seconds until it had all of them', column, text: figure(hasAll) },
      { row: 'told of the loss of its connection', column, text: isNew ? 'yes' : 'no' },
      { row: 'seconds from a commit afterwards to its file', column, text: figure(secondsSince(later)) },
    ];
  } finally {
    watching.child.kill('SIGCONT');
    await watching.stop();
  }
}

async function benchStoppedWatch(): Promise<readonly Cell[]> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-stalled-'));
  try {
    return await withStack(async ({ endpoints: { server } }) => {
      const cells: Cell[] = [];
      for (const stop of stops) cells.push(...(await benchStop(server, base, stop)));
      return cells;
    });
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

export async function benchStalled(): Promise<void> {
  printTable('A socket that reads nothing', await benchEndpoint());
  printTable('A `tide watch` that is stopped, and goes on; it polls once an hour', await benchStoppedWatch());
}

if (import.meta.main) {
  await benchStalled();
  console.log(machineLine());
}
