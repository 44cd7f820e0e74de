import type { UserId } from '../../core/ids.ts';
import type { Seat } from '../../core/wire/realtime-negotiate.ts';
import type { DeviceRecord } from '../../ports/metadata-store.ts';
import { mayRead } from '../authorise.ts';
import { concurrently } from '../concurrently.ts';
import type { Needs } from '../dependencies.ts';

/** Records that are read at once. */
export const seatWidth = 16;

export interface GrantedSeat extends Seat {
  readonly device: DeviceRecord;
}

/**
 * Those of some seats that the user may have: in workspaces that stand and that they may read, on devices that are theirs and were not
 * revoked. What is read is the same whoever asks for them, and all of it is read before anything is decided: what is not granted is not
 * told apart by its reason, nor by how long it took.
 * @param seats distinct, at most `realtimeSeatsMax`.
 */
export async function findGrantedSeats(
  deps: Needs<'metadata'>,
  userId: UserId,
  seats: readonly Seat[],
): Promise<readonly GrantedSeat[]> {
  const { workspaces, devices } = deps.metadata;
  const [workspaceOf, deviceOf] = await Promise.all([
    readEach(
      seats.map(({ workspaceId }) => workspaceId),
      (id) => workspaces.get(id),
    ),
    readEach(
      seats.map(({ deviceId }) => deviceId),
      (id) => devices.get(id),
    ),
  ]);
  return seats.flatMap((seat) => {
    const device = deviceOf.get(seat.deviceId);
    const isTheirs = device?.userId === userId && device.revokedMs === null;
    return isTheirs && mayRead(workspaceOf.get(seat.workspaceId), userId) ? [{ ...seat, device }] : [];
  });
}

/** The records of some ids, each read once. */
async function readEach<Id extends string, Read>(
  ids: readonly Id[],
  read: (id: Id) => Promise<Read | undefined>,
): Promise<ReadonlyMap<Id, Read | undefined>> {
  const distinct = [...new Set(ids)];
  return new Map(await concurrently(distinct, seatWidth, async (id) => [id, await read(id)] as const));
}
