import { TidemarkError } from '../core/errors.ts';
import type { VersionRecord } from '../ports/version-store.ts';

/**
 * What every version store checks before it projects: the versions are of the commits after `fromSeq` up to `toSeq`. Throws
 * `internal`: anything else is a fault of the caller, and would leave versions that no projection makes again.
 */
export function checkProjection(fromSeq: number, toSeq: number, versions: readonly VersionRecord[]): void {
  if (toSeq < fromSeq || versions.some(({ seq }) => seq <= fromSeq || seq > toSeq)) {
    throw new TidemarkError('internal', 'a projection has versions of the commits that it covers, and of no others');
  }
}
