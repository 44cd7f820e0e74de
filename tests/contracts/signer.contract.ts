/** What every signer owes (shared/ports/signer.ts). */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { bytesToBase64url, bytesToHex, utf8 } from '../../shared/core/bytes.ts';
import { blake3 } from '../../shared/core/hash/blake3.ts';
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
        const signature = await signer.sign(utf8(text));
        assert.equal(signature.length, 64);
        assert.equal(isVerified(current.publicKey, utf8(text), signature), true);
        assert.equal(isVerified(current.publicKey, utf8(`${text}!`), signature), false);
      }
    });

    test('names every key by the BLAKE3 of its public key', async () => {
      const signer = await make();
      const keys = await signer.publicKeys();
      assert.equal(signer.keyId, keys[0]?.keyId);
      for (const { keyId, publicKey } of keys) {
        assert.equal(publicKey.length, 32);
        assert.equal(keyId, bytesToHex(blake3(publicKey)).slice(0, 16));
      }
    });
  });
}
