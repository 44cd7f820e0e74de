/**
 * A key ring as the versions of one secret, since Key Vault keys cannot be Ed25519. Each version's value is a private key: PKCS #8 PEM,
 * or its seed of 32 bytes in base64url. Its tags are public: they are read with the list, so that retired private keys are not.
 *
 *     tm-public-key     base64url
 *     tm-endorsed-by    the key id of the key before it
 *     tm-endorsement    that key's signature, base64url
 *
 * Enabled versions are published, in the order in which they were made. One signs from its `notBefore` on, until a newer one does. A
 * version whose endorser has a successor already lost a race of two rotations: it is passed over, wherever it is read.
 */
import { SecretClient, type SecretClientOptions, type SecretProperties } from '@azure/keyvault-secrets';
import type { TokenCredential } from '@azure/identity';
import { base64urlToBytes } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { signingKeyId } from '../../core/wire/journal-entry.ts';
import type { PublishedKey, Signature } from '../../ports/signer.ts';
import { type SigningKey, isEndorsement, pemToSigningKey, seedToSigningKey } from '../node/ed25519-key.ts';
import { isMissing, toVaultError } from './vault-error.ts';

export const ringTags = {
  publicKey: 'tm-public-key',
  endorsedBy: 'tm-endorsed-by',
  endorsement: 'tm-endorsement',
} as const;

/** One secret of a vault. */
export interface VaultSecret {
  readonly client: SecretClient;
  readonly name: string;
}

/** @throws TidemarkError `malformed` when the URL is not https: keys do not travel in the open. */
export function openVaultSecret(
  url: string,
  name: string,
  credential: TokenCredential,
  options: Pick<SecretClientOptions, 'httpClient' | 'retryOptions'> = { retryOptions: { maxRetries: 2 } },
): VaultSecret {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new TidemarkError('malformed', 'a key vault has an https URL');
  }
  return { client: new SecretClient(url, credential, options), name };
}

export interface VaultKey extends PublishedKey {
  readonly version: string;
  /** Milliseconds since 1970; 0 when nothing was said. */
  readonly signsFromMs: number;
}

export interface VaultRing {
  /** The oldest first. */
  readonly keys: readonly VaultKey[];
  /** Enabled versions that are not used: they lost a race, or their endorsement does not verify. */
  readonly ignored: readonly string[];
}

/** The private key of a version. Throws what toVaultError gives, `corrupt` when it is none. */
export async function readVaultKey({ client, name }: VaultSecret, version: string): Promise<SigningKey> {
  let value: string;
  try {
    value = (await client.getSecret(name, { version })).value ?? '';
  } catch (error) {
    throw toVaultError(error);
  }
  const seed = /^[A-Za-z0-9_-]{43}$/.test(value.trim()) ? base64urlToBytes(value.trim()) : undefined;
  return seed === undefined ? pemToSigningKey(value) : seedToSigningKey(seed);
}

/** The ring as it is now; without keys when there is no such secret. Throws what toVaultError gives. */
export async function readVaultRing(secret: VaultSecret): Promise<VaultRing> {
  const versions: SecretProperties[] = [];
  try {
    for await (const properties of secret.client.listPropertiesOfSecretVersions(secret.name)) {
      if (properties.enabled !== false && properties.version !== undefined) versions.push(properties);
    }
  } catch (error) {
    if (!isMissing(error)) throw toVaultError(error);
  }
  const keys: VaultKey[] = [];
  const ignored: string[] = [];
  for (const properties of versions.sort(compareMade)) {
    const key = await toVaultKey(secret, properties);
    if (follows(keys, key)) keys.push(key);
    else ignored.push(key.version);
  }
  return { keys, ignored };
}

/** Times are whole seconds there; the version's name settles the rest, for everybody alike. */
function compareMade(a: SecretProperties, b: SecretProperties): number {
  const seconds = (a.createdOn?.getTime() ?? 0) - (b.createdOn?.getTime() ?? 0);
  return seconds !== 0 ? seconds : a.version! < b.version! ? -1 : 1;
}

async function toVaultKey(secret: VaultSecret, properties: SecretProperties): Promise<VaultKey> {
  const version = properties.version!;
  const tags = properties.tags ?? {};
  const tagged = tags[ringTags.publicKey];
  // A version that was put there by hand has no tags.
  const publicKey =
    tagged === undefined ? (await readVaultKey(secret, version)).publicKey : mustDecode(tagged, 32, version);
  return {
    version,
    keyId: signingKeyId(publicKey),
    publicKey,
    endorsement: tagsToEndorsement(tags, version),
    signsFromMs: properties.notBefore?.getTime() ?? 0,
  };
}

function tagsToEndorsement(tags: NonNullable<SecretProperties['tags']>, version: string): Signature | null {
  const [keyId, signature] = [tags[ringTags.endorsedBy], tags[ringTags.endorsement]];
  if (keyId === undefined || signature === undefined) return null;
  return { keyId, signature: mustDecode(signature, 64, version) };
}

function mustDecode(text: string, length: number, version: string): Uint8Array {
  try {
    const bytes = base64urlToBytes(text);
    if (bytes.length === length) return bytes;
  } catch {
    // Below: it is not what we wrote either way.
  }
  throw new TidemarkError('corrupt', 'a version of the signing secret has damaged tags', { data: { version } });
}

/**
 * Whether a version comes next. A first key has no endorsement, nor has one that was put there on purpose to end the trust in those before
 * it; and an endorser may be disabled.
 */
function follows(keys: readonly VaultKey[], { publicKey, endorsement }: VaultKey): boolean {
  const place = keys.findIndex(({ keyId }) => keyId === endorsement?.keyId);
  if (endorsement === null || place === -1) return true;
  return place === keys.length - 1 && isEndorsement(keys[place]!.publicKey, publicKey, endorsement.signature);
}
