/** Ed25519 keys (RFC 8032) by node:crypto: how they are made, read and written, what they sign, and how one endorses the next. */
import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';
import { concatBytes, hexToBytes } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { keyEndorsementBytes, signingKeyId } from '../../core/wire/journal-entry.ts';
import type { Signature } from '../../ports/signer.ts';

const seedBytes = 32;
/** PKCS #8 (RFC 8410) of an Ed25519 key is these bytes and the seed. */
const pkcs8Prefix = hexToBytes('302e020100300506032b657004220420');
/** SPKI of an Ed25519 key is these bytes and the public key. */
const spkiPrefix = hexToBytes('302a300506032b6570032100');

/** A key that can sign. */
export interface SigningKey {
  readonly keyId: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(this: void, bytes: Uint8Array): Signature;
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length));
}

/** Throws `corrupt` for a key of another kind. */
function toSigningKey(privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new TidemarkError('corrupt', 'a signing key is not an Ed25519 key');
  }
  const publicKey = rawPublicKey(createPublicKey(privateKey));
  const keyId = signingKeyId(publicKey);
  return {
    keyId,
    publicKey,
    sign: (bytes) => ({ keyId, signature: new Uint8Array(signWith(null, bytes, privateKey)) }),
  };
}

/** The same seed gives the same key. Throws `malformed` when it is not 32 bytes. */
export function seedToSigningKey(seed: Uint8Array): SigningKey {
  if (seed.length !== seedBytes) throw new TidemarkError('malformed', 'an Ed25519 seed is 32 bytes');
  const der = Buffer.from(concatBytes(pkcs8Prefix, seed));
  return toSigningKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

/** The key of a PKCS #8 PEM. Throws `corrupt` when it holds anything else; the text is in no error. */
export function pemToSigningKey(pem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new TidemarkError('corrupt', 'a signing key cannot be read');
  }
  return toSigningKey(key);
}

/** A new key, as PKCS #8 PEM. */
export function makeSigningKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function toPublicKeyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(concatBytes(spkiPrefix, publicKey)), format: 'der', type: 'spki' });
}

export function publicKeyToPem(publicKey: Uint8Array): string {
  return toPublicKeyObject(publicKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** The 32 bytes of an SPKI PEM. Throws `corrupt` when it holds no Ed25519 key. */
export function pemToPublicKey(pem: string): Uint8Array {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return rawPublicKey(key);
  } catch {
    // Below: there is no key in it either way.
  }
  throw new TidemarkError('corrupt', 'a public key cannot be read');
}

/** Hands the trust in `by` on to a new key. */
export function endorseKey(by: SigningKey, publicKey: Uint8Array): Signature {
  return by.sign(keyEndorsementBytes(publicKey));
}

/** Whether the holder of `byPublicKey` signed that `publicKey` follows it. */
export function isEndorsement(byPublicKey: Uint8Array, publicKey: Uint8Array, signature: Uint8Array): boolean {
  return verifyWith(null, keyEndorsementBytes(publicKey), toPublicKeyObject(byPublicKey), signature);
}
