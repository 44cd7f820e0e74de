/**
 * Signed blob URLs, in the shape of an Azure service SAS: `<base>/<container>/<name>?sp=c&se=<expiry>&sv=1&sig=<sig>`.
 * One URL permits one thing (`c`: create this blob, `r`: read this blob, `cw`: stage blocks of this blob) until its expiry,
 * and nothing else:
 *
 *   sig = base64url(HMAC-SHA256(key, sv \n sp \n se \n container \n name))
 *
 * Names and expiries hold no line feed, so no two grants have the same text to sign.
 * Example: `http://127.0.0.1:7072/chunks/00aa/blob?sp=r&se=2026-11-22T10:00:00.000Z&sv=1&sig=Zm9v…`
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { utf8 } from '../../core/bytes.ts';
import type { Container } from '../../ports/blob-store.ts';
import { checkBlobName } from '../blob-name.ts';

/** `c`: create only. `r`: read only. `cw`: stage blocks and make a blob of them. */
export type BlobPermission = 'c' | 'r' | 'cw';

const signedUrlVersion = '1';

interface Grant {
  readonly permission: string;
  readonly container: string;
  readonly name: string;
  readonly expiry: string;
  readonly version: string;
}

function signGrant(key: Uint8Array, grant: Grant): string {
  return createHmac('sha256', key)
    .update([grant.version, grant.permission, grant.expiry, grant.container, grant.name].join('\n'))
    .digest('base64url');
}

/**
 * A URL under `base` (without a slash at its end) that permits one thing to one blob until `expiresMs`. Throws
 * `malformed` on a bad name.
 */
export function signBlobUrl(
  key: Uint8Array,
  base: string,
  grant: {
    readonly permission: BlobPermission;
    readonly container: Container;
    readonly name: string;
    readonly expiresMs: number;
  },
): string {
  checkBlobName(grant.name);
  const expiry = new Date(grant.expiresMs).toISOString();
  const sig = signGrant(key, { ...grant, expiry, version: signedUrlVersion });
  const query = new URLSearchParams({ sp: grant.permission, se: expiry, sv: signedUrlVersion, sig });
  return `${base}/${grant.container}/${grant.name}?${query.toString()}`;
}

/**
 * Whether `query` permits `permission` on this blob at `nowMs`. Signatures are compared in constant time, and before
 * anything else is looked at.
 */
export function isGranted(
  key: Uint8Array,
  query: URLSearchParams,
  asked: { readonly permission: BlobPermission; readonly container: string; readonly name: string },
  nowMs: number,
): boolean {
  const grant = {
    permission: query.get('sp') ?? '',
    container: asked.container,
    name: asked.name,
    expiry: query.get('se') ?? '',
    version: query.get('sv') ?? '',
  };
  const given = utf8(query.get('sig') ?? '');
  const right = utf8(signGrant(key, grant));
  if (given.length !== right.length || !timingSafeEqual(given, right)) return false;
  if (grant.version !== signedUrlVersion || grant.permission !== asked.permission) return false;
  const expiresMs = Date.parse(grant.expiry);
  return Number.isFinite(expiresMs) && nowMs < expiresMs;
}
