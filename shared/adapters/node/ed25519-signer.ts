/** The server's signature under its journal: Ed25519 (RFC 8032) with a key that lives in a file. */
import { type KeyObject, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { bytesToHex, concatBytes, hexToBytes, utf8, utf8ToText } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { blake3 } from '../../core/hash/blake3.ts';
import type { Signer } from '../../ports/signer.ts';
import { loadOrCreateSecretFile } from './secret-file.ts';

const seedBytes = 32;
/** PKCS #8 (RFC 8410) of an Ed25519 key is these bytes and the seed. */
const pkcs8Prefix = hexToBytes('302e020100300506032b657004220420');
/** SPKI of an Ed25519 key ends with the public key. */
const publicKeyBytes = 32;

function publicKeyOf(privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return new Uint8Array(spki.subarray(spki.length - publicKeyBytes));
}

function signerOf(privateKey: KeyObject): Signer {
  const publicKey = publicKeyOf(privateKey);
  const keyId = bytesToHex(blake3(publicKey)).slice(0, 16);
  return {
    keyId,
    sign: async (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
    publicKeys: async () => [{ keyId, publicKey: publicKey.slice() }],
  };
}

/** A signer of a known seed (32 bytes), for tests: the same seed gives the same key. Throws `malformed` on another length. */
export function createEd25519Signer(seed: Uint8Array): Signer {
  if (seed.length !== seedBytes) throw new TidemarkError('malformed', 'an Ed25519 seed is 32 bytes');
  const der = Buffer.from(concatBytes(pkcs8Prefix, seed));
  return signerOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

function makeKeyPem(): Uint8Array {
  return utf8(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

/**
 * The signer whose key is in `file` (PKCS #8 PEM); the file is made, 0600, when it is missing. Throws `corrupt` when it
 * holds anything else: a new key in its place would make every client refuse the journal.
 */
export async function loadEd25519Signer(options: { readonly file: string }): Promise<Signer> {
  const pem = await loadOrCreateSecretFile(options.file, makeKeyPem);
  let key: KeyObject;
  try {
    key = createPrivateKey(utf8ToText(pem));
  } catch (error) {
    throw new TidemarkError('corrupt', 'the signing key file does not hold a private key', { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new TidemarkError('corrupt', 'the signing key file does not hold an Ed25519 key');
  }
  return signerOf(key);
}
