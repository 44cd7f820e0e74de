/**
 * The session of a store, as callers carry it from one request to the next (ports/request-scope.ts): so a caller reads what it
 * wrote, whichever instance answers. Opaque to callers; a hint and no right: it opens nothing.
 */
import { limits } from '../core/limits.ts';

export const sessionHeader = 'tidemark-session';
/** What the store charged for the request, in its own unit. */
export const chargeHeader = 'tidemark-request-charge';

const printable = /^[\x21-\x7e]+$/;

export function isSessionToken(token: string | null): token is string {
  return token !== null && token.length <= limits.sessionTokenBytesMax && printable.test(token);
}

/** The session that the caller goes on with; null without one, and for what cannot be one. */
export function sessionTokenOf(headers: Headers): string | null {
  const token = headers.get(sessionHeader);
  return isSessionToken(token) ? token : null;
}
