/**
 * Whether all content that a commit refers to is there: verified chunks of this workspace, of the lengths that are claimed,
 * under the roots that are claimed. What passes is what makes "acknowledged" mean "can be rebuilt from storage".
 *
 *   size 0             the root of no bytes, and nothing else
 *   a manifest comes   it is put together from its segments, sent or stored; its root and sum must be right, and each of its
 *   with the request   chunks verified with its length
 *   otherwise          one chunk that is the root itself, with the file's size; or a manifest stored earlier, which was
 *                      checked then (manifests are stored only after this check), and whose chunks are looked up again
 */
import { emptyBytes, equalBytes } from '../core/bytes.ts';
import { TidemarkError, isTidemarkError } from '../core/errors.ts';
import { blake3, blake3Digest } from '../core/hash/blake3.ts';
import { type Digest, type WorkspaceId, columnDigestAt, digestsToColumn, idToBytes } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { type Manifest, assembleManifest, chunksOfManifest, decodeManifest } from '../core/manifest/manifest.ts';
import type { ChunkList } from '../core/manifest/segment.ts';
import type { CommitRequest } from '../core/wire/commit.ts';
import { lookUpChunks } from './chunk-lookup.ts';
import type { Needs } from './dependencies.ts';

export interface ContentCheck {
  /** Chunks, segments and roots without which the commit cannot be; empty when all is there. */
  readonly missing: readonly Digest[];
  /** What to store before the commit: empty of what is missing something. */
  readonly manifests: ReadonlyMap<Digest, Uint8Array>;
  readonly segments: ReadonlyMap<Digest, Uint8Array>;
}

const emptyRoot: Digest = blake3Digest(emptyBytes);

/** Segments and manifests fetched at once: at most 16 MiB of segments. */
const fetchedMax = 64;

/**
 * @throws TidemarkError `malformed` when what the request says contradicts itself or the index: a manifest that does not
 * have its root, sizes that do not add up, a chunk of another length. `too-large` over `commitChunksMax`.
 */
export async function checkContent(deps: Needs<'metadata'>, request: CommitRequest): Promise<ContentCheck> {
  const { workspaceId } = request;
  const sizes = sizesOfRoots(request);
  const sent = new Map(request.manifests.map(({ root, manifest }) => [root, manifest]));
  const sentSegments = new Map<Digest, Uint8Array>();
  for (const { hash, segment } of request.segments) {
    if (!equalBytes(blake3(segment), idToBytes(hash))) {
      throw new TidemarkError('malformed', 'a segment does not have the hash it is sent under', { data: { hash } });
    }
    sentSegments.set(hash, segment);
  }
  const unsent = new Map([...sizes].filter(([root]) => !sent.has(root)));
  const missing = new Set<Digest>();
  const check = { workspaceId, sentSegments, missing, segments: new Map<Digest, Uint8Array>() };
  await checkUnsent(deps, check, unsent);
  const manifests = new Map<Digest, Uint8Array>();
  for (const { root, manifest } of decodeSent(sent, sizes)) {
    if (await checkManifest(deps, check, root, manifest)) manifests.set(root, sent.get(root)!);
  }
  return { missing: [...missing], manifests, segments: check.segments };
}

/** The roots that files shall have, with their sizes. One root has one size, and only the empty file has none. */
function sizesOfRoots(request: CommitRequest): Map<Digest, number> {
  const sizes = new Map<Digest, number>();
  for (const [index, operation] of request.operations.entries()) {
    if (operation.kind !== 'put') continue;
    const { content, size } = operation;
    if ((size === 0) !== (content === emptyRoot) || (sizes.get(content) ?? size) !== size) {
      throw new TidemarkError('malformed', 'the size of a file does not fit its content', { data: { index, size } });
    }
    if (size > 0) sizes.set(content, size);
  }
  return sizes;
}

/**
 * Roots without a manifest in the request: single chunks, or manifests stored earlier. What a stored one lists was there when it was
 * stored, and storage may have lost it since: so its chunks are looked up again, for up to `commitChunksMax` of them in all. Beyond that
 * a stored manifest is believed, which only a restore of a hundred gigabytes comes to; the check of storage (admin/fsck) tells of those.
 */
async function checkUnsent(
  deps: Needs<'metadata'>,
  check: ManifestCheck,
  sizes: ReadonlyMap<Digest, number>,
): Promise<void> {
  const { workspaceId, missing } = check;
  const roots = [...sizes.keys()];
  const places = await lookUpChunks(deps, workspaceId, digestsToColumn(roots));
  const notChunks = roots.filter((_, i) => places[i] === undefined);
  for (const [i, root] of roots.entries()) {
    const length = places[i]?.length;
    if (length !== undefined && length !== sizes.get(root)) throw wrongSize(root);
  }
  let chunks = 0;
  for (let from = 0; from < notChunks.length; from += fetchedMax) {
    const part = notChunks.slice(from, from + fetchedMax);
    const stored = await deps.metadata.objects.getObjects(workspaceId, 'manifest', part);
    for (const [i, root] of part.entries()) {
      const bytes = stored[i];
      const manifest = bytes === undefined ? undefined : decodeManifest(bytes);
      if (manifest === undefined) {
        missing.add(root);
        continue;
      }
      if (manifest.size !== sizes.get(root)) throw wrongSize(root);
      chunks += chunksOfManifest(manifest);
      if (chunks <= limits.commitChunksMax) await checkManifest(deps, check, root, manifest);
    }
  }
}

function wrongSize(root: Digest): TidemarkError {
  return new TidemarkError('malformed', 'the size of a file is not that of its content', { data: { root } });
}

function decodeSent(
  sent: ReadonlyMap<Digest, Uint8Array>,
  sizes: ReadonlyMap<Digest, number>,
): { readonly root: Digest; readonly manifest: Manifest }[] {
  let chunks = 0;
  return [...sent].map(([root, bytes]) => {
    const manifest = decodeManifest(bytes);
    const size = sizes.get(root);
    if (size === undefined) {
      throw new TidemarkError('malformed', 'a manifest comes that no operation refers to', { data: { root } });
    }
    if (size !== manifest.size) throw wrongSize(root);
    chunks += chunksOfManifest(manifest);
    if (chunks > limits.commitChunksMax) {
      throw new TidemarkError('too-large', 'the files of one commit have too many chunks', {
        data: { commitChunksMax: limits.commitChunksMax },
      });
    }
    return { root, manifest };
  });
}

interface ManifestCheck {
  readonly workspaceId: WorkspaceId;
  readonly sentSegments: ReadonlyMap<Digest, Uint8Array>;
  readonly missing: Set<Digest>;
  readonly segments: Map<Digest, Uint8Array>;
}

/** Whether the manifest and all it lists are right and there. Adds what is missing, and the sent segments that it uses. */
async function checkManifest(
  deps: Needs<'metadata'>,
  check: ManifestCheck,
  root: Digest,
  manifest: Manifest,
): Promise<boolean> {
  const segments = await gatherSegments(deps, check, manifest);
  if (segments === undefined) return false;
  const chunks = assembleSent(root, manifest, segments);
  const places = await lookUpChunks(deps, check.workspaceId, chunks.hashes);
  let complete = true;
  for (const [i, place] of places.entries()) {
    if (place === undefined) {
      check.missing.add(columnDigestAt(chunks.hashes, i));
      complete = false;
    } else if (place.length !== chunks.lengths[i]) {
      const chunk = columnDigestAt(chunks.hashes, i);
      throw new TidemarkError('malformed', 'a manifest gives a chunk another length than it has', {
        data: { root, chunk },
      });
    }
  }
  if (!complete) return false;
  for (const { hash } of manifest.segments) {
    const sent = check.sentSegments.get(hash);
    if (sent !== undefined) check.segments.set(hash, sent);
  }
  return true;
}

/** What contradicts its own hash came from the client: that is its input's fault, not ours. */
function assembleSent(root: Digest, manifest: Manifest, segments: ReadonlyMap<Digest, Uint8Array>): ChunkList {
  try {
    return assembleManifest(root, manifest, (hash) => segments.get(hash));
  } catch (error) {
    if (!isTidemarkError(error, 'corrupt')) throw error;
    throw new TidemarkError('malformed', error.message, { data: { root }, cause: error });
  }
}

/** The bytes of all segments that a manifest lists; undefined, and the hashes added to what is missing, when some are not there. */
async function gatherSegments(
  deps: Needs<'metadata'>,
  check: ManifestCheck,
  manifest: Manifest,
): Promise<ReadonlyMap<Digest, Uint8Array> | undefined> {
  const gathered = new Map<Digest, Uint8Array>();
  const unsent = new Set<Digest>();
  for (const { hash } of manifest.segments) {
    const sent = check.sentSegments.get(hash);
    if (sent === undefined) unsent.add(hash);
    else gathered.set(hash, sent);
  }
  const wanted = [...unsent];
  let complete = true;
  for (let from = 0; from < wanted.length; from += fetchedMax) {
    const part = wanted.slice(from, from + fetchedMax);
    const stored = await deps.metadata.objects.getObjects(check.workspaceId, 'segment', part);
    for (const [i, hash] of part.entries()) {
      const bytes = stored[i];
      if (bytes === undefined) {
        check.missing.add(hash);
        complete = false;
      } else gathered.set(hash, bytes);
    }
  }
  return complete ? gathered : undefined;
}
