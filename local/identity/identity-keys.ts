/** The issuer's signing keys and cookie keys, made once and kept in a file that only its owner may read. */
import { generateKeyPair, randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';
import { TidemarkError } from '../../shared/core/errors.ts';

export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'RS256';

export interface IdentityKeys {
  /** Private keys; one per algorithm that was ever asked for, so that older tokens still verify. */
  readonly signing: readonly JWK[];
  readonly cookies: readonly string[];
}

const fileName = 'identity-keys.json';
const generate = promisify(generateKeyPair);

/**
 * Reads the keys of `folder`, making what is missing. Without a folder, new keys.
 * @throws TidemarkError `malformed` when the file is damaged: replacing it unasked would end every session.
 */
export async function loadIdentityKeys(folder: string | undefined, algorithm: SigningAlgorithm): Promise<IdentityKeys> {
  const path = folder === undefined ? undefined : join(folder, fileName);
  const stored = path === undefined ? undefined : await readKeys(path);
  if (stored?.signing.some((key) => key.alg === algorithm) === true) return stored;
  const keys: IdentityKeys = {
    signing: [...(stored?.signing ?? []), await makeSigningKey(algorithm)],
    cookies: stored?.cookies ?? [randomBytes(32).toString('base64url')],
  };
  if (path !== undefined) await writeKeys(path, keys);
  return keys;
}

async function makeSigningKey(alg: SigningAlgorithm): Promise<JWK> {
  const { privateKey } = await (alg === 'ES256'
    ? generate('ec', { namedCurve: 'P-256' })
    : alg === 'EdDSA'
      ? generate('ed25519')
      : generate('rsa', { modulusLength: 2_048 }));
  const kid = `${alg.toLowerCase()}-${randomBytes(8).toString('hex')}`;
  return parseKey({ ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid }, 'a new key');
}

async function readKeys(path: string): Promise<IdentityKeys | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || !('signing' in parsed) || !('cookies' in parsed))
      throw damaged(path);
    const { signing, cookies } = parsed;
    if (!Array.isArray(signing) || !Array.isArray(cookies) || cookies.length === 0) throw damaged(path);
    return { signing: signing.map((key) => parseKey(key, path)), cookies: cookies.map(String) };
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/** The parse door of keys. */
function parseKey(value: unknown, where: string): JWK {
  const isKey = typeof value === 'object' && value !== null && 'kty' in value && 'kid' in value && 'alg' in value;
  if (!isKey) throw damaged(where);
  return value as JWK;
}

function damaged(path: string, cause?: unknown): TidemarkError {
  const message = `The issuer's keys in ${path} are damaged; restore the file, or delete it and sign in again.`;
  return new TidemarkError('malformed', message, { cause });
}

/** Writes beside, flushes, then renames: after a crash there is the old file or the new one. */
async function writeKeys(path: string, keys: IdentityKeys): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(keys, undefined, 2));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
