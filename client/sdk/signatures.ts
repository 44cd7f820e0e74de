/**
 * Ed25519 checks of heads (RFC 8032) by WebCrypto, and the server's published keys (a JWKS of OKP keys, RFC 8037). A
 * client pins the keys it saw when a folder was linked; a key it has not pinned signs nothing.
 */
import { base64urlToBytes, utf8ToText } from '../../shared/core/bytes.ts';
import { TidemarkError } from '../../shared/core/errors.ts';

/** Public keys of 32 bytes, by key id. */
export type SigningKeys = ReadonlyMap<string, Uint8Array>;

const keysMax = 64;

/** Reads a JWKS; keys of other kinds are passed over. Throws `malformed` when it is none. */
export function jwksToSigningKeys(body: Uint8Array): SigningKeys {
  const keys = new Map<string, Uint8Array>();
  try {
    const jwks = JSON.parse(utf8ToText(body)) as { keys?: readonly Record<string, unknown>[] };
    for (const key of (jwks.keys ?? []).slice(0, keysMax)) {
      if (key['kty'] !== 'OKP' || key['crv'] !== 'Ed25519') continue;
      if (typeof key['kid'] !== 'string' || typeof key['x'] !== 'string') continue;
      const publicKey = base64urlToBytes(key['x']);
      if (publicKey.length === 32) keys.set(key['kid'], publicKey);
    }
  } catch (cause) {
    throw new TidemarkError('malformed', 'the server published no readable signing keys', { cause });
  }
  return keys;
}

export interface SignatureVerifier {
  /** False for a key that is not pinned, too. */
  verify(keyId: string, bytes: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export function createSignatureVerifier(keys: SigningKeys): SignatureVerifier {
  const imported = new Map<string, Promise<ImportedKey>>();

  function keyOf(keyId: string): Promise<ImportedKey> | undefined {
    const raw = keys.get(keyId);
    if (raw === undefined) return undefined;
    let key = imported.get(keyId);
    if (key === undefined) {
      key = crypto.subtle.importKey('raw', raw as Uint8Array<ArrayBuffer>, 'Ed25519', false, ['verify']);
      imported.set(keyId, key);
    }
    return key;
  }

  return {
    verify: async (keyId, bytes, signature) => {
      const key = await keyOf(keyId);
      if (key === undefined) return false;
      return crypto.subtle.verify('Ed25519', key, signature, bytes);
    },
  };
}
