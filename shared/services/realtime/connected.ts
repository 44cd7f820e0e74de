import { concurrently } from '../concurrently.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';
import { type Connection, readConnection } from './connection.ts';
import { findGrantedSeats, seatWidth } from './granted-seats.ts';
import { findInForce } from './seats-in-force.ts';
import { writePresence } from './write-presence.ts';

type EventNeeds = Needs<'metadata' | 'announcer' | 'clock' | 'log'>;

/** A connection stands: its devices are there, idle until they say otherwise. Safe to repeat. */
export async function connected(deps: EventNeeds, connection: Connection): Promise<void> {
  const inForce = await findInForce(deps, connection);
  if (inForce === undefined) return;
  const nowMs = serverTimeMs(deps.clock);
  await concurrently(inForce.seats, seatWidth, async ({ workspaceId, deviceId, device }) => {
    const before = await deps.metadata.presence.get(workspaceId, deviceId, nowMs);
    const seat = { workspaceId, deviceId, name: device.name, before };
    await writePresence(deps, inForce, { ...seat, word: 'connected' });
  });
  // Who was removed meanwhile is cut off by what is written of them: perhaps it was not there yet (expel-former-member.ts).
  await findInForce(deps, connection);
}

/**
 * A connection has ended: its devices are gone, but for those that have a newer one. It may be the first that is heard of the connection; then
 * it is noted for who may have the seat, so that `connected` comes too late. Safe to repeat.
 */
export async function disconnected(deps: EventNeeds, connection: Connection): Promise<void> {
  const seated = readConnection(connection);
  if (seated === undefined) return;
  const nowMs = serverTimeMs(deps.clock);
  const granted = await findGrantedSeats(deps, seated.userId, seated.seats);
  await concurrently(seated.seats, seatWidth, async ({ workspaceId, deviceId }) => {
    const before = await deps.metadata.presence.get(workspaceId, deviceId, nowMs);
    const mine = granted.find((seat) => seat.workspaceId === workspaceId && seat.deviceId === deviceId);
    const name = mine?.device.name ?? before?.name;
    if (name === undefined) return;
    await writePresence(deps, seated, { workspaceId, deviceId, name, before, word: 'disconnected' });
  });
}
