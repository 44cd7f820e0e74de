/**
 * A new version of the signing secret, endorsed by the newest one. It is published at once and signs after `activationMs`, when every
 * instance knows it. The vault has no compare-and-set: of two rotations at once both store a version, everybody reads the same one as
 * the next (vault-ring.ts), and the other one's maker disables it. Within one second, which is all that the vault tells apart, the
 * second one may still win after the first one was told that it did; nothing has been signed with either by then.
 */
import { bytesToBase64url } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Clock } from '../../ports/clock.ts';
import { endorseKey, makeSigningKeyPem, pemToSigningKey } from '../node/ed25519-key.ts';
import type { Rotation } from '../node/rotate-key-file.ts';
import { toVaultError } from './vault-error.ts';
import { type VaultKey, type VaultSecret, readVaultKey, readVaultRing, ringTags } from './vault-ring.ts';
import { activationMs } from './vault-times.ts';

export interface RotateVaultKeyOptions {
  readonly secret: VaultSecret;
  readonly clock: Clock;
  /** Signs as soon as instances read it: for a key that has fallen into other hands. Devices may refuse some heads meanwhile. */
  readonly isUrgent?: boolean;
}

/** Throws `conflict` while an earlier new key waits, `busy` when another rotation came first, `too-large`, and what toVaultError gives. */
export async function rotateVaultKey({ secret, clock, isUrgent = false }: RotateVaultKeyOptions): Promise<Rotation> {
  const before = (await readVaultRing(secret)).keys;
  const newest = before.at(-1);
  if (before.length >= limits.signingKeysMax) {
    throw new TidemarkError('too-large', 'there are as many signing keys already as may be published');
  }
  if (newest !== undefined && newest.signsFromMs > clock.now() && !isUrgent) {
    const signsFrom = new Date(newest.signsFromMs).toISOString();
    throw new TidemarkError('conflict', `the newest key has not signed yet: it will from ${signsFrom} on`);
  }
  // Whole seconds, as the vault keeps them.
  const signsFromMs = newest === undefined || isUrgent ? null : Math.ceil((clock.now() + activationMs) / 1_000) * 1_000;
  const made = await storeKey(secret, newest, signsFromMs);
  const after = (await readVaultRing(secret)).keys;
  const place = after.findIndex(({ version }) => version === made.version);
  if (place === -1 || after[place - 1]?.keyId !== newest?.keyId) {
    await withdraw(secret, made.version);
    throw new TidemarkError('busy', 'another rotation of the signing keys came first');
  }
  return { keyId: made.keyId, previousKeyId: newest?.keyId ?? null, signsFromMs };
}

async function storeKey(
  secret: VaultSecret,
  newest: VaultKey | undefined,
  signsFromMs: number | null,
): Promise<{ readonly version: string; readonly keyId: string }> {
  const pem = makeSigningKeyPem();
  const { keyId, publicKey } = pemToSigningKey(pem);
  const tags: Record<string, string> = { [ringTags.publicKey]: bytesToBase64url(publicKey) };
  if (newest !== undefined) {
    const { signature } = endorseKey(await readVaultKey(secret, newest.version), publicKey);
    tags[ringTags.endorsedBy] = newest.keyId;
    tags[ringTags.endorsement] = bytesToBase64url(signature);
  }
  try {
    const { properties } = await secret.client.setSecret(secret.name, pem, {
      tags,
      contentType: 'application/x-pem-file',
      ...(signsFromMs !== null && { notBefore: new Date(signsFromMs) }),
    });
    return { version: properties.version ?? '', keyId };
  } catch (error) {
    throw toVaultError(error);
  }
}

/** Nothing leads to it either way: this only tidies up. */
async function withdraw({ client, name }: VaultSecret, version: string): Promise<void> {
  try {
    await client.updateSecretProperties(name, version, { enabled: false });
  } catch (error) {
    throw toVaultError(error);
  }
}
