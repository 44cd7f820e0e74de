import assert from 'node:assert/strict';
import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createEd25519Signer, loadEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { bytesToHex, hexToBytes } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

test('signs as RFC 8032 does: its test 2', async () => {
  const signer = createEd25519Signer(hexToBytes('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'));
  const [key] = await signer.publicKeys();
  assert.equal(bytesToHex(key!.publicKey), '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  assert.equal(
    bytesToHex((await signer.sign(hexToBytes('72'))).signature),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
});

async function keyIdOf(signer: Signer): Promise<string> {
  return (await signer.sign(new Uint8Array())).keyId;
}

test('a seed gives its own key; only 32 bytes are a seed', async () => {
  const seed = (byte: number) => new Uint8Array(32).fill(byte);
  const keyId = await keyIdOf(createEd25519Signer(seed(1)));
  assert.equal(await keyIdOf(createEd25519Signer(seed(1))), keyId);
  assert.notEqual(await keyIdOf(createEd25519Signer(seed(2))), keyId);
  assert.throws(
    () => createEd25519Signer(new Uint8Array(31)),
    (error) => isTidemarkError(error, 'malformed'),
  );
});

test('a missing key file is made once, for its owner only, whoever races', async (t) => {
  const folder = path.join(await createTemporaryFolder(t), 'keys');
  const file = path.join(folder, 'signing.pem');
  const signers = await Promise.all(Array.from({ length: 6 }, () => loadEd25519Signer({ file })));
  assert.equal(new Set(await Promise.all(signers.map(keyIdOf))).size, 1);
  assert.equal(await keyIdOf(await loadEd25519Signer({ file })), await keyIdOf(signers[0]!));
  assert.deepEqual(await readdir(folder), ['signing.pem']);
  if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('a damaged key file is never replaced', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'signing.pem');
  for (const content of ['', 'not a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n']) {
    await writeFile(file, content);
    await assert.rejects(loadEd25519Signer({ file }), (error) => isTidemarkError(error, 'corrupt'));
    assert.equal((await stat(file)).size, content.length);
  }
});
