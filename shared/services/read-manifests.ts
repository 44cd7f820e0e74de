import { type Digest, type DigestColumn, type WorkspaceId, columnToDigests } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import type { ManifestReadRequest, ManifestReadResponse } from '../core/wire/manifest-read.ts';
import type { ObjectKind } from '../ports/metadata-store.ts';
import type { Caller } from '../ports/token-verifier.ts';
import { authorise } from './authorise.ts';
import type { Needs } from './dependencies.ts';

/** Objects asked of the store at once: at most 16 MiB of segments. */
const fetchedMax = 64;

/**
 * Manifests by root, then segments by hash; null where the workspace has none. About `manifestPageBytes` in all: what does
 * not fit is left off at the end, and the client asks again for it. At least one is answered.
 */
export async function readManifests(
  deps: Needs<'metadata'>,
  input: { readonly caller: Caller; readonly request: ManifestReadRequest },
): Promise<ManifestReadResponse> {
  const { workspaceId, roots, segments } = input.request;
  await authorise(deps, input.caller, workspaceId, 'read');
  const page = { bytes: 0, full: false };
  return {
    manifests: await readObjects(deps, workspaceId, 'manifest', roots, page),
    segments: await readObjects(deps, workspaceId, 'segment', segments, page),
  };
}

async function readObjects(
  deps: Needs<'metadata'>,
  workspaceId: WorkspaceId,
  kind: ObjectKind,
  hashes: DigestColumn,
  page: { bytes: number; full: boolean },
): Promise<(Uint8Array | null)[]> {
  const wanted: readonly Digest[] = columnToDigests(hashes);
  const objects: (Uint8Array | null)[] = [];
  for (let from = 0; from < wanted.length && !page.full; from += fetchedMax) {
    const found = await deps.metadata.objects.getObjects(workspaceId, kind, wanted.slice(from, from + fetchedMax));
    for (const bytes of found) {
      const length = bytes?.length ?? 0;
      page.full = page.bytes > 0 && page.bytes + length > limits.manifestPageBytes;
      if (page.full) break;
      page.bytes += length;
      objects.push(bytes ?? null);
    }
  }
  return objects;
}
