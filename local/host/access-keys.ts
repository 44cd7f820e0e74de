/** The keys of function and admin auth levels, and of the webhooks that extensions such as Event Grid open. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface AccessKeys {
  /** Opens functions of level `function`. */
  readonly function?: string;
  /** Opens functions of any level, and webhooks. */
  readonly master?: string;
  /** Opens `/runtime/webhooks/…`. */
  readonly webhook?: string;
}

/** `anonymous` needs no key, `function` the function or master key, `admin` the master key. A level without a key is shut. */
export type AuthLevel = 'anonymous' | 'function' | 'admin';

/** Whether the request carries, in `x-functions-key` or `?code=`, a key that opens the level. */
export function isAllowed(level: AuthLevel, request: IncomingMessage, url: URL, keys: AccessKeys): boolean {
  if (level === 'anonymous') return true;
  const given = givenKey(request, url);
  return isKey(given, keys.master) || (level === 'function' && isKey(given, keys.function));
}

/** Webhooks need their key; where none is configured, only this machine may call them. */
export function isWebhookAllowed(request: IncomingMessage, url: URL, keys: AccessKeys): boolean {
  if (keys.webhook === undefined && keys.master === undefined) return isFromThisMachine(request);
  const given = givenKey(request, url);
  return isKey(given, keys.webhook) || isKey(given, keys.master);
}

/** Over the loopback interface, or from the very address that it came to. */
function isFromThisMachine({ socket: { remoteAddress = '', localAddress } }: IncomingMessage): boolean {
  return isLoopback(remoteAddress) || (remoteAddress !== '' && remoteAddress === localAddress);
}

/** Whether an IP address or host name means this machine only. */
export function isLoopback(address: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|::1|\[::1\]|::ffff:127\.\d+\.\d+\.\d+|localhost)$/i.test(address);
}

function givenKey(request: IncomingMessage, url: URL): string | undefined {
  const header = request.headers['x-functions-key'];
  return typeof header === 'string' ? header : (url.searchParams.get('code') ?? undefined);
}

/** Compares hashes, so that neither content nor length shows in the time taken. */
function isKey(given: string | undefined, key: string | undefined): boolean {
  if (given === undefined || key === undefined || key === '') return false;
  return timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(key).digest());
}
