import type { RealtimeEvent } from '../../../core/wire/realtime-event.ts';

/** Events under one key are words on the same thing, and only the last of them counts. */
export function keyOf(event: RealtimeEvent): string {
  switch (event.kind) {
    case 'commit':
      return `commit ${event.workspaceId}`;
    case 'progress':
      return `progress ${event.workspaceId} ${event.sessionId}`;
    case 'presence':
      return `presence ${event.workspaceId} ${event.deviceId}`;
  }
}

/** An event on its way. While it waits, a newer one under its key may take its place, and its callers with it. */
export interface Announcement {
  readonly key: string;
  event: RealtimeEvent;
  /** When it was sent, failed, or was dropped. Never rejects. */
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

/**
 * Events that wait to be sent, one a key; those whose key is free are taken in the order in which it became free. When they are too many the
 * oldest goes: of progress and presence while there are any, because they are soon followed by another; a commit perhaps is not.
 */
export class WaitingEvents {
  readonly #max: number;
  readonly #commits = new Line();
  readonly #others = new Line();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#commits.waiting.size + this.#others.waiting.size;
  }

  get(key: string): Announcement | undefined {
    return this.#commits.waiting.get(key) ?? this.#others.waiting.get(key);
  }

  /** Returns what no longer waits because of it, perhaps itself. Nothing waits under its key. */
  add(announcement: Announcement, isFree: boolean): Announcement | undefined {
    const { key, event } = announcement;
    const line = event.kind === 'commit' ? this.#commits : this.#others;
    line.waiting.set(key, announcement);
    if (isFree) line.free.add(key);
    if (this.size <= this.#max) return undefined;
    return this.#others.takeOldest() ?? this.#commits.takeOldest();
  }

  /** What waits under this key, if anything, may be sent now. */
  free(key: string): void {
    for (const line of [this.#commits, this.#others]) if (line.waiting.has(key)) line.free.add(key);
  }

  /** The next one whose key is free; commits first. */
  take(): Announcement | undefined {
    return this.#commits.takeFree() ?? this.#others.takeFree();
  }
}

class Line {
  /** In the order in which their keys came. */
  readonly waiting = new Map<string, Announcement>();
  /** Of them those that may be sent, in the order in which they might. */
  readonly free = new Set<string>();

  takeOldest(): Announcement | undefined {
    for (const key of this.waiting.keys()) return this.#take(key);
    return undefined;
  }

  takeFree(): Announcement | undefined {
    for (const key of this.free) return this.#take(key);
    return undefined;
  }

  #take(key: string): Announcement | undefined {
    const announcement = this.waiting.get(key);
    this.waiting.delete(key);
    this.free.delete(key);
    return announcement;
  }
}
