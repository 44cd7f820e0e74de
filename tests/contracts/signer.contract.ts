/** What every signer owes (shared/ports/signer.ts). */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { bytesToBase64url, bytesToHex, utf8 } from '../../shared/core/bytes.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
import { keyEndorsementBytes } from '../../shared/core/wire/journal-entry.ts';
import type { Signer } from '../../shared/ports/signer.ts';

function isVerified(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytesToBase64url(publicKey) };
  return verify(null, bytes, createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

export function signerContract(name: string, make: () => Promise<Signer>): void {
  describe(`signer: ${name}`, () => {
    test('signs with the first of its public keys, in 64 bytes', async () => {
      const signer = await make();
      const [current] = await signer.publicKeys();
      assert.ok(current);
      for (const text of ['', 'head', 'x'.repeat(100_000)]) {
        const { keyId, signature } = await signer.sign(utf8(text));
        assert.equal(keyId, current.keyId);
        assert.equal(signature.length, 64);
        assert.equal(isVerified(current.publicKey, utf8(text), signature), true);
        assert.equal(isVerified(current.publicKey, utf8(`${text}!`), signature), false);
      }
    });

    test('names every key by the BLAKE3 of its public key', async () => {
      const signer = await make();
      const keys = await signer.publicKeys();
      assert.equal(new Set(keys.map(({ keyId }) => keyId)).size, keys.length);
      for (const { keyId, publicKey } of keys) {
        assert.equal(publicKey.length, 32);
        assert.equal(keyId, bytesToHex(blake3(publicKey)).slice(0, 16));
      }
    });

    test('shows how each key follows from the first: by the endorsement of the key before it', async () => {
      const signer = await make();
      const keys = await signer.publicKeys();
      assert.ok(keys.length > 0);
      const known = new Map(keys.map((key) => [key.keyId, key]));
      for (const { publicKey, endorsement } of keys) {
        if (endorsement === null) continue;
        const by = known.get(endorsement.keyId);
        assert.ok(by !== undefined && by.publicKey !== publicKey);
        assert.equal(isVerified(by.publicKey, keyEndorsementBytes(publicKey), endorsement.signature), true);
      }
      assert.equal(keys.filter(({ endorsement }) => endorsement === null).length, 1);
    });

    test('gives away copies: whoever changes one changes nothing', async () => {
      const signer = await make();
      for (const { publicKey, endorsement } of await signer.publicKeys()) {
        publicKey.fill(0);
        endorsement?.signature.fill(0);
      }
      for (const { keyId, publicKey, endorsement } of await signer.publicKeys()) {
        assert.equal(keyId, bytesToHex(blake3(publicKey)).slice(0, 16));
        assert.notDeepEqual(endorsement?.signature, new Uint8Array(64));
      }
    });
  });
}
