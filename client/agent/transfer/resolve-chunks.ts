/** The chunk lists of contents: from what the agent knows, else from the server's manifests, checked against their root. */
import { type ErrorCode, TidemarkError, isTidemarkError } from '../../../shared/core/errors.ts';
import {
  type Digest,
  type DigestColumn,
  digestBytes,
  digestsToColumn,
  idToBytes,
  parseDigestColumn,
} from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import {
  type ChunkList,
  type Manifest,
  assembleManifest,
  decodeManifest,
} from '../../../shared/core/manifest/manifest.ts';
import { merkleRoot } from '../../../shared/core/merkle/tree.ts';
import { profiles } from '../../../shared/core/chunk/profiles.ts';
import type { LocalKnowledge } from '../ports.ts';
import type { TransferSetting } from './services.ts';

/** No profile cuts a file of this size: it is a chunk. */
const singleChunkBytes: number = profiles.document.content?.minBytes ?? 0;

/** Contents asked for at once; manifests are kilobytes for most files, but may be megabytes. */
const rootsAskedMax = 4_096;

const none: DigestColumn = parseDigestColumn(new Uint8Array(0));
const emptyContent: Digest = merkleRoot(none);

/** A content's chunks, and the profile they were cut by: null for a content of at most one chunk, which does not tell. */
export interface ResolvedContent extends ChunkList {
  readonly profileId: number | null;
}

function singleChunk(content: Digest, size: number): ResolvedContent {
  if (size === 0) return { profileId: null, hashes: none, lengths: new Uint32Array(0) };
  return { profileId: null, hashes: parseDigestColumn(idToBytes(content)), lengths: Uint32Array.of(size) };
}

/**
 * Reads what is named by `column`, in as many requests as the server wants. `read` gives the answers for a column of the rest.
 * Throws `malformed` when the server answers nothing, or more than was asked.
 */
async function readAll(
  column: DigestColumn,
  read: (rest: DigestColumn) => Promise<readonly (Uint8Array | null)[]>,
): Promise<(Uint8Array | null)[]> {
  const answers: (Uint8Array | null)[] = [];
  const total = column.length / digestBytes;
  while (answers.length < total) {
    const from = answers.length;
    const to = Math.min(total, from + rootsAskedMax);
    const got = await read(parseDigestColumn(column.subarray(from * digestBytes, to * digestBytes)));
    if (got.length === 0 || got.length > to - from) {
      throw new TidemarkError('malformed', 'the server answered another number of manifests than was asked for');
    }
    answers.push(...got);
  }
  return answers;
}

/** What is wrong with one manifest is its file's problem; a server that cannot be reached is everybody's. */
const manifestFaults: ReadonlySet<ErrorCode> = new Set([
  'corrupt',
  'malformed',
  'missing-chunks',
  'too-large',
  'unsupported',
]);

export interface ContentToResolve {
  readonly content: Digest;
  readonly size: number;
}

/** Each content asked for is in one of the two: with its chunks, or with what is wrong with it. */
export interface ResolvedContents {
  readonly resolved: ReadonlyMap<Digest, ResolvedContent>;
  readonly faults: ReadonlyMap<Digest, string>;
}

/** The chunk lists of contents. A manifest that is not sound is its content's fault. Throws what the server and the network throw. */
export async function resolveChunks(
  { api, workspaceId, count }: Pick<TransferSetting, 'api' | 'workspaceId' | 'count'>,
  contents: readonly ContentToResolve[],
  knowledge: Pick<LocalKnowledge, 'chunksOf'>,
  signal: AbortSignal,
): Promise<ResolvedContents> {
  const resolved = new Map<Digest, ResolvedContent>();
  const faults = new Map<Digest, string>();
  const asked = new Map<Digest, number>();
  for (const { content, size } of contents) {
    if (resolved.has(content)) continue;
    const known = size <= singleChunkBytes ? undefined : knowledge.chunksOf(content);
    if (known?.size === size) {
      const { profileId, hashes, lengths } = known;
      resolved.set(content, { profileId, hashes: parseDigestColumn(hashes), lengths });
    } else if (size > singleChunkBytes) {
      asked.set(content, size);
    } else if (size > 0 || content === emptyContent) {
      // An empty file is only what the hash of no bytes names: no other content ever becomes one.
      resolved.set(content, singleChunk(content, size));
    } else {
      faults.set(content, 'it is empty, and its hash is not that of an empty file');
    }
  }
  const roots = [...asked.keys()];
  const manifests = await readAll(digestsToColumn(roots), async (rest) => {
    count.requests++;
    return (await api.readManifests({ workspaceId, roots: rest, segments: none }, signal)).manifests;
  });
  for (const [i, root] of roots.entries()) {
    const size = asked.get(root)!;
    const bytes = manifests[i] ?? null;
    if (bytes === null) {
      // A content of one chunk has no manifest. Whether there is such a chunk, the download session tells.
      if (size <= limits.chunkBytesMax) resolved.set(root, singleChunk(root, size));
      else faults.set(root, 'the server does not have its content');
      continue;
    }
    await assemble(root, size, bytes);
  }
  return { resolved, faults };

  async function assemble(root: Digest, size: number, bytes: Uint8Array): Promise<void> {
    try {
      const manifest = decodeManifest(bytes);
      if (manifest.size !== size)
        throw new TidemarkError('corrupt', 'its manifest is of another size than the tree says');
      const segments = await readSegments(manifest);
      const chunks = assembleManifest(root, manifest, (hash) => segments.get(hash) ?? undefined);
      resolved.set(root, { profileId: manifest.profileId, ...chunks });
    } catch (error) {
      if (!isTidemarkError(error) || !manifestFaults.has(error.code)) throw error;
      faults.set(root, error.message);
    }
  }

  async function readSegments({ segments }: Manifest): Promise<ReadonlyMap<Digest, Uint8Array | null>> {
    const hashes = [...new Set(segments.map((segment) => segment.hash))];
    const answers = await readAll(digestsToColumn(hashes), async (rest) => {
      count.requests++;
      return (await api.readManifests({ workspaceId, roots: none, segments: rest }, signal)).segments;
    });
    return new Map(hashes.map((hash, i) => [hash, answers[i] ?? null]));
  }
}
