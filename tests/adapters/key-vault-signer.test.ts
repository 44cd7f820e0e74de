/** The signer over a key vault, through the real SDK: its challenge, rings of versions, rotations, failures. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  isEndorsement,
  makeSigningKeyPem,
  pemToSigningKey,
  seedToSigningKey,
} from '../../shared/adapters/node/ed25519-key.ts';
import { createKeyVaultSigner } from '../../shared/adapters/key-vault/key-vault-signer.ts';
import { rotateVaultKey } from '../../shared/adapters/key-vault/rotate-vault-key.ts';
import { openVaultSecret, readVaultRing } from '../../shared/adapters/key-vault/vault-ring.ts';
import { activationMs, refreshMs, retryMs, staleMs, switchMs } from '../../shared/adapters/key-vault/vault-times.ts';
import { bytesToBase64url } from '../../shared/core/bytes.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { type Log, type LogFields, silentLog } from '../../shared/ports/log.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { type ManualClock, createManualClock } from '../contracts/manual-clock.ts';
import { signerContract } from '../contracts/signer.contract.ts';
import { FakeKeyVault, problem, vaultUrl } from './fake-key-vault.ts';

interface Scene {
  readonly clock: ManualClock;
  readonly vault: FakeKeyVault;
  readonly logged: string[];
  /** An instance of the service, which knows nothing yet. */
  readonly signer: () => Signer;
  readonly rotate: (isUrgent?: boolean) => ReturnType<typeof rotateVaultKey>;
}

function openScene(): Scene {
  const clock = createManualClock();
  const vault = new FakeKeyVault(clock);
  const logged: string[] = [];
  const note = (fields: LogFields, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, warn: note, error: note, info: note };
  return {
    clock,
    vault,
    logged,
    signer: () => createKeyVaultSigner({ secret: vault.secret(), clock, log }),
    rotate: (isUrgent = false) => rotateVaultKey({ secret: vault.secret(), clock, isUrgent }),
  };
}

async function keyIdOf(signer: Signer): Promise<string> {
  return (await signer.sign(new Uint8Array())).keyId;
}

async function publishedBy(signer: Signer): Promise<readonly string[]> {
  return (await signer.publicKeys()).map(({ keyId }) => keyId);
}

signerContract('of a key vault', async () => {
  const { signer, rotate } = openScene();
  await rotate();
  return signer();
});
signerContract('of a key vault with a retired, a current and a future key', async () => {
  const { clock, signer, rotate } = openScene();
  await rotate();
  clock.advance(1_000);
  await rotate();
  clock.advance(activationMs + 2 * switchMs);
  await rotate();
  return signer();
});

describe('a ring in a key vault', () => {
  test('is opened by the challenge that the vault answers with, for the scope that it names', async () => {
    const { vault, rotate, signer } = openScene();
    await rotate();
    await keyIdOf(signer());
    assert.ok(vault.scopes.length > 0);
    for (const scope of vault.scopes) assert.deepEqual(scope, ['https://vault.azure.net/.default']);
  });

  test('begins with the first rotation; until then the service says how to make a key', async () => {
    const { clock, rotate, signer, logged } = openScene();
    const service = signer();
    await assert.rejects(
      service.sign(new Uint8Array()),
      (error) => isTidemarkError(error, 'unavailable') && error.message.includes('rotate-signing-key'),
    );
    const { keyId, previousKeyId, signsFromMs } = await rotate();
    assert.deepEqual([previousKeyId, signsFromMs], [null, null]);
    clock.advance(retryMs);
    assert.equal(await keyIdOf(service), keyId);
    assert.equal(logged.length, 1);
  });

  test('takes keys that were put there by hand, as PEM or as a seed', async () => {
    const { clock, vault, signer, rotate } = openScene();
    const pem = makeSigningKeyPem();
    vault.put(pem);
    assert.equal(await keyIdOf(signer()), pemToSigningKey(pem).keyId);
    const seed = new Uint8Array(32).fill(9);
    clock.advance(1_000);
    vault.put(bytesToBase64url(seed));
    assert.equal(await keyIdOf(signer()), seedToSigningKey(seed).keyId);
    clock.advance(1_000);
    const { previousKeyId } = await rotate();
    assert.equal(previousKeyId, seedToSigningKey(seed).keyId);
    clock.advance(1_000);
    vault.put('not a key');
    await assert.rejects(signer().sign(new Uint8Array()), (error) => isTidemarkError(error, 'corrupt'));
  });

  test('publishes a new key first, and all instances sign with it from one moment on, though none was restarted', async () => {
    const { clock, rotate, signer } = openScene();
    const first = await rotate();
    const [old, fresh] = [signer(), signer()];
    await keyIdOf(old);
    clock.advance(1_000);
    const second = await rotate();
    assert.equal(second.previousKeyId, first.keyId);
    assert.deepEqual(await publishedBy(old), [first.keyId]);
    clock.advance(refreshMs);
    for (const each of [old, fresh]) {
      assert.equal(await keyIdOf(each), first.keyId);
      const keys = await each.publicKeys();
      assert.deepEqual(
        keys.map(({ keyId }) => keyId),
        [first.keyId, second.keyId],
      );
      assert.ok(isEndorsement(keys[0]!.publicKey, keys[1]!.publicKey, keys[1]!.endorsement!.signature));
    }
    clock.advance(second.signsFromMs! - clock.now() - switchMs + 1);
    await assert.rejects(
      old.sign(new Uint8Array()),
      (error) => isTidemarkError(error, 'unavailable') && error.retryable,
    );
    clock.advance(2 * switchMs - 1);
    for (const each of [old, fresh]) {
      assert.equal(await keyIdOf(each), second.keyId);
      assert.deepEqual(await publishedBy(each), [second.keyId, first.keyId]);
    }
  });

  test('goes over to a key that could not be read before its time', async () => {
    const { clock, vault, rotate, signer } = openScene();
    vault.hidesFuture = true;
    const first = await rotate();
    clock.advance(1_000);
    const second = await rotate();
    const service = signer();
    assert.equal(await keyIdOf(service), first.keyId);
    clock.advance(second.signsFromMs! - clock.now() - switchMs);
    assert.equal(await keyIdOf(service), first.keyId);
    clock.advance(2 * switchMs);
    await assert.rejects(service.sign(new Uint8Array()), (error) => isTidemarkError(error, 'unavailable'));
    clock.advance(retryMs);
    assert.equal(await keyIdOf(service), second.keyId);
  });

  test('reads no retired private key, and none again within minutes', async () => {
    const { clock, vault, rotate, signer } = openScene();
    await rotate();
    clock.advance(1_000);
    await rotate();
    clock.advance(activationMs + 2 * switchMs);
    const service = signer();
    vault.requests.length = 0;
    for (let i = 0; i < 5; i++) await keyIdOf(service);
    clock.advance(refreshMs - 1);
    await publishedBy(service);
    const newest = vault.versions[1]!.version;
    const read = vault.requests.filter((request) => !request.endsWith('/versions'));
    assert.deepEqual(read, [`GET /secrets/signing-key/${newest}`]);
    assert.equal(vault.requests.filter((request) => request.endsWith('/versions')).length, 2);
  });

  test('of a disabled version publishes nothing, and never falls back behind the versions after it', async () => {
    const { clock, vault, rotate, signer } = openScene();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.push((await rotate()).keyId);
      clock.advance(activationMs + 2 * switchMs);
    }
    vault.versions[1]!.enabled = false;
    assert.deepEqual(await publishedBy(signer()), [ids[2], ids[0]]);
    assert.equal(await keyIdOf(signer()), ids[2]);
  });

  test('waits for a new key to sign before it takes another, unless it is urgent', async () => {
    const { clock, rotate, signer } = openScene();
    await rotate();
    clock.advance(1_000);
    await rotate();
    await assert.rejects(rotate(), (error) => isTidemarkError(error, 'conflict'));
    clock.advance(1_000);
    const { keyId, signsFromMs } = await rotate(true);
    assert.equal(signsFromMs, null);
    assert.equal(await keyIdOf(signer()), keyId);
  });

  test('rotated twice at once has one next key, which everybody reads as the next', async () => {
    const { clock, vault, rotate, signer } = openScene();
    await rotate();
    clock.advance(1_000);
    let arrived = 0;
    const both = Promise.withResolvers<undefined>();
    vault.onRequest = (method) => {
      if (method !== 'PUT') return undefined;
      if (++arrived === 2) both.resolve(undefined);
      return both.promise;
    };
    const settled = await Promise.allSettled([rotate(), rotate()]);
    vault.onRequest = () => undefined;
    const { keys } = await readVaultRing(vault.secret());
    assert.equal(keys.length, 2);
    const won = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value.keyId] : []));
    assert.ok(won.includes(keys[1]!.keyId));
    for (const each of settled) if (each.status === 'rejected') assert.ok(isTidemarkError(each.reason, 'busy'));
    clock.advance(activationMs + 2 * switchMs);
    assert.equal(await keyIdOf(signer()), keys[1]!.keyId);
  });

  test('passes over a version whose endorsement is none, and says so', async () => {
    const { clock, vault, rotate, signer, logged } = openScene();
    const { keyId } = await rotate();
    clock.advance(1_000);
    await rotate();
    vault.versions[1]!.tags['tm-endorsement'] = bytesToBase64url(new Uint8Array(64));
    clock.advance(activationMs + 2 * switchMs);
    assert.equal(await keyIdOf(signer()), keyId);
    assert.ok(logged.some((line) => line.includes(vault.versions[1]!.version)));
    vault.versions[1]!.tags['tm-endorsement'] = 'x';
    await assert.rejects(signer().sign(new Uint8Array()), (error) => isTidemarkError(error, 'corrupt'));
  });

  test('tagged with another key than its own is damaged', async () => {
    const { vault, rotate, signer } = openScene();
    await rotate();
    vault.versions[0]!.tags['tm-public-key'] = bytesToBase64url(new Uint8Array(32).fill(1));
    await assert.rejects(signer().sign(new Uint8Array()), (error) => isTidemarkError(error, 'corrupt'));
  });
});

describe('a key vault that fails', () => {
  test('is asked again after a while; what was read goes on, until it is too old', async () => {
    const { clock, vault, rotate, signer, logged } = openScene();
    const { keyId } = await rotate();
    const service = signer();
    await keyIdOf(service);
    vault.onRequest = () => problem(503, 'Unavailable');
    clock.advance(refreshMs);
    vault.requests.length = 0;
    for (let i = 0; i < 3; i++) assert.equal(await keyIdOf(service), keyId);
    assert.equal(vault.requests.length, 1);
    clock.advance(retryMs);
    assert.equal(await keyIdOf(service), keyId);
    assert.equal(vault.requests.length, 2);
    clock.advance(staleMs - refreshMs - retryMs);
    await assert.rejects(service.sign(new Uint8Array()), (error) => isTidemarkError(error, 'unavailable'));
    await assert.rejects(service.publicKeys(), (error) => isTidemarkError(error, 'unavailable'));
    vault.onRequest = () => undefined;
    clock.advance(retryMs);
    assert.equal(await keyIdOf(service), keyId);
    assert.equal(logged.length, 3);
  });

  test('is asked once by all who wait for it', async () => {
    const { vault, rotate, signer } = openScene();
    await rotate();
    const service = signer();
    vault.requests.length = 0;
    await Promise.all(Array.from({ length: 10 }, () => service.sign(new Uint8Array())));
    assert.equal(vault.requests.filter((request) => request.includes('versions')).length, 2);
  });

  test('tells its status, and no secret, in errors and in the log', async () => {
    const cases = [
      [429, 'unavailable'],
      [500, 'unavailable'],
      [403, 'internal'],
      [400, 'internal'],
    ] as const;
    for (const [status, code] of cases) {
      const { clock, vault, rotate, signer, logged } = openScene();
      await rotate();
      const secrets = [...vault.versions.map(({ value }) => value.split('\n')[1]!), 'vault-token'];
      vault.onRequest = () => problem(status, 'Some');
      const errors: unknown[] = [];
      await signer()
        .sign(new Uint8Array())
        .catch((error: unknown) => errors.push(error));
      clock.advance(1_000);
      vault.onRequest = (method) => (method === 'PUT' ? problem(status, 'Some') : undefined);
      await rotate().catch((error: unknown) => errors.push(error));
      assert.equal(errors.length, 2);
      for (const error of errors) {
        assert.ok(isTidemarkError(error, code), String(error));
        assert.deepEqual([error.data['status'], error.cause], [status, undefined]);
      }
      const told = [...logged, ...errors.map((error) => JSON.stringify(error) + String(error))].join('\n');
      for (const secret of secrets) assert.ok(!told.includes(secret));
    }
  });

  test('cannot be reached: unavailable', async () => {
    const { vault, rotate, signer } = openScene();
    await rotate();
    vault.onRequest = () => {
      throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    };
    await assert.rejects(signer().sign(new Uint8Array()), (error) => isTidemarkError(error, 'unavailable'));
  });

  test('has an https address', () => {
    const credential = { getToken: async () => null };
    for (const url of ['http://tidemark-test.vault.azure.net', 'tidemark-test', '']) {
      assert.throws(
        () => openVaultSecret(url, 'signing-key', credential),
        (error) => isTidemarkError(error, 'malformed'),
      );
    }
    assert.ok(openVaultSecret(vaultUrl, 'signing-key', credential));
  });
});
