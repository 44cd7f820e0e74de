import { TidemarkError } from '../core/errors.ts';
import type { Digest } from '../core/ids.ts';

/** Hashes that one error names: enough to go on with; `count` says how many there are. */
const namedMax = 1_000;

export function missingChunks(missing: readonly Digest[]): TidemarkError {
  return new TidemarkError('missing-chunks', 'some content is not in the workspace: upload it, then try again', {
    data: { count: missing.length, missing: missing.slice(0, namedMax) },
  });
}
