/** Ed25519 checks in this thread: WebCrypto, which clients use, answers from another one, and a history has but one. */
import { type KeyObject, createPublicKey, verify } from 'node:crypto';
import { bytesToHex } from '../../shared/core/bytes.ts';

/** What comes before the 32 bytes of an Ed25519 key in its SPKI form (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const keys = new Map<string, KeyObject>();

function toKey(publicKey: Uint8Array): KeyObject {
  const text = bytesToHex(publicKey);
  let key = keys.get(text);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' });
    keys.set(text, key);
  }
  return key;
}

/** Whether the holder of the key (32 bytes) signed the bytes. */
export function verifySignature(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, toKey(publicKey), signature);
}
