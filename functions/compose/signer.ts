import { loadEd25519Signer } from '../../shared/adapters/node/ed25519-signer.ts';
import { type Rotation, rotateKeyFile } from '../../shared/adapters/node/rotate-key-file.ts';
import type { VaultSecret } from '../../shared/adapters/key-vault/vault-ring.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import type { Config } from '../config.ts';

type SigningKeys = Config['signingKeys'];

async function openSecret({ url, secret }: SigningKeys & { readonly adapter: 'key-vault' }): Promise<VaultSecret> {
  const { openVaultSecret } = await import('../../shared/adapters/key-vault/vault-ring.ts');
  const { DefaultAzureCredential } = await import('@azure/identity');
  return openVaultSecret(url, secret, new DefaultAzureCredential());
}

/** The signer that is configured. A file is made when it is missing; of a key vault nothing is read before the first signature. */
export async function openSigner(signingKeys: SigningKeys, clock: Clock, log: Log): Promise<Signer> {
  if (signingKeys.adapter === 'file') return loadEd25519Signer({ file: signingKeys.file, clock });
  const { createKeyVaultSigner } = await import('../../shared/adapters/key-vault/key-vault-signer.ts');
  return createKeyVaultSigner({ secret: await openSecret(signingKeys), clock, log });
}

/** A new key for the signer that is configured, beside running services. `isUrgent`: it does not wait until all of them know it. */
export async function rotateSigningKey(signingKeys: SigningKeys, clock: Clock, isUrgent: boolean): Promise<Rotation> {
  if (signingKeys.adapter === 'file') return rotateKeyFile(signingKeys.file);
  const { rotateVaultKey } = await import('../../shared/adapters/key-vault/rotate-vault-key.ts');
  return rotateVaultKey({ secret: await openSecret(signingKeys), clock, isUrgent });
}
