/** User ids: `<host of the issuer>|<subject>`, as the server makes them of a token (docs/protocol.md, section 1). */
import { type UserId, parseUserId } from '../../shared/core/ids.ts';
import type { Credential } from './credentials.ts';
import { usageError } from './usage-error.ts';

export function userIdOf({ issuer, user }: Pick<Credential, 'issuer' | 'user'>): UserId {
  return parseUserId(`${new URL(issuer).hostname}|${user}`);
}

/** A user as somebody types one: a whole id, or a bare name of the caller's own issuer. Throws `malformed`. */
export function textToUserId(text: string, mine: Pick<Credential, 'issuer'>): UserId {
  if (text.trim() === '') throw usageError('say who: a user name, or a whole id such as host|name');
  return text.includes('|') ? parseUserId(text) : userIdOf({ issuer: mine.issuer, user: text });
}

/** Without the issuer, where it is the reader's own. */
export function userIdToText(userId: string, mine: Pick<Credential, 'issuer'>): string {
  const prefix = `${new URL(mine.issuer).hostname}|`;
  return userId.startsWith(prefix) ? userId.slice(prefix.length) : userId;
}
