/**
 * The channel over a connection that may end at any time, and a server that may say anything. A folder is told that it is live only while its
 * group is joined on an open connection, and told that it is not whenever that ends, before anything else is tried; there is at most one
 * connection; and it is tried again for ever, at waits that are bounded and have chance in them. State is one value of `ChannelState`,
 * and there is at most one timer or negotiation for it, which ends with it.
 *
 * Not guaranteed: that anything is heard while a folder is live. A line that breaks is noticed within a minute, and a service may be silent.
 */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { WorkspaceId } from '../../../shared/core/ids.ts';
import { type RealtimeEvent, decodeRealtimeEvent, groupOfWorkspace } from '../../../shared/core/wire/realtime-event.ts';
import type { Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import { aboutMs } from '../watch/pace.ts';
import type { Channel, ChannelListener, ChannelSeat } from './channel.ts';
import type { ChannelNeeds, LossReason } from './channel-needs.ts';
import { channelPace } from './channel-pace.ts';
import { ChannelReports } from './channel-reports.ts';
import { type ChannelState, type Link, type OpenTask, checkStep } from './channel-state.ts';
import { ChannelWaits, type Wait } from './channel-waits.ts';
import { EventGate } from './event-gate.ts';
import { FolderRoster, areSameSeats, seatsBeyond } from './folder-roster.ts';
import { type Negotiated, negotiateOnce } from './negotiation.ts';
import type { JoinResult } from './socket.ts';

/** Folders that come or go together are one negotiation. */
const soon: Wait = { ms: channelPace.gatherMs, absentFor: null };

class RealtimeChannel implements Channel {
  readonly #needs: ChannelNeeds;
  readonly #folders = new FolderRoster();
  readonly #gate: EventGate;
  readonly #waits: ChannelWaits;
  #state: ChannelState = { kind: 'idle' };
  /** Calls off what the state waits for. */
  #callOff: () => void = () => undefined;
  #reports: ChannelReports | undefined;
  #toldBeyond = 0;
  #toldRefused: readonly Seat[] = [];
  /** The last connection that was taken down by us. */
  #down: Promise<void> = Promise.resolve();

  constructor(needs: ChannelNeeds) {
    this.#needs = needs;
    this.#gate = new EventGate(needs.timers, (event) => this.#folders.hear(event));
    this.#waits = new ChannelWaits(needs.timers, needs.tell);
  }

  join(seat: Seat, listener: ChannelListener): ChannelSeat {
    const folder = this.#folders.add({ workspaceId: seat.workspaceId, deviceId: seat.deviceId }, listener);
    this.#seatsChanged();
    return {
      report: (state) => {
        folder.state = state;
        this.#reports?.changed();
      },
      progress: (sessionId, percent) => {
        if (folder.isLive) this.#reports?.progress(seat.workspaceId, sessionId, percent);
      },
      leave: () => {
        if (this.#folders.remove(folder)) this.#seatsChanged();
      },
    };
  }

  close(): Promise<void> {
    const before = this.#state;
    if (before.kind === 'closed') return this.#down;
    this.#become({ kind: 'closed' });
    this.#folders.clear();
    if (before.kind === 'connecting' || before.kind === 'open') this.#down = before.link.socket.close();
    return this.#down;
  }

  /** What the old state waited for, reported and was about to tell ends here. */
  #become(next: ChannelState): void {
    checkStep(this.#state.kind, next.kind);
    this.#callOff();
    this.#callOff = () => undefined;
    if (this.#state.kind === 'open') {
      this.#reports?.stop();
      this.#reports = undefined;
      this.#gate.clear();
    }
    this.#state = next;
  }

  #arm(ms: number, work: () => void): void {
    this.#callOff();
    this.#callOff = this.#needs.timers.after(ms, work);
  }

  #seatsChanged(): void {
    const { seats } = this.#folders.wanted();
    switch (this.#state.kind) {
      case 'idle':
        if (seats.length > 0) this.#wait(soon);
        return;
      case 'waiting': {
        const { absentFor } = this.#state;
        if (seats.length === 0) this.#become({ kind: 'idle' });
        else if (absentFor !== null && seatsBeyond(seats, absentFor).length > 0) this.#wait(soon);
        return;
      }
      case 'open':
        // A negotiation that is going on looks at the seats when it is over.
        if (this.#state.task !== 'asking' && this.#state.task !== 'soon') this.#reviewIn(channelPace.gatherMs, 'soon');
        return;
      case 'negotiating':
      case 'connecting':
      case 'ending':
      case 'closed':
      // What is under way looks at the seats when it is over.
    }
  }

  #wait({ ms, absentFor }: Wait): void {
    if (this.#folders.wanted().seats.length === 0) {
      this.#become({ kind: 'idle' });
      return;
    }
    this.#become({ kind: 'waiting', absentFor });
    this.#arm(ms, () => this.#negotiate());
  }

  #negotiate(): void {
    this.#become({ kind: 'negotiating' });
    this.#ask((asked, result) => {
      if (result.kind === 'granted') this.#connect(asked, result.url, result.seats);
      else if (result.kind === 'absent') this.#wait(this.#waits.afterAbsence(asked));
      else this.#wait(this.#waits.afterFailure(result));
    });
  }

  #ask(done: (asked: readonly Seat[], result: Negotiated) => void): void {
    const { seats, beyond } = this.#folders.wanted();
    if (beyond !== this.#toldBeyond) {
      this.#toldBeyond = beyond;
      this.#needs.tell({ kind: 'crowded', folders: beyond });
    }
    this.#callOff();
    this.#callOff = negotiateOnce(this.#needs, seats, (result) => done(seats, result));
  }

  #connect(asked: readonly Seat[], url: string, granted: readonly Seat[]): void {
    if (this.#folders.wanted().seats.length === 0) {
      this.#become({ kind: 'idle' });
      return;
    }
    const socket = this.#needs.openSocket(url, {
      opened: () => this.#joinGroups(link),
      message: (bytes) => this.#read(link, bytes),
      dropped: () => this.#waits.noteDropped(),
      ended: (reason, askedMs) => {
        if (!this.#isAt(link)) return;
        this.#wait(this.#waits.afterLoss(reason, askedMs, this.#lastedMs()));
        this.#folders.setLive(() => false);
      },
    });
    const link: Link = { socket, asked, granted };
    this.#become({ kind: 'connecting', link });
    this.#arm(channelPace.connectMaxMs, () => this.#giveUp('slow'));
  }

  #isAt(link: Link): boolean {
    return (this.#state.kind === 'connecting' || this.#state.kind === 'open') && this.#state.link === link;
  }

  #joinGroups(link: Link): void {
    if (!this.#isAt(link)) return;
    const workspaces = [...new Set(link.granted.map(({ workspaceId }) => workspaceId))];
    const join = async (workspaceId: WorkspaceId): Promise<readonly [WorkspaceId, JoinResult]> => [
      workspaceId,
      await link.socket.join(groupOfWorkspace(workspaceId)),
    ];
    void Promise.all(workspaces.map(join)).then((results) => {
      if (!this.#isAt(link)) return;
      if (results.some(([, result]) => result === 'failed')) return this.#giveUp('lost');
      const joined = new Set(results.filter(([, result]) => result === 'joined').map(([id]) => id));
      link.granted = link.granted.filter((seat) => joined.has(seat.workspaceId));
      this.#opened(link);
    });
  }

  #opened(link: Link): void {
    const { timers, tell } = this.#needs;
    this.#become({ kind: 'open', link, openedAt: timers.now(), task: 'nothing' });
    this.#reports = new ChannelReports(timers, link.socket, () => this.#folders.states(link.granted));
    tell({ kind: 'connected', folders: this.#folders.states(link.granted).length });
    this.#settleSeats(link);
  }

  /** Brings the folders up to what the connection gives them, and sees to it that seats which changed or were refused are looked at. */
  #settleSeats(link: Link): void {
    const refused = seatsBeyond(link.asked, link.granted);
    if (!areSameSeats(link.asked, this.#folders.wanted().seats)) this.#reviewIn(channelPace.gatherMs, 'soon');
    else if (refused.length > 0) this.#reviewIn(aboutMs(channelPace.absentMs, this.#needs.timers.random()), 'later');
    if (!areSameSeats(refused, this.#toldRefused)) {
      this.#toldRefused = refused;
      this.#needs.tell({ kind: 'refused', workspaces: refused.map(({ workspaceId }) => workspaceId) });
    }
    this.#folders.setLive((seat) => seatsBeyond([seat], link.granted).length === 0);
  }

  #reviewIn(ms: number, task: OpenTask): void {
    if (this.#state.kind !== 'open') return;
    this.#state.task = task;
    this.#arm(ms, () => this.#review());
  }

  /** Asks for what the folders need now. The connection goes on meanwhile, and altogether if nothing better is to be had. */
  #review(): void {
    if (this.#state.kind !== 'open') return;
    const { link } = this.#state;
    this.#state.task = 'nothing';
    const { seats } = this.#folders.wanted();
    // Another one may come while the line goes down.
    if (seats.length === 0) return this.#end(() => this.#wait(soon));
    if (areSameSeats(seats, link.granted)) {
      link.asked = seats;
      return this.#settleSeats(link);
    }
    this.#state.task = 'asking';
    this.#ask((asked, result) => this.#reviewed(link, asked, result));
  }

  #reviewed(link: Link, asked: readonly Seat[], result: Negotiated): void {
    if (result.kind === 'failed') return this.#reviewIn(this.#waits.afterFailure(result).ms, 'later');
    if (result.kind === 'absent') {
      const wait = this.#waits.afterAbsence(asked);
      return this.#end(() => this.#wait(wait));
    }
    if (!areSameSeats(result.seats, link.granted)) {
      return this.#end(() => this.#connect(asked, result.url, result.seats));
    }
    link.asked = asked;
    if (this.#state.kind === 'open') this.#state.task = 'nothing';
    this.#settleSeats(link);
  }

  #lastedMs(): number {
    return this.#state.kind === 'open' ? this.#needs.timers.now() - this.#state.openedAt : 0;
  }

  #giveUp(reason: LossReason): void {
    const wait = this.#waits.afterLoss(reason, 0, this.#lastedMs());
    this.#end(() => this.#wait(wait));
  }

  /** Takes the connection down; `then` goes on from there, unless the channel was closed meanwhile. */
  #end(then: () => void): void {
    if (this.#state.kind !== 'connecting' && this.#state.kind !== 'open') return;
    const { socket } = this.#state.link;
    const ending: ChannelState = { kind: 'ending' };
    this.#become(ending);
    this.#down = socket.close();
    void this.#down.then(() => {
      if (this.#state === ending) then();
    });
    this.#folders.setLive(() => false);
  }

  #read(link: Link, bytes: Uint8Array): void {
    // What is said before a folder is live, it finds when it looks.
    if (this.#state.kind !== 'open' || this.#state.link !== link) return;
    const event = bytes.length > channelPace.eventBytesMax ? undefined : readEvent(bytes);
    if (event === undefined || !this.#folders.hears(event.workspaceId) || !this.#gate.take(event)) {
      this.#waits.noteDropped();
    }
  }
}

/** Undefined for what is none, or is of a later version. */
function readEvent(bytes: Uint8Array): RealtimeEvent | undefined {
  try {
    return decodeRealtimeEvent(bytes);
  } catch (error) {
    if (isTidemarkError(error)) return undefined;
    throw error;
  }
}

/** A channel that is idle until a folder joins. */
export function createRealtimeChannel(needs: ChannelNeeds): Channel {
  return new RealtimeChannel(needs);
}
