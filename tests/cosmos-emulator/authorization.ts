/**
 * The master key's signature of a request: HMAC-SHA256 over verb, resource type, resource link and date, each on a line of
 * its own, lower case but for the link. Anything else in `authorization` is refused; so is a date more than 15 minutes off.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Target } from './target.ts';
import { Refusal } from './refusal.ts';

const skewMsMax = 15 * 60_000;

function sign(key: string, method: string, target: Target, date: string): string {
  const lines = [method.toLowerCase(), target.resourceType, target.resourceLink, date.toLowerCase(), '', ''];
  return createHmac('sha256', Buffer.from(key, 'base64')).update(lines.join('\n')).digest('base64');
}

/** Throws a 401. `now` is the real time: the SDK signs with that, whatever clock the documents have. */
export function checkAuthorization(
  key: string,
  method: string,
  target: Target,
  headers: Readonly<Record<string, string | undefined>>,
): void {
  const date = headers['x-ms-date'] ?? '';
  const given = /^type=master&ver=1\.0&sig=(.+)$/.exec(decodeURIComponent(headers['authorization'] ?? ''))?.[1] ?? '';
  const [a, b] = [Buffer.from(given), Buffer.from(sign(key, method, target, date))];
  if (a.length !== b.length || !timingSafeEqual(a, b)) {
    throw new Refusal(401, 'the input authorization token cannot serve the request: wrong signature');
  }
  if (!(Math.abs(Date.parse(date) - Date.now()) <= skewMsMax)) throw new Refusal(401, 'x-ms-date is not now');
}
