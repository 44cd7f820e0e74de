/** The content that a commit needs: what to upload for it, and the manifests and segments that it carries. */
import type { Digest } from '../../../shared/core/ids.ts';
import { parseDigestColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { type BuiltManifest, buildManifest } from '../../../shared/core/manifest/manifest.ts';
import type { CommitRequest } from '../../../shared/core/wire/commit.ts';
import type { Operation, PutOperation } from '../../../shared/core/wire/operation.ts';
import type { Journal } from '../journal/journal.ts';
import type { ContentChunks } from '../model.ts';
import type { Upload } from '../ports.ts';

/**
 * Encoded manifests and segments of one commit: the body stays far below `requestBytesMax` with the operations, and is held several
 * times on its way to the outbox and to the server. A single file whose chunks are more goes alone.
 */
const manifestBytesMax = limits.requestBytesMax / 8;
/** A hash and its length, encoded. */
const chunkBytes = 40;

export function putsOf(operations: readonly Operation[]): PutOperation[] {
  return operations.filter((operation) => operation.kind === 'put');
}

/** As many of the first operations as one commit carries. At least one. */
export function cutBatch(journal: Journal, operations: readonly Operation[]): readonly Operation[] {
  let chunks = 0;
  for (const [i, operation] of operations.entries()) {
    if (i >= limits.commitOperationsMax) return operations.slice(0, i);
    if (operation.kind !== 'put') continue;
    const count =
      operation.size <= limits.chunkBytesMax ? 0 : (journal.contents.get(operation.content)?.lengths.length ?? 0);
    chunks += count === 0 ? Math.ceil(operation.size / averageChunkBytes) : count;
    const isOver = chunks * chunkBytes > manifestBytesMax || chunks > limits.commitChunksMax;
    if (isOver && i > 0) return operations.slice(0, i);
  }
  return operations;
}

/** Of small files, whose chunk lists are not worth looking up just to count: the finest profile's average. */
const averageChunkBytes = 8 * 1024;

/** Files to upload for some operations, each content once. Empty files and those the workspace has need none. */
export function uploadsOf(
  journal: Journal,
  operations: readonly Operation[],
  proven: (content: Digest) => boolean,
): Upload[] {
  const puts = putsOf(operations);
  const ids = puts.map(({ nodeId }) => nodeId);
  return journal.trees.batch(ids, () => gatherUploads(journal, puts, proven));
}

function gatherUploads(
  journal: Journal,
  puts: readonly PutOperation[],
  proven: (content: Digest) => boolean,
): Upload[] {
  const uploads = new Map<Digest, Upload>();
  for (const { nodeId, content, size } of puts) {
    if (size === 0 || uploads.has(content) || proven(content)) continue;
    const node = journal.trees.getLocal(nodeId);
    const path = node === undefined ? undefined : journal.localPath(node);
    if (node === undefined || path === undefined) continue;
    uploads.set(content, { path, content, size, stat: node.stat, chunks: journal.contents.get(content) ?? null });
  }
  return [...uploads.values()];
}

/** Manifests of the contents that the workspace has not, with the segments that their base versions have not. */
export function manifestsOf(
  journal: Journal,
  operations: readonly Operation[],
  proven: (content: Digest) => boolean,
): Pick<CommitRequest, 'manifests' | 'segments'> {
  const manifests = new Map<Digest, Uint8Array>();
  const segments = new Map<Digest, Uint8Array>();
  for (const { content, baseContent, size } of putsOf(operations)) {
    if (size === 0 || manifests.has(content) || proven(content)) continue;
    const chunks = journal.contents.get(content);
    const built = chunks === undefined ? undefined : build(chunks);
    if (built === undefined || built.manifest === null) continue;
    manifests.set(content, built.manifest);
    const known = baseContent !== null && proven(baseContent) ? segmentsOf(journal, baseContent) : new Set<Digest>();
    for (const [hash, bytes] of built.segments) if (!known.has(hash)) segments.set(hash, bytes);
  }
  return {
    manifests: [...manifests].map(([root, manifest]) => ({ root, manifest })),
    segments: [...segments].map(([hash, segment]) => ({ hash, segment })),
  };
}

function build({ profileId, hashes, lengths }: ContentChunks): BuiltManifest {
  return buildManifest(profileId, { hashes: parseDigestColumn(hashes), lengths });
}

function segmentsOf(journal: Journal, content: Digest): ReadonlySet<Digest> {
  const chunks = journal.contents.get(content);
  return new Set(chunks === undefined ? [] : build(chunks).segments.keys());
}
