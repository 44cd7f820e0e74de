import { TidemarkError } from '../core/errors.ts';
import { columnLength } from '../core/ids.ts';
import type { VerifiedPack } from '../ports/metadata-store.ts';

/**
 * What every chunk index checks before it records: one place for each hash, all in the pack itself. Throws `internal`:
 * whoever verified the pack is wrong, and recording it would make chunks unreadable.
 */
export function checkVerifiedPack(pack: VerifiedPack): void {
  const fits = columnLength(pack.hashes) === pack.places.length;
  if (!fits || pack.places.some((place) => place.packId !== pack.packId)) {
    throw new TidemarkError('internal', 'a verified pack has one place in itself for each of its chunks');
  }
}
