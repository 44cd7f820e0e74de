/** Task: what a file of given bytes would be told as, without writing it: cut and hashed as the scanner cuts and hashes files. */
import { mustGetProfile, profileHeadBytes, selectProfile } from '../../../shared/core/chunk/profiles.ts';
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { digestBytes, parseDigestColumn } from '../../../shared/core/ids.ts';
import { merkleRoot } from '../../../shared/core/merkle/tree.ts';
import type { DescribedBytes } from '../ports.ts';
import type { Tools } from '../workers/tasks.ts';

export interface DescribeBytesInput {
  readonly bytes: Uint8Array;
  /** Of the version before, 0 for none. */
  readonly profileId: number;
  readonly preferFixed: boolean;
  readonly wantsSha256: boolean;
}

export function describeBytes({ chunker, createSha256 }: Tools, input: DescribeBytesInput): DescribedBytes {
  const { bytes, profileId, preferFixed, wantsSha256 } = input;
  const previous = profileId === 0 ? undefined : mustGetProfile(profileId);
  const head = bytes.subarray(0, profileHeadBytes);
  const profile = selectProfile({ size: bytes.length, head, previous, preferFixed });
  const cut: { readonly hash: Uint8Array; readonly length: number }[] = [];
  const take = (chunk: Uint8Array): void => void cut.push({ hash: blake3(chunk), length: chunk.length });
  chunker.start(profile);
  for (const chunk of chunker.push(bytes)) take(chunk);
  for (const chunk of chunker.finish()) take(chunk);
  const hashes = new Uint8Array(cut.length * digestBytes);
  for (const [i, { hash }] of cut.entries()) hashes.set(hash, i * digestBytes);
  const lengths = Uint32Array.from(cut, ({ length }) => length);
  const content = merkleRoot(parseDigestColumn(hashes));
  const chunks = cut.length <= 1 ? null : { root: content, profileId: profile.id, size: bytes.length, hashes, lengths };
  const sha256 = wantsSha256 ? createSha256() : null;
  sha256?.update(bytes);
  return { content, chunks, sha256: sha256?.digest() ?? null };
}
