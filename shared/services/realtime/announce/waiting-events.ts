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
 * Events that wait to be sent, one a key, in the order in which their keys came. When they are too many the oldest goes: of progress and
 * presence while there are any, because they are soon followed by another; a commit perhaps is not.
 */
export class WaitingEvents {
  readonly #max: number;
  readonly #commits = new Map<string, Announcement>();
  readonly #others = new Map<string, Announcement>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#commits.size + this.#others.size;
  }

  get(key: string): Announcement | undefined {
    return this.#commits.get(key) ?? this.#others.get(key);
  }

  /** Returns what no longer waits because of it, perhaps itself. Nothing waits under its key. */
  add(announcement: Announcement): Announcement | undefined {
    const queue = announcement.event.kind === 'commit' ? this.#commits : this.#others;
    queue.set(announcement.key, announcement);
    if (this.size <= this.#max) return undefined;
    return takeFirst(this.#others, () => true) ?? takeFirst(this.#commits, () => true);
  }

  /** The next one whose key is free; commits first. */
  take(isFree: (key: string) => boolean): Announcement | undefined {
    return takeFirst(this.#commits, isFree) ?? takeFirst(this.#others, isFree);
  }
}

function takeFirst(queue: Map<string, Announcement>, isWanted: (key: string) => boolean): Announcement | undefined {
  for (const [key, announcement] of queue) {
    if (!isWanted(key)) continue;
    queue.delete(key);
    return announcement;
  }
  return undefined;
}
