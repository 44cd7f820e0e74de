/**
 * Whose connection an event is of. A token's claims name the user exactly; the header of an event names them as far as a header can, and
 * services differ in how they write it. So `connect` takes the user from the claims and leaves the name with the connection, and the
 * header may only fail to contradict it.
 */
import { isTidemarkError } from '../../core/errors.ts';
import { type UserId, parseUserId } from '../../core/ids.ts';
import type { NamedValues } from './connection.ts';

/** The claim of a token's user: as it was signed, and as .NET calls it where tokens are read there. */
const userClaims = ['sub', 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier'];

/** Undefined for what is no user id. */
export function readUserId(value: unknown): UserId | undefined {
  try {
    return typeof value === 'string' ? parseUserId(value) : undefined;
  } catch (error) {
    if (isTidemarkError(error)) return undefined;
    throw error;
  }
}

/** Undefined when the claims name nobody, or more than one. */
export function userOfClaims(claims: NamedValues): UserId | undefined {
  const named = new Set(userClaims.flatMap((name) => claims[name] ?? []));
  return named.size === 1 ? readUserId([...named][0]) : undefined;
}

/** Whether a header names somebody else. It may be missing, or percent-encoded as CloudEvents has it. */
export function contradicts(header: string | null, userId: UserId): boolean {
  return header !== null && header !== userId && decoded(header) !== userId;
}

function decoded(header: string): string | undefined {
  try {
    return decodeURIComponent(header);
  } catch {
    return undefined;
  }
}
