/** An announcer over a service whose calls end when the test says so, in time that the test moves. */
import { type SentMessage, createMemoryNotifier } from '../../../../shared/adapters/memory/memory-notifier.ts';
import { TidemarkError } from '../../../../shared/core/errors.ts';
import { parseSessionId, parseWorkspaceId } from '../../../../shared/core/ids.ts';
import { type RealtimeEvent, decodeRealtimeEvent } from '../../../../shared/core/wire/realtime-event.ts';
import type { LogFields } from '../../../../shared/ports/log.ts';
import { createAnnouncer } from '../../../../shared/services/realtime/create-announcer.ts';
import { createManualClock } from '../../../contracts/manual-clock.ts';
import { createManualTimers } from '../../../contracts/manual-timers.ts';
import { ann, deviceOf, digestOf } from '../../../contracts/metadata-records.ts';

const hex32 = (n: number): string => n.toString(16).padStart(32, '0');
export const workspaceOf = (n: number) => parseWorkspaceId(hex32(n));

export function commitOf(workspace: number, seq: number): RealtimeEvent {
  const { deviceId } = deviceOf(1);
  return { kind: 'commit', workspaceId: workspaceOf(workspace), seq, root: digestOf(`root ${seq}`), deviceId };
}

export function progressOf(workspace: number, session: number, percent: number): RealtimeEvent {
  const sessionId = parseSessionId(hex32(session));
  return { kind: 'progress', workspaceId: workspaceOf(workspace), deviceId: deviceOf(1).deviceId, sessionId, percent };
}

export function presenceOf(workspace: number, device: number, state: 'idle' | 'syncing' | 'offline'): RealtimeEvent {
  return {
    kind: 'presence',
    workspaceId: workspaceOf(workspace),
    userId: ann,
    deviceId: deviceOf(device).deviceId,
    state,
  };
}

/** A call that the service has not answered yet. */
export interface HeldCall {
  readonly what: string;
  /** Of an event that is sent. */
  readonly event: RealtimeEvent | undefined;
  readonly signal: AbortSignal | undefined;
  succeed(): void;
  fail(): void;
}

const down = () => new TidemarkError('unavailable', 'the service is down');

export type AnnouncerWorld = ReturnType<typeof createAnnouncerWorld>;

export function createAnnouncerWorld() {
  const clock = createManualClock();
  const timers = createManualTimers();
  const notifier = createMemoryNotifier({ clock });
  const held: HeldCall[] = [];
  const logged: { readonly level: string; readonly fields: LogFields; readonly message: string }[] = [];
  const counts = new Map<string, number>();
  const note = (level: string) => (fields: LogFields, message: string) => void logged.push({ level, fields, message });
  notifier.before = (call, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const what = call.kind === 'send' ? describe(call) : `${call.kind} ${call.id}`;
    const end = (work: () => void) => () => {
      const at = held.indexOf(entry);
      if (at >= 0) held.splice(at, 1);
      work();
    };
    const event = call.kind === 'send' ? eventOf(call) : undefined;
    const entry = { what, event, signal, succeed: end(resolve), fail: end(() => reject(down())) };
    held.push(entry);
    return promise;
  };
  const announcer = createAnnouncer({
    notifier,
    clock,
    timers,
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    metrics: {
      count: (name, amount, attributes = {}) => {
        const key = `${name.split('.')[1]} ${Object.values(attributes).join(' ')}`;
        counts.set(key, (counts.get(key) ?? 0) + amount);
      },
      record: () => undefined,
    },
  });
  return { announcer, clock, timers, notifier, held, logged, counts };
}

export function eventOf({ message }: SentMessage): RealtimeEvent {
  return decodeRealtimeEvent(message);
}

/** `commit 1: 7`, `progress 1/2: 50`, `presence 1/2: idle`. */
export function describe(sent: SentMessage): string {
  const event = eventOf(sent);
  const place = (id: string) => Number.parseInt(id, 16);
  const workspace = place(event.workspaceId);
  if (event.kind === 'commit') return `commit ${workspace}: ${event.seq}`;
  if (event.kind === 'progress') return `progress ${workspace}/${place(event.sessionId)}: ${event.percent}`;
  return `presence ${workspace}/${place(event.deviceId)}: ${event.state}`;
}

/** Lets go on what can go on without time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What tells whether a promise has resolved; a rejection fails the run. */
export function watch(promise: Promise<void>): { isDone: boolean } {
  const watched = { isDone: false };
  void promise.then(() => (watched.isDone = true));
  return watched;
}
