/**
 * The seats of a connection as text: of each the 16 bytes of its workspace and the 16 of its device, one after another, in base64url. It
 * stands in the URL, where the client can write what it likes, and in the connection's state, where the service keeps it. A list of
 * seats has one text, and no other text is one.
 */
import { base64urlToBytes, bytesToBase64url, concatBytes } from '../../core/bytes.ts';
import { bytesToDeviceId, bytesToWorkspaceId, idBytes, idToBytes } from '../../core/ids.ts';
import { limits } from '../../core/limits.ts';
import type { Seat } from '../../core/wire/realtime-negotiate.ts';

/** The parameter of the URL, and the name of the connection's state. */
export const seatsName = 'seats';

const seatBytes = 2 * idBytes;
const charactersMax = Math.ceil((limits.realtimeSeatsMax * seatBytes * 4) / 3);

function keyOf({ workspaceId, deviceId }: Seat): string {
  return `${workspaceId}${deviceId}`;
}

/** Each seat once, in the order in which it came first. */
export function distinctSeats(seats: readonly Seat[]): readonly Seat[] {
  return [...new Map(seats.map((seat) => [keyOf(seat), seat])).values()];
}

/** @param seats distinct, at most `realtimeSeatsMax`. */
export function encodeSeats(seats: readonly Seat[]): string {
  const ids = seats.flatMap(({ workspaceId, deviceId }) => [idToBytes(workspaceId), idToBytes(deviceId)]);
  return bytesToBase64url(concatBytes(...ids));
}

/** One seat at least, each of them once; undefined for anything that `encodeSeats` does not make of such. */
export function decodeSeats(text: unknown): readonly Seat[] | undefined {
  if (typeof text !== 'string' || text.length > charactersMax) return undefined;
  const bytes = bytesOf(text);
  if (bytes === undefined || bytes.length === 0 || bytes.length % seatBytes !== 0) return undefined;
  const seats = Array.from({ length: bytes.length / seatBytes }, (_, i) => seatAt(bytes, i * seatBytes));
  return distinctSeats(seats).length === seats.length ? seats : undefined;
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return base64urlToBytes(text);
  } catch {
    return undefined;
  }
}

function seatAt(bytes: Uint8Array, offset: number): Seat {
  const middle = offset + idBytes;
  return {
    workspaceId: bytesToWorkspaceId(bytes.subarray(offset, middle)),
    deviceId: bytesToDeviceId(bytes.subarray(middle, offset + seatBytes)),
  };
}
