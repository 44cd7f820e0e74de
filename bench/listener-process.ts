/** The sockets of realtime-listeners.ts: a process of its own, so that what they cost is told apart from what the service costs. */
import process from 'node:process';
import { WebSocket } from 'ws';
import { decodeRealtimeEvent } from '../shared/core/wire/realtime-event.ts';
import { machineMs } from './process-figures.ts';

export type ToListeners =
  | { readonly kind: 'open'; readonly url: string; readonly group: string; readonly count: number }
  /** Asks when an event of a commit from `seq` on was heard. Answered when all sockets have heard one. */
  | { readonly kind: 'wait'; readonly seq: number };

export type FromListeners =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'heard';
      /** By `machineMs`: when the first socket had heard it, and the last. */
      readonly firstMs: number;
      readonly lastMs: number;
      /** Commits that each socket has heard of until now, on average. */
      readonly events: number;
    };

interface Heard {
  readonly seq: number;
  readonly atMs: number;
}

interface Frame {
  readonly type?: string;
  readonly event?: string;
  readonly dataType?: string;
  readonly data?: unknown;
  readonly success?: boolean;
}

const atOnce = 50;
/** Of each socket. */
const heard: Heard[][] = [];
let waitsFor: number | undefined;

function say(message: FromListeners): void {
  process.send?.(message);
}

function answerIfAll(): void {
  const seq = waitsFor;
  if (seq === undefined) return;
  const first = heard.map((each) => each.find((one) => one.seq >= seq)?.atMs);
  const times = first.filter((atMs) => atMs !== undefined);
  if (times.length < heard.length) return;
  waitsFor = undefined;
  const events = heard.reduce((sum, each) => sum + each.length, 0) / heard.length;
  say({ kind: 'heard', firstMs: Math.min(...times), lastMs: Math.max(...times), events });
}

/** Cheap for the events between: only a socket that may have been the last one looks at the others. */
function take(mine: Heard[], frame: Frame): void {
  if (frame.type !== 'message' || frame.dataType !== 'binary') return;
  const event = decodeRealtimeEvent(Buffer.from(String(frame.data), 'base64'));
  if (event.kind !== 'commit') return;
  const isNews = waitsFor !== undefined && event.seq >= waitsFor && (mine.at(-1)?.seq ?? 0) < waitsFor;
  mine.push({ seq: event.seq, atMs: machineMs() });
  if (isNews) answerIfAll();
}

/** Resolves when the socket is in the group. */
function openOne(url: string, group: string): Promise<void> {
  const socket = new WebSocket(url, 'json.webpubsub.azure.v1');
  const mine: Heard[] = [];
  heard.push(mine);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Frame;
      if (frame.type === 'system' && frame.event === 'connected') {
        socket.send(JSON.stringify({ type: 'joinGroup', group, ackId: 1 }));
      } else if (frame.type === 'ack') {
        if (frame.success === true) resolve();
        else reject(new Error('a listener may not join'));
      } else {
        take(mine, frame);
      }
    });
  });
}

async function open({ url, group, count }: Extract<ToListeners, { readonly kind: 'open' }>): Promise<void> {
  try {
    while (heard.length < count) {
      const some = Math.min(atOnce, count - heard.length);
      await Promise.all(Array.from({ length: some }, () => openOne(url, group)));
    }
    say({ kind: 'open' });
  } catch (error) {
    // Of errors of sockets only the kind: they may name the URL, which has a token.
    say({ kind: 'failed', message: error instanceof Error ? error.name : 'unknown' });
  }
}

process.on('disconnect', () => process.exit());
process.on('message', (message: ToListeners) => {
  if (message.kind === 'open') return void open(message);
  waitsFor = message.seq;
  answerIfAll();
});
