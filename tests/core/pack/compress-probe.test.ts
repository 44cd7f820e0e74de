import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { bytesToBase64url, concatBytes, utf8 } from '../../../shared/core/bytes.ts';
import { entropyBits, looksCompressible } from '../../../shared/core/pack/compress-probe.ts';
import { noise, prose } from './pack-samples.ts';

test('noise is left alone; text, zeros, base64, and noise after a header or repeated are tried', () => {
  const { lz4 } = nodeCodecs;
  for (let seed = 1; seed <= 50; seed++) assert.equal(looksCompressible(noise(100_000, seed), lz4), false);
  const block = noise(300, 3);
  const repeated = concatBytes(...Array.from({ length: 400 }, () => block));
  const tried = [prose(100_000, 1), new Uint8Array(100_000), utf8(bytesToBase64url(noise(60_000, 2))), repeated];
  for (const bytes of tried) assert.equal(looksCompressible(bytes, lz4), true);
  assert.equal(looksCompressible(noise(1_000, 1), lz4), true, 'too little to ask about');
});

test('entropy in bits a byte: none in zeros, one in two values, eight in all equally often', () => {
  assert.equal(entropyBits(new Uint8Array(0)), 0);
  assert.equal(entropyBits(new Uint8Array(100)), 0);
  assert.equal(entropyBits(Uint8Array.from({ length: 100 }, (_, i) => i % 2)), 1);
  assert.equal(entropyBits(Uint8Array.from({ length: 1_024 }, (_, i) => i % 256)), 8);
});
