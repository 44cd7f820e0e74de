/**
 * Session tokens: `0:-1#<lsn>`, of the one physical partition that each container has here. A read sees the state at its
 * token's LSN or later; without a token it may see an older one. A token from the future is not available (404, substatus 1002).
 */
import { Refusal } from './refusal.ts';

export function sessionTokenOf(lsn: number): string {
  return `0:-1#${lsn}`;
}

/** The LSN that a token of one or more ranges has for range 0; undefined without one. Throws a 400 on any other form. */
function parseSessionToken(token: string): number | undefined {
  let lsn: number | undefined;
  for (const part of token.split(',')) {
    const match = /^(\d+):(-?\d+)#(\d+)(#\d+=\d+)*$/.exec(part);
    if (match === null) throw new Refusal(400, 'the session token is malformed');
    if (match[1] === '0') lsn = Number(match[3]);
  }
  return lsn;
}

/** The LSN as of which a read sees. `lag`: how many writes a read without a token may be behind. */
export function readLsn(current: number, lag: number, token: string | undefined): number {
  const wanted = token === undefined ? undefined : parseSessionToken(token);
  if (wanted !== undefined && wanted > current) {
    throw new Refusal(404, 'the read session is not available for the input session token', { substatus: 1002 });
  }
  return Math.max(wanted ?? 0, current - lag, 0);
}
