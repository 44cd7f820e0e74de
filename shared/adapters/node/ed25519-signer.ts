/** The server's signature under its journal: Ed25519 (RFC 8032) with a ring of keys that lives in a file. */
import { readFile, stat } from 'node:fs/promises';
import { utf8, utf8ToText } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PublishedKey, Signer } from '../../ports/signer.ts';
import { makeSigningKeyPem, seedToSigningKey } from './ed25519-key.ts';
import { type KeyRing, addKey, newKeyRing, textToKeyRing } from './key-ring.ts';
import { loadOrCreateSecretFile } from './secret-file.ts';
import { systemClock } from './system-clock.ts';

function copyOf({ keyId, publicKey, endorsement }: PublishedKey): PublishedKey {
  const copied = endorsement === null ? null : { ...endorsement, signature: endorsement.signature.slice() };
  return { keyId, publicKey: publicKey.slice(), endorsement: copied };
}

function signerOf(ringNow: () => Promise<KeyRing>): Signer {
  return {
    sign: async (bytes) => (await ringNow()).current.sign(bytes),
    publicKeys: async () => (await ringNow()).published.map(copyOf),
  };
}

/**
 * A signer of known seeds (32 bytes each), for tests: the same seed gives the same key, the last one signs, each is endorsed by the
 * one before it. Throws `malformed` on another length.
 */
export function createEd25519Signer(first: Uint8Array, ...later: readonly Uint8Array[]): Signer {
  const ring = later.map(seedToSigningKey).reduce(addKey, newKeyRing(seedToSigningKey(first)));
  return signerOf(async () => ring);
}

/** How long a signer may go on with a ring after the file holds another one: nobody waits for a rotation. */
const checkEveryMs = 2_000;

/** What changes when a file is replaced, as a rotation does; two rings have the same inode only if one is long gone. */
async function identityOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/**
 * The signer whose key ring is in `file` (node/key-ring.ts; one PKCS #8 PEM is a ring). The file is made, 0600, when it is missing.
 * A ring that replaces it (rotate-key-file.ts) is used within two seconds. Throws `corrupt` when the file holds anything else: a
 * new key in its place would make every client refuse the journal. A signer whose file becomes unreadable refuses to sign
 * (`unavailable`) rather than go on with a key that may be retired.
 */
export async function loadEd25519Signer(options: { readonly file: string; readonly clock?: Clock }): Promise<Signer> {
  const { file, clock = systemClock } = options;

  async function load(): Promise<{ readonly identity: string; readonly ring: KeyRing }> {
    // Before the bytes: a ring that comes in between is read again at the next look.
    const identity = await identityOf(file);
    return { identity, ring: textToKeyRing(utf8ToText(await readFile(file))) };
  }

  await loadOrCreateSecretFile(file, newPem);
  let known = await load();
  let checkedMs = clock.now();
  let checking: Promise<void> | undefined;

  async function check(): Promise<void> {
    try {
      if ((await identityOf(file)) !== known.identity) known = await load();
      checkedMs = clock.now();
    } catch (cause) {
      if (cause instanceof TidemarkError) throw cause;
      throw new TidemarkError('unavailable', 'the signing keys cannot be read', { cause });
    } finally {
      checking = undefined;
    }
  }

  return signerOf(async () => {
    if (Math.abs(clock.now() - checkedMs) >= checkEveryMs) await (checking ??= check());
    return known.ring;
  });
}

function newPem(): Uint8Array {
  return utf8(makeSigningKeyPem());
}
