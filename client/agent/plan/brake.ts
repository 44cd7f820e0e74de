/**
 * The brake on mass deletion. Most losses of data in sync products are deletions that nobody meant: an unmounted disk, an
 * empty listing, a script on another device. So more than half of the files (of ten at least), or more than a thousand, do
 * not go in one step unless a person said so. A move is no deletion: it keeps its node.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';

export const massDeletion = { filesMin: 10, share: 0.5, filesMax: 1_000 } as const;

export interface Deletions {
  /** Files that are gone from this disk and would be deleted for everybody. */
  readonly local: number;
  /** Files that are gone from the server and would be removed from this disk. */
  readonly remote: number;
  /** Files that are on both sides as far as known. */
  readonly files: number;
}

export interface Halt {
  readonly side: 'local' | 'remote';
  readonly deletions: number;
  readonly files: number;
}

/** The sides whose deletions look like an accident. */
export function findHalts({ local, remote, files }: Deletions): Halt[] {
  const isMass = (deletions: number): boolean =>
    deletions > massDeletion.filesMax || (files >= massDeletion.filesMin && deletions > files * massDeletion.share);
  const sides = [
    { side: 'local' as const, deletions: local, files },
    { side: 'remote' as const, deletions: remote, files },
  ];
  return sides.filter(({ deletions }) => isMass(deletions));
}

/** The error that stops a sync until a person allows it. */
export function haltToError({ side, deletions, files }: Halt): TidemarkError {
  const message =
    side === 'local'
      ? `${deletions} of ${files} files are gone from this folder; nothing was deleted elsewhere. Put them back, or allow the deletion`
      : `${deletions} of ${files} files were deleted on other devices; nothing was removed here. Allow the deletion, or restore them`;
  return new TidemarkError('halted', message, { data: { side, deletions, files } });
}
