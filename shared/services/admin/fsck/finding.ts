/** What a check of a workspace's storage may find. Nothing is ever changed by finding it. */
import type { ServiceDependencies } from '../../dependencies.ts';
import type { WorkspaceId } from '../../../core/ids.ts';

/**
 * - `missing-node`: a node of a tree is not there, or is not what its hash says. Subject: the node.
 * - `missing-manifest`: a manifest or one of its segments is not there, or is not what its name says. Subject: its hash.
 * - `missing-chunk`: a chunk that a file or a recorded pack has is not in the index. Subject: the first such chunk.
 * - `missing-blob`: a recorded pack has no blob. Subject: the pack.
 * - `bad-blob`: a blob is not what was verified under its name, or its name is no pack's. Subject: the blob's name.
 * - `orphan-blob`: a blob of a pack that is not recorded: an upload nobody has verified yet, or one that nobody finished.
 *   Subject: the blob's name. Information, no damage.
 * - `journal-broken`: an entry that cannot be read, does not follow from the one before, is not signed by us, or does not lead to
 *   the root that it names; or a head that is not the newest entry. Subject: the seq.
 * - `tally-wrong`: the head says another number of files or bytes than stand in its tree. Subject: the root.
 * - `index-wrong`: the index gives a chunk a place where it does not lie. Subject: the chunk or the pack.
 */
export const findingKinds = [
  'missing-node',
  'missing-manifest',
  'missing-chunk',
  'missing-blob',
  'bad-blob',
  'orphan-blob',
  'journal-broken',
  'tally-wrong',
  'index-wrong',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface Finding {
  readonly kind: FindingKind;
  readonly subject: string;
  /** One sentence for a person. */
  readonly detail: string;
}

/** Whether it means that something is damaged. */
export function isDamage({ kind }: Finding): boolean {
  return kind !== 'orphan-blob';
}

export type FsckNeeds = Pick<ServiceDependencies, 'blobs' | 'metadata' | 'codecs' | 'signer'>;

/** One step of a check, as its parts see it. */
export interface Check {
  readonly deps: FsckNeeds;
  readonly workspaceId: WorkspaceId;
  /** Whether every byte of every pack is read. */
  readonly deep: boolean;
  /** Whether what the files of older roots consist of is checked too, and not only of the head. */
  readonly history: boolean;
  /** Notes a finding; the same kind and subject twice is one. */
  find(this: void, kind: FindingKind, subject: string, detail: string): void;
}
