/**
 * Ed25519 checks (RFC 8032) by WebCrypto, and the server's published keys (a JWKS of OKP keys, RFC 8037, each with its endorsement by
 * the key before it). A client pins the keys it saw when a folder was linked; it takes a new key only on the word of the newest one
 * that it has pinned (agent/engine/trust.ts).
 */
import { base64urlToBytes, utf8ToText } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { limits } from '../../shared/core/limits.ts';

/** A key as the server shows it: nothing of it has been checked. */
export interface ServerKey {
  readonly keyId: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly endorsement: { readonly keyId: string; readonly signature: Uint8Array } | null;
}

/** Reads a JWKS; keys of other kinds are passed over, and what is no endorsement is none. Throws `malformed` when it is no key set. */
export function jwksToServerKeys(body: Uint8Array): readonly ServerKey[] {
  const keys = new Map<string, ServerKey>();
  try {
    const jwks = JSON.parse(utf8ToText(body)) as { keys?: readonly Record<string, unknown>[] };
    for (const jwk of (jwks.keys ?? []).slice(0, limits.signingKeysMax)) {
      const key = jwkToServerKey(jwk);
      if (key !== undefined && !keys.has(key.keyId)) keys.set(key.keyId, key);
    }
  } catch (cause) {
    throw new TidemarkError('malformed', 'the server published no readable signing keys', { cause });
  }
  return [...keys.values()];
}

function jwkToServerKey(jwk: Record<string, unknown>): ServerKey | undefined {
  const { kty, crv, kid, x, tm_endorsed_by: endorsedBy, tm_endorsement: signature } = jwk;
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof kid !== 'string' || typeof x !== 'string') return undefined;
  const publicKey = base64urlToBytes(x);
  if (publicKey.length !== 32) return undefined;
  const isEndorsed = typeof endorsedBy === 'string' && typeof signature === 'string';
  return {
    keyId: kid,
    publicKey,
    endorsement: isEndorsed ? { keyId: endorsedBy, signature: base64urlToBytes(signature) } : null,
  };
}

/**
 * The keys of a set in the order in which they are pinned: each after the one that endorsed it, line after line where an operator broke with
 * the keys before. Keys that endorse each other in a ring are left out.
 */
export function keysInOrder(keys: readonly ServerKey[]): readonly ServerKey[] {
  // The current key comes first in a set, so from its end come the older ones.
  const oldestFirst = keys.toReversed();
  const known = new Set(keys.map(({ keyId }) => keyId));
  const isFirst = ({ endorsement }: ServerKey): boolean => endorsement === null || !known.has(endorsement.keyId);
  const ordered: ServerKey[] = [];
  const waiting = keys.filter(isFirst);
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const { keyId } = key;
    ordered.push(key);
    waiting.push(...oldestFirst.filter(({ endorsement }) => endorsement?.keyId === keyId));
  }
  return ordered;
}

/** Whether Ed25519 says that the holder of the key (32 bytes) signed the bytes. */
export async function verifySignature(
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const raw = publicKey as Uint8Array<ArrayBuffer>;
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', key, signature, bytes);
}
