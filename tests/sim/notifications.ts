/**
 * The realtime service of the simulation: what the server announces reaches each device that listens never, once or several times, each copy
 * when the scheduler says so, and so in any order. Devices also hear what nobody announced: of seqs that never were or are long gone,
 * of other workspaces, bytes that are no event. Once the faults have ended nothing is made up, and who is to hear hears.
 */
import { blake3Digest } from '../../shared/core/hash/blake3.ts';
import { bytesToWorkspaceId, parseUserId } from '../../shared/core/ids.ts';
import {
  type CommitEvent,
  type RealtimeEvent,
  decodeRealtimeEvent,
  encodeRealtimeEvent,
} from '../../shared/core/wire/realtime-event.ts';
import { groupOfWorkspace } from '../../shared/ports/notifier.ts';
import type { Device } from './device.ts';
import type { Random } from './random.ts';
import type { Owner, Scheduler } from './scheduler.ts';
import type { Tally } from './tally.ts';

/** Copies of an event that a device gets, on average. */
export const deliveries = [0, 0.5, 1, 3] as const;
export type Delivery = (typeof deliveries)[number];

/** Copies of one event for one device, each of these as often; `calm` once the faults have ended. */
const copies: Readonly<Record<Delivery, { readonly stormy: readonly number[]; readonly calm: readonly number[] }>> = {
  0: { stormy: [0], calm: [0] },
  0.5: { stormy: [0, 0, 0, 0, 0, 1, 1, 2], calm: [0, 0, 0, 0, 0, 1, 1, 2] },
  1: { stormy: [1], calm: [1] },
  3: { stormy: [0, 1, 3, 4, 7], calm: [1, 2, 3, 4, 5] },
};

/** Weights of what is made up. */
const lies = { tooHigh: 4, tooLow: 2, foreign: 2, otherRoot: 2, otherKind: 1, garbled: 1 } as const;

export interface NotificationSetting {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly world: Owner;
  readonly tally: Tally;
  readonly delivery: Delivery;
  readonly isCalm: () => boolean;
  readonly devices: readonly Device[];
  readonly hear: (device: Device, bytes: Uint8Array) => void;
}

export interface Notifications {
  /** The service was given a message for a group. */
  send(group: string, message: Uint8Array): void;
  /** A device hears something that is not so. `truth`: what would be. */
  lie(device: Device, truth: CommitEvent): void;
}

export function createNotifications(setting: NotificationSetting): Notifications {
  const { scheduler, random, world, tally, delivery, devices } = setting;

  const newest = new Map<Device, number>();

  /** Of what was announced. */
  function noteOrder(device: Device, seq: number): void {
    const before = newest.get(device) ?? 0;
    if (seq < before) tally.fault('notification after a newer one');
    newest.set(device, Math.max(seq, before));
  }

  function arriveLater(device: Device, message: Uint8Array, label: string, seq?: number): void {
    const { process } = device.agent;
    scheduler.later(world, `${label} for ${device.agent.name}`, () => {
      if (!device.watch.isListening || device.agent.isDead) {
        tally.fault('notification unheard');
        return;
      }
      if (device.agent.process !== process) tally.fault('notification after a restart');
      if (device.isCut) tally.fault('notification while cut off');
      if (seq !== undefined) noteOrder(device, seq);
      setting.hear(device, message);
    });
  }

  function lie(device: Device, truth: CommitEvent): void {
    const kind = random.weighted(lies);
    tally.fault(`notification ${kind}`);
    const message = madeUp(truth, kind, random);
    for (let times = random.pick([1, 1, 3]); times > 0; times--) arriveLater(device, message, `${kind} notification`);
  }

  function send(group: string, message: Uint8Array): void {
    const event = decodeRealtimeEvent(message);
    if (event.kind !== 'commit' || group !== groupOfWorkspace(event.workspaceId)) return;
    const { stormy, calm } = copies[delivery];
    for (const device of devices) {
      if (!device.watch.isListening) continue;
      const times = random.pick(setting.isCalm() ? calm : stormy);
      if (times !== 1) tally.fault(times === 0 ? 'notification lost' : 'notification repeated');
      for (let i = 0; i < times; i++) arriveLater(device, message, `notification of ${event.seq}`, event.seq);
    }
  }

  return { send, lie };
}

function madeUp(event: CommitEvent, kind: keyof typeof lies, random: Random): Uint8Array {
  const { workspaceId, deviceId, seq } = event;
  const asEvent = (made: RealtimeEvent): Uint8Array => encodeRealtimeEvent(made);
  switch (kind) {
    case 'tooHigh':
      return asEvent({ ...event, seq: seq + 1 + random.below(1_000) });
    case 'tooLow':
      return asEvent({ ...event, seq: random.below(seq + 1) });
    case 'foreign':
      return asEvent({ ...event, workspaceId: bytesToWorkspaceId(random.bytes(16)), seq: seq + 1 });
    case 'otherRoot':
      return asEvent({ ...event, root: blake3Digest(random.bytes(8)) });
    case 'otherKind':
      return asEvent({ kind: 'presence', workspaceId, deviceId, userId: parseUserId('sim|ann'), state: 'syncing' });
    case 'garbled':
      return asEvent(event).slice(0, -1 - random.below(8));
  }
}
