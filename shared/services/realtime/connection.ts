/**
 * What the realtime service tells of a connection, read by the trigger and trusted as far as the service signs it: the user id and the
 * states are its own record, the query is whatever the client made of its URL. Events come repeated, late and in any order.
 */
import type { UserId } from '../../core/ids.ts';

/** The state that `connect` leaves with the connection: its seats, as seats.ts writes them. */
export const seatsState = 'seats';

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

/** `refused`: the trigger answers 401, and the client negotiates anew. `why` is for the log: it holds nothing that the client sent. */
export type ConnectAnswer =
  | { readonly kind: 'accepted'; readonly states: { readonly [seatsState]: string } }
  | { readonly kind: 'refused'; readonly why: string };

/** The user events `presence` and `progress`. `data`: JSON text or what was parsed of it, whichever the trigger has. */
export interface ReportInput {
  readonly connection: Connection;
  readonly data: unknown;
}
