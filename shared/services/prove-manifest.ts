import { TidemarkError } from '../core/errors.ts';
import { columnLength, digestBytes, parseDigestColumn } from '../core/ids.ts';
import { sumOf } from '../core/manifest/segment.ts';
import { proveRange } from '../core/merkle/tree.ts';
import { emptyBytes } from '../core/bytes.ts';
import type { ManifestProofRequest, ManifestProofResponse } from '../core/wire/manifest-proof.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import type { Needs } from './dependencies.ts';
import { mustReadChunkList } from './read-chunk-list.ts';

/**
 * Chunks of a file, with what proves by its root that they are there (core/merkle/tree: verifyRange). The range is clipped to the
 * file's chunks.
 * @throws TidemarkError `not-found` when the workspace has no such content; `malformed` when the range begins at or after its end.
 */
export async function proveManifest(
  deps: Needs<'metadata'>,
  input: { readonly caller: Caller; readonly request: ManifestProofRequest },
): Promise<ManifestProofResponse> {
  const { workspaceId, root, first, count } = input.request;
  await authorise(deps, input.caller, workspaceId, 'read');
  const { hashes, lengths } = await mustReadChunkList(deps, workspaceId, root);
  const chunks = columnLength(hashes);
  const size = sumOf(lengths);
  const none = parseDigestColumn(emptyBytes);
  if (chunks === 0 && first === 0) return { chunks, size, offset: 0, hashes: none, lengths: [], proof: none };
  if (first >= chunks) {
    throw new TidemarkError('malformed', 'the file has fewer chunks', { data: { field: 'first', first, chunks } });
  }
  const end = Math.min(first + count, chunks);
  return {
    chunks,
    size,
    offset: sumOf(lengths.subarray(0, first)),
    hashes: parseDigestColumn(hashes.subarray(first * digestBytes, end * digestBytes)),
    lengths: [...lengths.subarray(first, end)],
    proof: parseDigestColumn(proveRange(hashes, first, end)),
  };
}
