/**
 * How far the uploads of a workspace's devices are, as they tell it: for people to see, and for nothing else. The newest word of a device counts, and
 * only for as long as a device that says nothing counts as there; a device that is through, or goes, or comes to rest, has none. What is kept is
 * bounded, whatever is sent.
 */
import type { DeviceId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import type { Timers } from '../watch/timers.ts';
import type { ChannelListener } from './channel.ts';

export interface HeardUpload {
  readonly deviceId: DeviceId;
  /** 0 to 99. */
  readonly percent: number;
}

interface Word {
  readonly percent: number;
  readonly atMs: number;
}

export class HeardUploads {
  readonly #timers: Pick<Timers, 'now'>;
  /** The oldest word first. */
  readonly #words = new Map<DeviceId, Word>();

  constructor(timers: Pick<Timers, 'now'>) {
    this.#timers = timers;
  }

  /** A listener that hears what `listener` does. */
  beside(listener: ChannelListener): ChannelListener {
    return {
      heard: (event) => {
        this.#hear(event);
        listener.heard(event);
      },
      live: (isLive) => {
        // What is said meanwhile is missed, so nothing that was said before is known to hold.
        this.#words.clear();
        listener.live(isLive);
      },
    };
  }

  list(): readonly HeardUpload[] {
    const since = this.#timers.now() - limits.presenceLiveSeconds * 1_000;
    return [...this.#words]
      .filter(([, { atMs }]) => atMs >= since)
      .map(([deviceId, { percent }]) => ({ deviceId, percent }));
  }

  #hear(event: RealtimeEvent): void {
    if (event.kind === 'commit' || (event.kind === 'presence' && event.state === 'syncing')) return;
    this.#words.delete(event.deviceId);
    if (event.kind === 'presence' || event.percent === 100) return;
    this.#words.set(event.deviceId, { percent: event.percent, atMs: this.#timers.now() });
    const oldest = this.#words.keys().next();
    if (oldest.done !== true && this.#words.size > limits.presenceListedMax) this.#words.delete(oldest.value);
  }
}
