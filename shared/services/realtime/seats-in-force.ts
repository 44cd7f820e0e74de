import type { Needs } from '../dependencies.ts';
import { type Connection, type SeatedConnection, readConnection } from './connection.ts';
import { type GrantedSeat, findGrantedSeats } from './granted-seats.ts';

/** A connection all of whose seats are its user's still. */
export interface ConnectionInForce extends SeatedConnection {
  readonly seats: readonly GrantedSeat[];
}

/**
 * The connection, if its user may have every one of its seats. Otherwise it is ended, and with the next one the client gets what is left:
 * so who was removed is not listening for longer than until the next event, even where the close that followed the removal was lost.
 */
export async function findInForce(
  deps: Needs<'metadata' | 'announcer' | 'log'>,
  connection: Connection,
): Promise<ConnectionInForce | undefined> {
  const seated = readConnection(connection);
  const seats = seated === undefined ? [] : await findGrantedSeats(deps, seated.userId, seated.seats);
  if (seated !== undefined && seats.length === seated.seats.length) return { ...seated, seats };
  deps.log.info({ seats: seated?.seats.length ?? null, granted: seats.length }, 'a realtime connection was ended');
  await deps.announcer.expelConnection(connection.connectionId);
  return undefined;
}
