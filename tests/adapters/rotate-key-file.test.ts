/** Key rings in files: rotations, what a crash of one leaves, and a signer that goes on meanwhile. */
import assert from 'node:assert/strict';
import { copyFile, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isEndorsement, makeSigningKeyPem } from '../../shared/adapters/node/ed25519-key.ts';
import { createEd25519Signer, loadEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { textToKeyRing } from '../../shared/adapters/node/key-ring.ts';
import { rotateKeyFile } from '../../shared/adapters/node/rotate-key-file.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { limits } from '../../shared/core/limits.ts';
import type { PublishedKey } from '../../shared/ports/signer.ts';
import { createManualClock } from '../contracts/manual-clock.ts';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';

/** The keys from the current one back, if each is endorsed by the next and the last by none. */
function assertChain(keys: readonly PublishedKey[]): void {
  for (const [i, { publicKey, endorsement }] of keys.entries()) {
    const before = keys[i + 1];
    if (before === undefined) assert.equal(endorsement, null);
    else {
      assert.equal(endorsement?.keyId, before.keyId);
      assert.ok(isEndorsement(before.publicKey, publicKey, endorsement.signature));
    }
  }
}

test('any chain of keys leads back to the first, which the last one cannot forge', async () => {
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const chains = fc.uniqueArray(seed, { minLength: 1, maxLength: 8, selector: (bytes) => bytes.join() });
  await fc.assert(
    fc.asyncProperty(chains, async (seeds) => {
      const [first, ...later] = seeds;
      const keys = await createEd25519Signer(first!, ...later).publicKeys();
      assert.equal(keys.length, seeds.length);
      assertChain(keys);
      const [origin] = await createEd25519Signer(first!).publicKeys();
      assert.deepEqual(keys.at(-1), origin);
      for (const { publicKey, endorsement } of keys.slice(0, -2)) {
        assert.ok(!isEndorsement(origin!.publicKey, publicKey, endorsement!.signature));
      }
    }),
    { numRuns: 30 },
  );
});

test('each rotation keeps what was published, and no private key but the current one', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'signing-key.pem');
  await loadEd25519Signer({ file });
  let before = textToKeyRing(await readFile(file, 'utf8')).published;
  for (let n = 1; n <= 4; n++) {
    const rotation = await rotateKeyFile(file);
    const text = await readFile(file, 'utf8');
    const { current, published } = textToKeyRing(text);
    assert.deepEqual(published.slice(1), before);
    assert.deepEqual([rotation.keyId, rotation.previousKeyId], [current.keyId, before[0]!.keyId]);
    assert.equal(text.match(/BEGIN PRIVATE KEY/g)?.length, 1);
    assertChain(published);
    before = published;
  }
  if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('a signer that runs goes over to the new key when it next looks, and the retired one signs no more', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'signing-key.pem');
  const clock = createManualClock();
  const signer = await loadEd25519Signer({ file, clock });
  const first = await signer.sign(new Uint8Array());
  const { keyId } = await rotateKeyFile(file);
  clock.advance(1_999);
  assert.equal((await signer.sign(new Uint8Array())).keyId, first.keyId);
  clock.advance(1);
  const signed = await Promise.all(Array.from({ length: 8 }, () => signer.sign(new Uint8Array())));
  assert.deepEqual(new Set(signed.map((each) => each.keyId)), new Set([keyId]));
  assert.deepEqual(
    (await signer.publicKeys()).map((key) => key.keyId),
    [keyId, first.keyId],
  );
  const second = await rotateKeyFile(file);
  clock.advance(-3_600_000);
  assert.equal((await signer.sign(new Uint8Array())).keyId, second.keyId);
});

test('a signer whose file is gone or damaged refuses, makes no new key, and goes on when it is back', async (t) => {
  const folder = await createTemporaryFolder(t);
  const file = path.join(folder, 'signing-key.pem');
  const clock = createManualClock();
  const signer = await loadEd25519Signer({ file, clock });
  const { keyId } = await signer.sign(new Uint8Array());
  const kept = path.join(folder, 'kept');
  await copyFile(file, kept);
  await writeFile(file, 'damaged');
  clock.advance(2_000);
  await assert.rejects(signer.sign(new Uint8Array()), (error) => isTidemarkError(error, 'corrupt'));
  await rm(file);
  await assert.rejects(signer.sign(new Uint8Array()), (error) => isTidemarkError(error, 'unavailable'));
  assert.deepEqual(await readdir(folder), ['kept']);
  await copyFile(kept, file);
  assert.equal((await signer.sign(new Uint8Array())).keyId, keyId);
});

test('a rotation that died at any byte leaves the ring as it was, and the next one goes through', async (t) => {
  const folder = await createTemporaryFolder(t);
  const file = path.join(folder, 'signing-key.pem');
  await loadEd25519Signer({ file });
  await copyFile(file, path.join(folder, 'other'));
  await rotateKeyFile(path.join(folder, 'other'));
  const draft = await readFile(path.join(folder, 'other'));
  for (const length of [0, 1, 64, draft.length - 1, draft.length]) {
    const { keyId } = textToKeyRing(await readFile(file, 'utf8')).current;
    await writeFile(`${file}.next`, draft.subarray(0, length));
    assert.equal((await (await loadEd25519Signer({ file })).sign(new Uint8Array())).keyId, keyId);
    const { previousKeyId } = await rotateKeyFile(file);
    assert.equal(previousKeyId, keyId);
    assert.ok(!(await readdir(folder)).includes('signing-key.pem.next'));
  }
});

test('of rotations at once one goes through at a time, and none is lost', async (t) => {
  const file = path.join(await createTemporaryFolder(t), 'signing-key.pem');
  await loadEd25519Signer({ file });
  const settled = await Promise.allSettled(Array.from({ length: 6 }, () => rotateKeyFile(file)));
  const won = settled.filter((each) => each.status === 'fulfilled');
  assert.ok(won.length > 0);
  for (const each of settled) if (each.status === 'rejected') assert.ok(isTidemarkError(each.reason, 'busy'));
  const { published } = textToKeyRing(await readFile(file, 'utf8'));
  assert.equal(published.length, 1 + won.length);
  assertChain(published);

  const lock = new DatabaseSync(`${file}.lock`);
  lock.exec('BEGIN EXCLUSIVE');
  await assert.rejects(rotateKeyFile(file), (error) => isTidemarkError(error, 'busy'));
  lock.close();
  await rotateKeyFile(file);
});

test('no ring is rotated that is not there, is damaged, or is full', async (t) => {
  const folder = await createTemporaryFolder(t);
  const file = path.join(folder, 'signing-key.pem');
  await assert.rejects(rotateKeyFile(file), (error) => isTidemarkError(error, 'not-found'));
  assert.deepEqual(await readdir(folder), []);
  await writeFile(file, 'damaged');
  await assert.rejects(rotateKeyFile(file), (error) => isTidemarkError(error, 'corrupt'));
  assert.equal(await readFile(file, 'utf8'), 'damaged');
  const seeds = Array.from({ length: limits.signingKeysMax + 1 }, (_, i) =>
    new Uint8Array(32).fill(i).fill(i >> 8, 0, 1),
  );
  assert.throws(
    () => createEd25519Signer(seeds[0]!, ...seeds.slice(1)),
    (error) => isTidemarkError(error, 'too-large'),
  );
});

test('a ring whose parts do not belong together is damaged', async (t) => {
  const folder = await createTemporaryFolder(t);
  const file = path.join(folder, 'signing-key.pem');
  await loadEd25519Signer({ file });
  await rotateKeyFile(file);
  await rotateKeyFile(file);
  const text = await readFile(file, 'utf8');
  const blocks = text.split(/(?=-----BEGIN )/);
  assert.equal(blocks.length, 5);
  assert.doesNotThrow(() => textToKeyRing(`# kept by the operator\r\n${text.replaceAll('\n', '\r\n')}`));
  const wrong: readonly (readonly string[])[] = [
    [makeSigningKeyPem(), ...blocks.slice(1)],
    [blocks[0]!, blocks[3]!, blocks[2]!, blocks[1]!, blocks[4]!],
    blocks.slice(0, 2),
    blocks.slice(0, 4),
    blocks.slice(1),
    [...blocks.slice(0, 3), ...blocks.slice(4)],
    [blocks[0]!, ...blocks.slice(2)],
    [blocks[0]!, blocks[1]!, blocks[1]!, ...blocks.slice(2)],
    [...blocks, blocks[0]!],
  ];
  for (const parts of wrong) {
    assert.throws(
      () => textToKeyRing(parts.join('')),
      (error) => isTidemarkError(error, 'corrupt') && !error.message.includes('BEGIN'),
      parts.join(''),
    );
  }
});
