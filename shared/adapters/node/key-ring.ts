/**
 * A key ring as text: the key that signs, and what was published of those before it. A ring of one key is its PKCS #8 PEM, as any
 * tool writes it. Each rotation puts a new key at the front:
 *
 *     -----BEGIN PRIVATE KEY-----            the current key
 *     -----BEGIN TIDEMARK ENDORSEMENT-----   Ed25519 signature of it by the next key below (keyEndorsementBytes)
 *     -----BEGIN PUBLIC KEY-----             the key before it; its private part is gone
 *     -----BEGIN TIDEMARK ENDORSEMENT-----   … by the one before that
 *     -----BEGIN PUBLIC KEY-----             the first key has no endorsement
 *
 * Text outside of the blocks means nothing (RFC 7468).
 */
import { TidemarkError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { signingKeyId } from '../../core/wire/journal-entry.ts';
import type { PublishedKey } from '../../ports/signer.ts';
import {
  type SigningKey,
  endorseKey,
  isEndorsement,
  pemToPublicKey,
  pemToSigningKey,
  publicKeyToPem,
} from './ed25519-key.ts';

export interface KeyRing {
  readonly current: SigningKey;
  /** The current key first, then ever older ones. */
  readonly published: readonly PublishedKey[];
}

const endorsementLabel = 'TIDEMARK ENDORSEMENT';
const blockPattern = /-----BEGIN ([A-Z ]+)-----\n([A-Za-z0-9+/=\n]*)-----END \1-----\n?/g;

function damaged(why: string): TidemarkError {
  return new TidemarkError('corrupt', `the signing keys cannot be used: ${why}`);
}

/** A ring of one key. */
export function newKeyRing(current: SigningKey): KeyRing {
  return { current, published: [{ keyId: current.keyId, publicKey: current.publicKey, endorsement: null }] };
}

/** The ring after a rotation. Throws `too-large` when it holds as many keys as clients read. */
export function addKey(ring: KeyRing, next: SigningKey): KeyRing {
  if (ring.published.length >= limits.signingKeysMax) {
    throw new TidemarkError('too-large', 'there are as many signing keys already as may be published');
  }
  const endorsement = endorseKey(ring.current, next.publicKey);
  const published = { keyId: next.keyId, publicKey: next.publicKey, endorsement };
  return { current: next, published: [published, ...ring.published] };
}

/** @param currentPem the private key of `ring.current`, PKCS #8. */
export function keyRingToText(ring: KeyRing, currentPem: string): string {
  const blocks = ring.published.map(({ publicKey, endorsement }, i) => {
    const key = i === 0 ? currentPem : publicKeyToPem(publicKey);
    return endorsement === null ? key : key + endorsementToText(endorsement.signature);
  });
  return blocks.join('');
}

function endorsementToText(signature: Uint8Array): string {
  const lines =
    Buffer.from(signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${endorsementLabel}-----`, ...lines, `-----END ${endorsementLabel}-----`, ''].join('\n');
}

interface Member {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array | null;
}

/** Throws `corrupt` for anything but a whole ring in which each key is endorsed by the one before it. */
export function textToKeyRing(text: string): KeyRing {
  const blocks = [...text.replaceAll('\r\n', '\n').matchAll(blockPattern)];
  const [first, ...others] = blocks;
  if (first?.[1] !== 'PRIVATE KEY') throw damaged('they do not begin with a private key');
  const current = pemToSigningKey(first[0]);
  const members: Member[] = [{ publicKey: current.publicKey, signature: null }];
  for (const [block, label, base64 = ''] of others) {
    const last = members.at(-1)!;
    if (label === 'PUBLIC KEY' && last.signature !== null) {
      members.push({ publicKey: pemToPublicKey(block), signature: null });
    } else if (label === endorsementLabel && last.signature === null) {
      members[members.length - 1] = { ...last, signature: new Uint8Array(Buffer.from(base64, 'base64')) };
    } else throw damaged('keys and endorsements do not take turns');
  }
  return { current, published: members.map((member, i) => toPublished(member, members[i + 1])) };
}

function toPublished({ publicKey, signature }: Member, before: Member | undefined): PublishedKey {
  const keyId = signingKeyId(publicKey);
  if (signature === null) return { keyId, publicKey, endorsement: null };
  if (before === undefined || !isEndorsement(before.publicKey, publicKey, signature)) {
    throw damaged('a key is not endorsed by the one before it');
  }
  return { keyId, publicKey, endorsement: { keyId: signingKeyId(before.publicKey), signature } };
}
