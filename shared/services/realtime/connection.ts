/**
 * What the realtime service tells of a connection, read by the trigger and trusted as far as the service signs it: the user id and the
 * states are its own record, the query is whatever the client made of its URL. Events come repeated, late and in any order.
 */
import type { UserId } from '../../core/ids.ts';
import type { Seat } from '../../core/wire/realtime-negotiate.ts';
import { decodeSeats, seatsName } from './seats.ts';

/** The state that tells when `connect` let the connection in, milliseconds since 1970 in decimal. */
export const openedName = 'opened';

/** By name, each with all its values. */
export type NamedValues = Readonly<Record<string, readonly string[]>>;

/** A connection that was accepted. */
export interface Connection {
  readonly connectionId: string;
  readonly userId: UserId;
  /** What `connect` answered as states. Whatever is there is parsed anew. */
  readonly states: Readonly<Record<string, unknown>>;
}

/** The event `connect`: a client asks to be let in. */
export interface ConnectInput {
  readonly connectionId: string;
  readonly userId: UserId;
  /** Of its token: `role` names what it may do. */
  readonly claims: NamedValues;
  readonly query: NamedValues;
}

/**
 * `states`: for the service to keep with the connection, all of them. `refused`: the trigger answers 401, and the client negotiates anew.
 * `why` is for people: it holds nothing that the client sent.
 */
export type ConnectAnswer =
  | { readonly kind: 'accepted'; readonly states: Readonly<Record<typeof seatsName | typeof openedName, string>> }
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

/** Undefined when its states are none of ours. */
export function readConnection({ connectionId, userId, states }: Connection): SeatedConnection | undefined {
  const seats = decodeSeats(states[seatsName]);
  const opened = states[openedName];
  if (seats === undefined || typeof opened !== 'string' || !/^\d{1,15}$/.test(opened)) return undefined;
  return { connectionId, userId, seats, openedMs: Number(opened) };
}
