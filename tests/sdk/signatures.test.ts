/** The published keys as a client reads them: from a server that may send anything. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type ServerKey, jwksToServerKeys, keysInOrder, verifySignature } from '../../client/sdk/signatures.ts';
import { createEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { bytesToBase64url, utf8 } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { limits } from '../../shared/core/limits.ts';
import { keyEndorsementBytes } from '../../shared/core/wire/journal-entry.ts';
import { createTestWorld } from '../api/world/test-world.ts';

const x = bytesToBase64url(new Uint8Array(32).fill(1));
const okp = { kty: 'OKP', crv: 'Ed25519', kid: 'a', x };

function read(value: unknown): readonly ServerKey[] {
  return jwksToServerKeys(utf8(JSON.stringify(value)));
}

/** Three seeds: the second key is endorsed by the first, the third by the second. */
const signer = createEd25519Signer(...([1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array]));

describe('a key set', () => {
  it('that the service publishes is read whole, and its endorsements verify', async () => {
    const { api } = createTestWorld({ adapt: (deps) => ({ ...deps, signer }) });
    const response = await api.handle(new Request('https://tidemark.test/.well-known/tidemark-keys.json'));
    const keys = jwksToServerKeys(new Uint8Array(await response.arrayBuffer()));
    assert.deepEqual(keys, await signer.publicKeys());
    const [third, second, first] = keys as [ServerKey, ServerKey, ServerKey];
    for (const [key, by] of [
      [third, second],
      [second, first],
    ] as const) {
      assert.equal(key.endorsement?.keyId, by.keyId);
      const signed = keyEndorsementBytes(key.publicKey);
      assert.equal(await verifySignature(by.publicKey, signed, key.endorsement.signature), true);
      assert.equal(await verifySignature(key.publicKey, signed, key.endorsement.signature), false);
    }
  });

  it('may hold keys of other kinds, and none', () => {
    const others = [
      { kty: 'RSA', kid: 'r' },
      { ...okp, crv: 'X25519' },
      { ...okp, kid: 7 },
      { ...okp, x: 'AAAA' },
    ];
    assert.deepEqual(
      read({ keys: [...others, okp] }).map(({ keyId }) => keyId),
      ['a'],
    );
    assert.deepEqual(read({}), []);
  });

  it('names each key once: the first holds', () => {
    const keys = read({ keys: [okp, { ...okp, x: bytesToBase64url(new Uint8Array(32).fill(2)) }] });
    assert.deepEqual(
      keys.map(({ publicKey }) => publicKey[0]),
      [1],
    );
  });

  it('is read up to a bound', () => {
    const keys = Array.from({ length: limits.signingKeysMax + 10 }, (_, i) => ({ ...okp, kid: `key ${i}` }));
    assert.equal(read({ keys }).length, limits.signingKeysMax);
  });

  it('that is none is malformed, whatever it is', () => {
    for (const value of [null, { keys: 7 }, { keys: [null] }, { keys: [{ ...okp, x: '*' }] }]) {
      assert.throws(
        () => read(value),
        (error) => isTidemarkError(error, 'malformed'),
      );
    }
    assert.throws(
      () => jwksToServerKeys(utf8('<html>')),
      (error) => isTidemarkError(error, 'malformed'),
    );
  });
});

const key = (keyId: string, by: string | null): ServerKey => ({
  keyId,
  publicKey: new Uint8Array(32),
  endorsement: by === null ? null : { keyId: by, signature: new Uint8Array(64) },
});

describe('the order of keys', () => {
  it('is that of their endorsements, wherever the set has them', () => {
    const line = [key('a', null), key('b', 'a'), key('c', 'b'), key('d', 'c')];
    fc.assert(
      fc.property(fc.shuffledSubarray(line, { minLength: 4, maxLength: 4 }), (keys) => {
        assert.deepEqual(keysInOrder(keys), line);
      }),
    );
  });

  it('has a new line after the one that was broken with, and ends with its newest key', () => {
    const keys = [key('x', null), key('y', 'x'), key('b', 'a'), key('a', null)];
    assert.deepEqual(
      keysInOrder(keys).map(({ keyId }) => keyId),
      ['a', 'b', 'x', 'y'],
    );
  });

  it('begins where the endorser is not published, and leaves rings out', () => {
    const keys = [key('c', 'b'), key('b', 'gone'), key('r', 's'), key('s', 'r'), key('t', 't')];
    assert.deepEqual(
      keysInOrder(keys).map(({ keyId }) => keyId),
      ['b', 'c'],
    );
  });
});
