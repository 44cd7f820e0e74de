/**
 * The Web PubSub services that a function hears: each event names its service as its origin and is signed with that service's key. An event of
 * an unknown origin, or without a right signature, is refused; so is every event while no service is configured. (Azure's host then accepts all
 * and relies on the key of its webhook, which a developer's machine has not.)
 *
 * Not guaranteed: a signature covers the connection's id and nothing else, as everywhere with this service; whoever can read events can forge more
 * of the same connection.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { TidemarkError } from '../../shared/core/errors.ts';

export interface WebPubSubAccess {
  /** Of the service's endpoint, without its port, in lower case: what events name as their origin. */
  readonly host: string;
  readonly accessKey: string;
}

/** The setting of connection strings that a trigger reads unless it names others. */
export const defaultConnectionSetting = 'WebPubSubConnectionString';

/** @throws TidemarkError `malformed` when the text is no `Endpoint=…;AccessKey=…;Version=1.0;`. The text is in no message. */
export function parseWebPubSubAccess(connectionString: string): WebPubSubAccess {
  const fields = new Map<string, string>();
  for (const part of connectionString.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) fields.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const endpoint = fields.get('endpoint') ?? '';
  const accessKey = fields.get('accesskey') ?? '';
  if (!URL.canParse(endpoint) || accessKey === '') {
    throw new TidemarkError('malformed', 'A Web PubSub connection string has no endpoint or no access key.');
  }
  return { host: new URL(endpoint).hostname.toLowerCase(), accessKey };
}

/** Whether one of the origins of a header, separated by commas, is a service of these. */
export function isKnownOrigin(accesses: readonly WebPubSubAccess[], origins: string): boolean {
  return findAccess(accesses, origins) !== undefined;
}

/** Whether one of the signatures, `sha256=<hex>` separated by commas, is this connection's by the service of the origin. */
export function isSigned(
  accesses: readonly WebPubSubAccess[],
  event: { readonly origin: string; readonly signature: string; readonly connectionId: string },
): boolean {
  const access = findAccess(accesses, event.origin);
  if (access === undefined) return false;
  const expected = createHmac('sha256', access.accessKey).update(event.connectionId).digest();
  return splitList(event.signature).some((given) => {
    const [, hex = ''] = /^sha256=([0-9a-f]{64})$/i.exec(given) ?? [];
    const bytes = Buffer.from(hex, 'hex');
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
}

function findAccess(accesses: readonly WebPubSubAccess[], origins: string): WebPubSubAccess | undefined {
  const hosts = splitList(origins.toLowerCase());
  return accesses.find(({ host }) => hosts.includes(host));
}

function splitList(header: string): readonly string[] {
  return header
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
