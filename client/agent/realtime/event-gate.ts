/**
 * Thins out what arrives, by workspace: the first event passes at once, later ones wait for the end of a window, in which the newest of its
 * kind stands for the rest. So a flood costs its folder a bounded number of calls and bounded memory, and a single event no time.
 * Commits have windows of their own: no flood of other things delays them, and the second after a rest waits less than those of a flood.
 * A commit with a higher `seq` counts as newer, since the one with the highest is news if any of them is.
 *
 *     commits, in ms     0    20   40         180   290   400
 *     passed             0         50 (40)              300 (290), 550 (400)
 */
import type { Timers } from '../watch/timers.ts';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import { channelPace } from './channel-pace.ts';

/** Events that stand for each other have the same key. */
function keyOf(event: RealtimeEvent): string {
  if (event.kind === 'commit') return 'commit';
  return event.kind === 'progress' ? `progress:${event.sessionId}` : `presence:${event.deviceId}`;
}

interface Window {
  readonly pending: Map<string, RealtimeEvent>;
  /** Whether what comes next passes at once, and opens another. */
  isAjar: boolean;
  callOff: () => void;
}

export class EventGate {
  readonly #timers: Timers;
  readonly #pass: (event: RealtimeEvent) => void;
  readonly #windows = new Map<string, Window>();

  constructor(timers: Timers, pass: (event: RealtimeEvent) => void) {
    this.#timers = timers;
    this.#pass = pass;
  }

  /** Only for workspaces of a bounded set. False when it was dropped. */
  take(event: RealtimeEvent): boolean {
    const isCommit = event.kind === 'commit';
    const name = `${event.workspaceId}:${isCommit ? 'commit' : 'other'}`;
    const window = this.#windows.get(name);
    if (window === undefined || window.isAjar) {
      window?.callOff();
      this.#open(name, isCommit && window === undefined);
      this.#pass(event);
      return true;
    }
    const key = keyOf(event);
    const before = window.pending.get(key);
    if (before === undefined && window.pending.size >= channelPace.heardPendingMax) return false;
    if (before?.kind === 'commit' && event.kind === 'commit' && before.seq >= event.seq) return true;
    window.pending.set(key, event);
    return true;
  }

  /** What waits is gone. */
  clear(): void {
    for (const window of this.#windows.values()) window.callOff();
    this.#windows.clear();
  }

  /** `isFirst`: it comes after a rest, and what passes next may pass early. */
  #open(name: string, isFirst: boolean): void {
    const { heardEveryMs, heardSecondMs } = channelPace;
    const callOff = isFirst
      ? this.#timers.after(heardSecondMs, () => this.#setAjar(name))
      : this.#timers.after(heardEveryMs, () => this.#endWindow(name));
    this.#windows.set(name, { pending: new Map(), isAjar: false, callOff });
  }

  #setAjar(name: string): void {
    const window = this.#windows.get(name);
    if (window === undefined) return;
    if (window.pending.size > 0) return this.#endWindow(name);
    const { heardEveryMs, heardSecondMs } = channelPace;
    window.isAjar = true;
    window.callOff = this.#timers.after(heardEveryMs - heardSecondMs, () => this.#endWindow(name));
  }

  #endWindow(name: string): void {
    const events = [...(this.#windows.get(name)?.pending.values() ?? [])];
    this.#windows.delete(name);
    if (events.length === 0) return;
    this.#open(name, false);
    for (const event of events) this.#pass(event);
  }
}
