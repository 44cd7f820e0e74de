/**
 * What the realtime service tells of a connection, read by the trigger. The claims are of a token that the service checked, the states are
 * what `connect` left with it, the query is whatever the client made of its URL. Events come repeated, late and in any order.
 *
 * Not guaranteed: an event's signature covers the connection's id alone. Whoever saw one event could post others of that connection with
 * states of their own, so states are a claim too: each event authorises what they name.
 */
import type { UserId } from '../../core/ids.ts';
import type { Seat } from '../../core/wire/realtime-negotiate.ts';
import { contradicts, readUserId } from './event-user.ts';
import { decodeSeats, seatsName } from './seats.ts';

/** The state that tells whose connection it is. */
export const userName = 'user';

/** The state that tells when `connect` let the connection in, milliseconds since 1970 in decimal. */
export const openedName = 'opened';

/** By name, each with all its values. */
export type NamedValues = Readonly<Record<string, readonly string[]>>;

/** A connection that was accepted. */
export interface Connection {
  readonly connectionId: string;
  /** The user as the event's header has it, which depends on the service; null when there is none. */
  readonly userHeader: string | null;
  /** What `connect` answered as states. Whatever is there is parsed anew. */
  readonly states: Readonly<Record<string, unknown>>;
}

/** The event `connect`: a client asks to be let in. */
export interface ConnectInput {
  readonly userHeader: string | null;
  /** Of its token: `sub` names the user, `role` what it may do. */
  readonly claims: NamedValues;
  readonly query: NamedValues;
}

export type ConnectionStates = Readonly<Record<typeof userName | typeof seatsName | typeof openedName, string>>;

/**
 * `states`: for the service to keep with the connection, all of them. `refused`: the trigger answers 401, and the client negotiates anew.
 * `why` is for people: it holds nothing that the client sent.
 */
export type ConnectAnswer =
  | { readonly kind: 'accepted'; readonly states: ConnectionStates }
  | { readonly kind: 'refused'; readonly why: string };

/** The user events `presence` and `progress`. `data`: JSON text or what was parsed of it, whichever the trigger has. */
export interface ReportInput {
  readonly connection: Connection;
  readonly data: unknown;
}

/**
 * Which of a device's connections is meant, and its place among them: by the time at which it was let in, and for those of one millisecond
 * by id.
 */
export interface Opened {
  readonly connectionId: string;
  readonly openedMs: number;
}

export interface SeatedConnection extends Opened {
  readonly userId: UserId;
  readonly seats: readonly Seat[];
}

/** Undefined when its states are none of ours, or its header names somebody else. */
export function readConnection({ connectionId, userHeader, states }: Connection): SeatedConnection | undefined {
  const userId = readUserId(states[userName]);
  const seats = decodeSeats(states[seatsName]);
  const opened = states[openedName];
  if (userId === undefined || contradicts(userHeader, userId)) return undefined;
  if (seats === undefined || typeof opened !== 'string' || !/^\d{1,15}$/.test(opened)) return undefined;
  return { connectionId, userId, seats, openedMs: Number(opened) };
}
