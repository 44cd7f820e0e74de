/**
 * How the realtime service is reached: by an identity, as in Azure, or by its access key, which only an endpoint on this machine may be
 * reached with, unless the operator says otherwise. A key opens everything, for everybody, for ever.
 */
import { networkInterfaces } from 'node:os';
import type { TokenCredential } from '@azure/identity';
import { TidemarkError } from '../../core/errors.ts';

/** A connection string with an access key (`Endpoint=…;AccessKey=…;Version=1.0;`), or who we are (`https://<name>.webpubsub.azure.com`). */
export type WebPubSubAccess = string | { readonly endpoint: string; readonly credential: TokenCredential };

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) fields.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  return fields;
}

/** By loopback, or by an address of its own: what goes there leaves no machine. */
function isThisMachine(hostname: string): boolean {
  if (/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some(({ address }) => address === hostname);
}

/**
 * Throws `malformed` for what is no access at all or would send tokens in the open, `forbidden` for the key of an endpoint on another machine.
 * What it was given is in no message.
 * @param allowRemoteKey whether the endpoint of a key may be on another machine.
 */
export function checkAccess(access: WebPubSubAccess, allowRemoteKey: boolean): void {
  if (typeof access !== 'string') {
    if (URL.canParse(access.endpoint) && new URL(access.endpoint).protocol === 'https:') return;
    throw new TidemarkError('malformed', 'a realtime service that is reached by an identity has an https URL');
  }
  const fields = fieldsOf(access);
  const endpoint = fields.get('endpoint') ?? '';
  if ((fields.get('accesskey') ?? '') === '' || !URL.canParse(endpoint)) {
    throw new TidemarkError(
      'malformed',
      'the connection string of the realtime service has no endpoint and access key',
    );
  }
  const { protocol, hostname } = new URL(endpoint);
  if (isThisMachine(hostname)) return;
  if (!allowRemoteKey) {
    throw new TidemarkError(
      'forbidden',
      'an access key is taken for a realtime endpoint on this machine only; give a managed identity a role on the service instead',
    );
  }
  if (protocol !== 'https:') {
    throw new TidemarkError('malformed', 'a realtime endpoint on another machine has an https URL');
  }
}
