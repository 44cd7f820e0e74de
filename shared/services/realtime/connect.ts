import type { Seat } from '../../core/wire/realtime-negotiate.ts';
import { groupOfWorkspace, roleOfGroup } from '../../ports/notifier.ts';
import type { RateLimiter } from '../../ports/rate-limiter.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';
import { type ConnectAnswer, type ConnectInput, type NamedValues, openedName, userName } from './connection.ts';
import { contradicts, userOfClaims } from './event-user.ts';
import { findGrantedSeats } from './granted-seats.ts';
import { decodeSeats, encodeSeats, seatsName } from './seats.ts';

/** The claim in which a token names what it may do: as it was signed, and as .NET calls it where tokens are read there. */
const roleClaims = ['role', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];

/**
 * Whether a connection is let in: a URL is minutes old, and its `seats` are what the client made of them. Each seat must be the user's
 * now, and the token's roles must be those of the seats' workspaces exactly. So nobody listens to a workspace without a seat there that was
 * looked at, and a token whose roles are not understood opens nothing.
 *
 * One URL may be come with again and again: each time counts as a request of its user.
 */
export async function connect(
  deps: Needs<'metadata' | 'clock' | 'log'> & { readonly rateLimiter: RateLimiter | null },
  { userHeader, claims, query }: ConnectInput,
): Promise<ConnectAnswer> {
  const userId = userOfClaims(claims);
  if (userId === undefined || contradicts(userHeader, userId)) return refused(deps, 'no user');
  // Without a line in the log: they would be as many.
  if (deps.rateLimiter?.take(userId, deps.clock.now()).allowed === false) return { kind: 'refused', why: 'too often' };
  const asked = query[seatsName] ?? [];
  const seats = asked.length === 1 ? decodeSeats(asked[0]) : undefined;
  if (seats === undefined) return refused(deps, 'no seats');
  if (!isOpenedBy(claims, seats)) return refused(deps, 'other roles than seats');
  const granted = await findGrantedSeats(deps, userId, seats);
  if (granted.length < seats.length) return refused(deps, 'a seat that the user may not have');
  const opened = String(serverTimeMs(deps.clock));
  return { kind: 'accepted', states: { [userName]: userId, [seatsName]: encodeSeats(seats), [openedName]: opened } };
}

function refused(deps: Needs<'log'>, why: string): ConnectAnswer {
  deps.log.info({ why }, 'a realtime connection was refused');
  return { kind: 'refused', why };
}

function isOpenedBy(claims: NamedValues, seats: readonly Seat[]): boolean {
  const has = new Set(roleClaims.flatMap((name) => claims[name] ?? []));
  const wanted = new Set(seats.map(({ workspaceId }) => roleOfGroup(groupOfWorkspace(workspaceId))));
  return has.size === wanted.size && [...wanted].every((role) => has.has(role));
}
