/** Equality of entries without encoding them: canonical encoding makes it the equality of their bytes. */
import type { Entry } from '../../../shared/core/tree/entry.ts';
import { samePlace } from '../../../shared/core/tree/keys.ts';
import type { VersionVector } from '../../../shared/core/version-vector.ts';
import type { PlacedEntry } from '../model.ts';

function sameVersion(a: VersionVector, b: VersionVector): boolean {
  return a.length === b.length && a.every(([device, counter], i) => b[i]![0] === device && b[i]![1] === counter);
}

/** Whether two entries have the same bytes. */
export function sameEntry(a: Entry, b: Entry): boolean {
  if (a.nodeId !== b.nodeId || a.mtimeMs !== b.mtimeMs || a.mode !== b.mode) return false;
  if (!sameVersion(a.version, b.version)) return false;
  if (a.kind === 'file')
    return b.kind === 'file' && a.size === b.size && a.content === b.content && a.sha256 === b.sha256;
  if (a.kind === 'symlink') return b.kind === 'symlink' && a.target === b.target;
  return b.kind === 'folder';
}

/** Whether two placed entries are the same to the byte, versions included. */
export function identical(a: PlacedEntry, b: PlacedEntry): boolean {
  return samePlace(a, b) && sameEntry(a.entry, b.entry);
}
