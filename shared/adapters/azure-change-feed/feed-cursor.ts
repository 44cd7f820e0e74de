/**
 * A place in the change feed. The feed is cut into segments of an hour; a segment is read from when it is final. A place is a
 * segment's hour, how many of its events have been read, and the SDK's continuation token at that point, by which reading goes
 * on without reading the segment's beginning again, where it can. At a segment's end, where the SDK gives no token, the next hour
 * begins.
 */
import { TidemarkError } from '../../core/errors.ts';

export interface FeedPlace {
  /** Start of an hour, in milliseconds. */
  readonly hourMs: number;
  readonly read: number;
  /** Null at the beginning of a segment, and where the SDK gave none. */
  readonly token: string | null;
}

export const hourLengthMs = 3_600_000;
/** Of a cursor, by the port. */
const cursorBytesMax = 16 * 1024;

export function placeToCursor({ hourMs, read, token }: FeedPlace): string {
  return JSON.stringify({ v: 1, hour: new Date(hourMs).toISOString(), read, token });
}

function malformed(): TidemarkError {
  return new TidemarkError('malformed', "this is no cursor of the storage account's change feed");
}

/** Throws `malformed` on anything that `placeToCursor` did not make. */
export function cursorToPlace(cursor: string): FeedPlace {
  if (cursor.length > cursorBytesMax) throw malformed();
  let parsed: unknown;
  try {
    parsed = JSON.parse(cursor);
  } catch {
    throw malformed();
  }
  if (typeof parsed !== 'object' || parsed === null) throw malformed();
  const fields: Readonly<Record<string, unknown>> = { ...parsed };
  const { v, hour, read, token } = fields as Readonly<Record<'v' | 'hour' | 'read' | 'token', unknown>>;
  const hourMs = typeof hour === 'string' ? Date.parse(hour) : Number.NaN;
  if (v !== 1 || !Number.isInteger(hourMs / hourLengthMs)) throw malformed();
  if (typeof read !== 'number' || !Number.isSafeInteger(read) || read < 0) throw malformed();
  if (token !== null && typeof token !== 'string') throw malformed();
  return { hourMs, read, token };
}
