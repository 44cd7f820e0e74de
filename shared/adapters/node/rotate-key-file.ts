/**
 * A new key for a ring in a file: made, endorsed by the current one, and put in its place by one rename, so that a crash leaves the
 * ring of before or the ring of after. The private part of the former key goes with the file it was in. One rotation at a time: the
 * lock is SQLite's, on a file beside the ring, and ends with its holder however that ends.
 */
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { utf8ToText } from '../../core/bytes.ts';
import { TidemarkError } from '../../core/errors.ts';
import { flushFolder } from '../disk/durable-folders.ts';
import { isFileError } from '../disk/file-errors.ts';
import { makeSigningKeyPem, pemToSigningKey } from './ed25519-key.ts';
import { type KeyRing, addKey, keyRingToText, textToKeyRing } from './key-ring.ts';

export interface Rotation {
  readonly keyId: string;
  /** Null: the key is the first one. */
  readonly previousKeyId: string | null;
  /** From when on it signs, as milliseconds since 1970; null: as soon as the service has seen it. */
  readonly signsFromMs: number | null;
}

/** Files beside a ring: its lock, and a ring that a rotation had not finished writing. */
export const keyRingLockSuffix = '.lock';
export const keyRingDraftSuffix = '.next';

/** Durable when it resolves. Throws `not-found` without a ring, `busy` while another rotation is at work, `corrupt` for a damaged ring. */
export async function rotateKeyFile(file: string): Promise<Rotation> {
  await readRing(file);
  const lock = new DatabaseSync(file + keyRingLockSuffix, { timeout: 0 });
  try {
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (cause) {
      throw new TidemarkError('busy', 'another rotation of the signing keys is at work', { cause });
    }
    const before = await readRing(file);
    const pem = makeSigningKeyPem();
    const after = addKey(before, pemToSigningKey(pem));
    await replaceDurably(file, keyRingToText(after, pem));
    return { keyId: after.current.keyId, previousKeyId: before.current.keyId, signsFromMs: null };
  } finally {
    lock.close();
  }
}

async function readRing(file: string): Promise<KeyRing> {
  try {
    return textToKeyRing(utf8ToText(await readFile(file)));
  } catch (cause) {
    if (!isFileError(cause, 'ENOENT')) throw cause;
    throw new TidemarkError(
      'not-found',
      'there is no signing key yet: the service makes the first one when it starts',
      {
        cause,
      },
    );
  }
}

/** The caller holds the lock, so nobody else writes the draft; one that a crash left behind was never in use. */
async function replaceDurably(file: string, text: string): Promise<void> {
  const draft = file + keyRingDraftSuffix;
  const owner = await stat(file);
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    // A ring that another user rotates stays the service's.
    if ((await handle.stat()).uid !== owner.uid) await handle.chown(owner.uid, owner.gid);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await flushFolder(path.dirname(path.resolve(file)));
}
