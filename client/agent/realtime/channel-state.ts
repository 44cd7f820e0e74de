/**
 * What the channel is doing, and what may follow what. Only `connecting`, `open` and `ending` have a connection, and none of them follows
 * another without the first one's connection being down: there is never a second one. `closed` is for good.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Seat } from '../../../shared/core/wire/realtime-negotiate.ts';
import type { Socket } from './socket.ts';

/** A connection, what was asked of the server for it, and what it has: seats whose groups could not be joined are not among them. */
export interface Link {
  readonly socket: Socket;
  asked: readonly Seat[];
  granted: readonly Seat[];
}

/** What an open connection has in hand: nothing; a look at its seats, soon because they changed, or later because some were refused; or a negotiation. */
export type OpenTask = 'nothing' | 'soon' | 'later' | 'asking';

export type ChannelState =
  /** Nobody listens. */
  | { readonly kind: 'idle' }
  /** For a time, then the server is asked. `absentFor`: after it granted none of these, so others are reason enough to ask sooner. */
  | { readonly kind: 'waiting'; readonly absentFor: readonly Seat[] | null }
  | { readonly kind: 'negotiating' }
  | { readonly kind: 'connecting'; readonly link: Link }
  | { readonly kind: 'open'; readonly link: Link; readonly openedAt: number; task: OpenTask }
  /** The line is being taken down. */
  | { readonly kind: 'ending' }
  | { readonly kind: 'closed' };

type Kind = ChannelState['kind'];

export const nextStates: Readonly<Record<Kind, readonly Kind[]>> = {
  idle: ['waiting', 'closed'],
  waiting: ['waiting', 'negotiating', 'idle', 'closed'],
  negotiating: ['connecting', 'waiting', 'idle', 'closed'],
  connecting: ['open', 'waiting', 'idle', 'ending', 'closed'],
  open: ['waiting', 'idle', 'ending', 'closed'],
  ending: ['connecting', 'waiting', 'idle', 'closed'],
  closed: [],
};

/** Throws `internal` for a step that is not in the table. */
export function checkStep(from: Kind, to: Kind): void {
  if (!nextStates[from].includes(to)) throw new TidemarkError('internal', `a realtime channel is ${to} after ${from}`);
}
