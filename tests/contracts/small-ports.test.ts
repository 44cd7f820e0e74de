/** The ports of one method: signer, token verifier, randomness, clock. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { createStaticTokenVerifier } from '../../shared/adapters/memory/static-token-verifier.ts';
import { createEd25519Signer, loadEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { rotateKeyFile } from '../../shared/adapters/node/rotate-key-file.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { systemRandomness } from '../../shared/adapters/node/system-randomness.ts';
import { bytesToHex } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { parseUserId } from '../../shared/core/ids.ts';
import { signerContract } from './signer.contract.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-test-'));
after(() => rm(folder, { recursive: true, force: true }));

signerContract('of a seed', async () => createEd25519Signer(new Uint8Array(32).fill(3)));
signerContract('of three seeds', async () =>
  createEd25519Signer(...([4, 5, 6].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array])),
);
signerContract('of a file that was rotated', async () => {
  const file = path.join(folder, 'rotated.pem');
  await loadEd25519Signer({ file });
  await rotateKeyFile(file);
  return loadEd25519Signer({ file });
});
signerContract('of a file', () => loadEd25519Signer({ file: path.join(folder, 'signing.pem') }));

test('the static verifier knows its tokens and refuses all others', async () => {
  const caller = { userId: parseUserId('test|ann'), scopes: new Set(['sync.read'] as const) };
  const verifier = createStaticTokenVerifier(new Map([['ann-token', caller]]));
  assert.deepEqual(await verifier.verify('ann-token'), caller);
  for (const token of ['', 'ann', 'toString', '__proto__']) {
    await assert.rejects(verifier.verify(token), (error) => isTidemarkError(error, 'unauthenticated'), token);
  }
});

test('randomness gives as many bytes as asked, others each time, that share no memory', () => {
  const drawn = new Set(Array.from({ length: 100 }, () => bytesToHex(systemRandomness.bytes(16))));
  assert.equal(drawn.size, 100);
  assert.equal(systemRandomness.bytes(0).length, 0);
  assert.equal(systemRandomness.bytes(33).buffer.byteLength, 33);
});

test('the clock tells milliseconds since 1970', () => {
  const [before, told, later] = [Date.now(), systemClock.now(), Date.now()];
  assert.ok(Number.isInteger(told) && told >= before && told <= later);
});
