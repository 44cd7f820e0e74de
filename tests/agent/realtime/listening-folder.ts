/** A folder that writes down what the channel tells it. */
import assert from 'node:assert/strict';
import {
  type DeviceId,
  type WorkspaceId,
  parseDeviceId,
  parseDigest,
  parseWorkspaceId,
} from '../../../shared/core/ids.ts';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import type { Channel, ChannelSeat } from '../../../client/agent/realtime/channel.ts';

export function workspaceOf(n: number): WorkspaceId {
  return parseWorkspaceId(n.toString(16).padStart(32, '0'));
}

export function deviceOf(n: number): DeviceId {
  return parseDeviceId(n.toString(16).padStart(32, 'd'));
}

export function commitOf(n: number, seq: number): RealtimeEvent {
  return {
    kind: 'commit',
    workspaceId: workspaceOf(n),
    seq,
    root: parseDigest('ab'.repeat(32)),
    deviceId: deviceOf(99),
  };
}

export class ListeningFolder {
  readonly workspaceId: WorkspaceId;
  readonly deviceId: DeviceId;
  readonly heard: RealtimeEvent[] = [];
  /** Each word about liveness, in order. */
  readonly lives: boolean[] = [];
  readonly seat: ChannelSeat;
  #isJoined = true;
  #wake: () => void = () => undefined;

  constructor(channel: Channel, n: number, device = 1, onLive: (isLive: boolean) => void = () => undefined) {
    this.workspaceId = workspaceOf(n);
    this.deviceId = deviceOf(device);
    this.seat = channel.join(this, {
      heard: (event) => {
        assert.ok(this.isLive && this.#isJoined, 'only who is live hears');
        assert.equal(event.workspaceId, this.workspaceId, 'and only of its own workspace');
        this.heard.push(event);
        this.#wake();
      },
      live: (isLive) => {
        assert.ok(this.#isJoined, 'who left is told nothing');
        assert.equal(isLive, !this.isLive, 'each word is news');
        this.lives.push(isLive);
        onLive(isLive);
      },
    });
  }

  get isLive(): boolean {
    return this.lives.at(-1) ?? false;
  }

  leave(): void {
    this.#isJoined = false;
    this.seat.leave();
  }

  /** Resolves when so many events were heard. For one caller. */
  async hears(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  seqs(): number[] {
    return this.heard.flatMap((event) => (event.kind === 'commit' ? [event.seq] : []));
  }
}
