/**
 * The server's signature under its journal, with keys that are versions of a secret in Azure Key Vault (vault-ring.ts). The ring is cached
 * and read again every few minutes; so a rotation needs no restart, and the vault may be away for a while. Private keys are read for the
 * version that signs and those that will, kept in memory only, and never logged.
 */
import { TidemarkError } from '../../core/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { PublishedKey, Signer } from '../../ports/signer.ts';
import type { SigningKey } from '../node/ed25519-key.ts';
import { toVaultError } from './vault-error.ts';
import { type VaultKey, type VaultSecret, readVaultKey, readVaultRing } from './vault-ring.ts';
import { refreshMs, retryMs, staleMs, switchMs } from './vault-times.ts';

export interface KeyVaultSignerOptions {
  readonly secret: VaultSecret;
  readonly clock: Clock;
  readonly log: Log;
}

interface KnownRing {
  /** The oldest first. */
  readonly keys: readonly VaultKey[];
  /** By version: of the key that signs and of those that will. */
  readonly privateKeys: ReadonlyMap<string, SigningKey>;
  readonly readMs: number;
}

/** Where in the ring the key is that signs at this time; -1 when none does yet. */
function signsAt(keys: readonly VaultKey[], nowMs: number): number {
  return keys.findLastIndex(({ signsFromMs }) => signsFromMs <= nowMs);
}

async function readKnownRing({ secret, clock, log }: KeyVaultSignerOptions): Promise<KnownRing> {
  const readMs = clock.now();
  const { keys, ignored } = await readVaultRing(secret);
  for (const version of ignored)
    log.warn({ version }, 'a version of the signing secret is not used: nothing leads to it');
  if (keys.length === 0) {
    throw new TidemarkError(
      'unavailable',
      'there is no signing key yet: `npm run admin -- rotate-signing-key` makes one',
    );
  }
  const current = keys[Math.max(0, signsAt(keys, readMs))]!;
  const privateKeys = new Map([[current.version, await mustReadKey(secret, current)]]);
  for (const key of keys.slice(keys.indexOf(current) + 1)) {
    try {
      privateKeys.set(key.version, await mustReadKey(secret, key));
    } catch (error) {
      // Its time has not come: signing asks again when it has.
      log.warn({ version: key.version, code: toVaultError(error).code }, 'a future signing key cannot be read yet');
    }
  }
  return { keys, privateKeys, readMs };
}

async function mustReadKey(secret: VaultSecret, { version, keyId }: VaultKey): Promise<SigningKey> {
  const key = await readVaultKey(secret, version);
  if (key.keyId === keyId) return key;
  throw new TidemarkError('corrupt', 'a version of the signing secret is tagged with another key', {
    data: { version },
  });
}

/** Reads nothing before the first call. Signing throws `unavailable` for the seconds in which keys change, and without a recent ring. */
export function createKeyVaultSigner(options: KeyVaultSignerOptions): Signer {
  const { clock, log } = options;
  let known: KnownRing | undefined;
  let failure: { readonly error: TidemarkError; readonly atMs: number } | undefined;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    try {
      known = await readKnownRing(options);
      failure = undefined;
    } catch (cause) {
      const error = toVaultError(cause);
      failure = { error, atMs: clock.now() };
      log.warn(
        { code: error.code, isCached: known !== undefined },
        `the signing keys could not be read: ${error.message}`,
      );
    } finally {
      reading = undefined;
    }
  }

  // A clock that steps either way makes a ring old, never young.
  const ageOf = (atMs: number | undefined): number =>
    atMs === undefined ? Number.POSITIVE_INFINITY : Math.abs(clock.now() - atMs);

  async function ringNow(): Promise<KnownRing> {
    const isDue = ageOf(known?.readMs) >= refreshMs && ageOf(failure?.atMs) >= retryMs;
    if (isDue || (known === undefined && reading !== undefined)) await (reading ??= read());
    if (known === undefined || ageOf(known.readMs) >= staleMs) {
      throw failure?.error ?? new TidemarkError('unavailable', 'the signing keys cannot be read');
    }
    return known;
  }

  function keyAt({ keys, privateKeys }: KnownRing): SigningKey | undefined {
    return privateKeys.get(keys[signsAt(keys, clock.now())]?.version ?? '');
  }

  /** The key that signs now; the ring is read again when it lacks that. */
  async function keyNow(ring: KnownRing): Promise<SigningKey> {
    const key = keyAt(ring);
    if (key !== undefined) return key;
    if (ageOf(ring.readMs) >= retryMs && ageOf(failure?.atMs) >= retryMs) await (reading ??= read());
    const found = keyAt(await ringNow());
    if (found === undefined) throw new TidemarkError('unavailable', 'no signing key may sign at this time');
    return found;
  }

  return {
    sign: async (bytes) => {
      const ring = await ringNow();
      const nowMs = clock.now();
      if (ring.keys.some(({ signsFromMs }) => Math.abs(nowMs - signsFromMs) < switchMs)) {
        throw new TidemarkError('unavailable', 'the signing key is being changed; it takes some seconds');
      }
      return (await keyNow(ring)).sign(bytes);
    },
    publicKeys: async () => {
      const { keys } = await ringNow();
      const newestFirst = keys.toReversed();
      const current = newestFirst.at(keys.length - 1 - Math.max(0, signsAt(keys, clock.now())))!;
      return [current, ...newestFirst.filter((key) => key !== current)].map(toPublished);
    },
  };
}

function toPublished({ keyId, publicKey, endorsement }: VaultKey): PublishedKey {
  const copied = endorsement === null ? null : { ...endorsement, signature: endorsement.signature.slice() };
  return { keyId, publicKey: publicKey.slice(), endorsement: copied };
}
