/**
 * The folders that a channel is kept open for, in the order in which they came. A folder that left is told nothing more, even by a round of
 * calls that is going on; so leaving, or clearing the roster, is safe in any listener.
 */
import { limits } from '../../../shared/core/limits.ts';
import type { WorkspaceId } from '../../../shared/core/ids.ts';
import type { PresenceReport } from '../../../shared/core/wire/presence.ts';
import type { RealtimeEvent } from '../../../shared/core/wire/realtime-event.ts';
import type { Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import type { ChannelListener } from './channel.ts';

export interface Folder {
  readonly seat: Seat;
  readonly listener: ChannelListener;
  isLive: boolean;
  state: 'idle' | 'syncing';
}

/** The same text for the same workspace and device. */
export function seatKey(seat: Seat): string {
  return `${seat.workspaceId}:${seat.deviceId}`;
}

/** Whether both have the same seats, in whatever order. Neither has one twice. */
export function areSameSeats(one: readonly Seat[], other: readonly Seat[]): boolean {
  return one.length === other.length && seatsBeyond(one, other).length === 0;
}

/** Those of `all` that are not in `some`. */
export function seatsBeyond(all: readonly Seat[], some: readonly Seat[]): readonly Seat[] {
  const known = new Set(some.map(seatKey));
  return all.filter((seat) => !known.has(seatKey(seat)));
}

export class FolderRoster {
  readonly #folders = new Set<Folder>();

  add(seat: Seat, listener: ChannelListener): Folder {
    const folder: Folder = { seat, listener, isLive: false, state: 'idle' };
    this.#folders.add(folder);
    return folder;
  }

  /** False when it was not there any more. */
  remove(folder: Folder): boolean {
    return this.#folders.delete(folder);
  }

  clear(): void {
    this.#folders.clear();
  }

  /** The seats that one connection is to serve, each once, and how many more there are. */
  wanted(): { readonly seats: readonly Seat[]; readonly beyond: number } {
    const distinct = [...new Map([...this.#folders].map(({ seat }) => [seatKey(seat), seat])).values()];
    const seats = distinct.slice(0, limits.realtimeSeatsMax);
    return { seats, beyond: distinct.length - seats.length };
  }

  /** Tells each folder whose liveness is not what `isLive` says. */
  setLive(isLive: (seat: Seat) => boolean): void {
    for (const folder of this.#folders) {
      const becomes = isLive(folder.seat);
      if (folder.isLive === becomes) continue;
      folder.isLive = becomes;
      folder.listener.live(becomes);
    }
  }

  /** Whether somebody would hear of it. */
  hears(workspaceId: WorkspaceId): boolean {
    return [...this.#folders].some(({ seat, isLive }) => isLive && seat.workspaceId === workspaceId);
  }

  hear(event: RealtimeEvent): void {
    for (const folder of this.#folders) {
      if (folder.isLive && folder.seat.workspaceId === event.workspaceId) folder.listener.heard(event);
    }
  }

  /** What those of the seats that are still taken are doing. Of two folders with one seat the busier counts. */
  states(seats: readonly Seat[]): PresenceReport['folders'] {
    const folders = [...this.#folders];
    return seats.flatMap((seat) => {
      const own = folders.filter((folder) => seatKey(folder.seat) === seatKey(seat));
      if (own.length === 0) return [];
      const isBusy = own.some(({ state }) => state === 'syncing');
      return [{ ...seat, state: isBusy ? ('syncing' as const) : ('idle' as const) }];
    });
  }
}
