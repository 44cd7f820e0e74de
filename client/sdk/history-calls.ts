/** Calls about what a workspace was: its tree at a point, the versions of a node, going back; and its tree and contents piece by piece. */
import { TidemarkError } from '../../shared/core/errors.ts';
import {
  type NodeId,
  type RequestId,
  type WorkspaceId,
  columnLength,
  digestsToColumn,
  parseDigestColumn,
} from '../../shared/core/ids.ts';
import { type MapSync, mapSync } from '../../shared/core/merkle/map-sync.ts';
import type { NodeSource } from '../../shared/core/merkle/node-source.ts';
import { verifyRange } from '../../shared/core/merkle/tree.ts';
import {
  type ManifestProofRequest,
  type ManifestProofResponse,
  manifestProofRequest,
  manifestProofResponse,
} from '../../shared/core/wire/manifest-proof.ts';
import {
  type ManifestVerifyRequest,
  type ManifestVerifyResponse,
  manifestVerifyRequest,
  manifestVerifyResponse,
} from '../../shared/core/wire/manifest-verify.ts';
import { type NodeVersions, nodeVersions } from '../../shared/core/wire/node-versions.ts';
import {
  type RestoreRequest,
  type RestoreResponse,
  restoreRequest,
  restoreResponse,
} from '../../shared/core/wire/restore.ts';
import { type TreeListing, treeListing } from '../../shared/core/wire/tree-listing.ts';
import {
  type TreeSyncRequest,
  type TreeSyncResponse,
  treeSyncRequest,
  treeSyncResponse,
} from '../../shared/core/wire/tree-sync.ts';
import type { Caller } from './workspace-calls.ts';

export interface HistoryCalls {
  /** One page of a folder as it was after a commit, or at a time (RFC 3339). */
  treeAt(
    workspaceId: WorkspaceId,
    at: number | string,
    page: { readonly path: string; readonly after: string | null },
    signal?: AbortSignal,
  ): Promise<TreeListing>;
  /** One page of what commits made of a node, newest first; `before`: the last page's `next`, null for the newest. */
  nodeVersions(
    workspaceId: WorkspaceId,
    nodeId: NodeId,
    before: number | null,
    signal?: AbortSignal,
  ): Promise<NodeVersions>;
  /** One commit of it: `more` says to ask again under a new request id. */
  restore(
    workspaceId: WorkspaceId,
    request: RestoreRequest,
    requestId: RequestId,
    signal?: AbortSignal,
  ): Promise<RestoreResponse>;
  treeSync(request: TreeSyncRequest, signal?: AbortSignal): Promise<TreeSyncResponse>;
  /**
   * The nodes of the head's tree that `local` has not, all checked against its root. The head itself is not: whoever trusts its
   * signature checks it. Throws `corrupt` and the like on a tree that is not what its root says.
   */
  fetchTree(workspaceId: WorkspaceId, local: NodeSource, signal?: AbortSignal): Promise<FetchedTree>;
  /**
   * Chunks of a file, proved. Whoever knows the file's number of chunks compares it: a root does not name it.
   * @throws TidemarkError `corrupt` when the proof does not hold.
   */
  manifestProof(request: ManifestProofRequest, signal?: AbortSignal): Promise<ManifestProofResponse>;
  verifyContent(request: ManifestVerifyRequest, signal?: AbortSignal): Promise<ManifestVerifyResponse>;
}

export interface FetchedTree extends MapSync {
  readonly head: Pick<TreeSyncResponse, 'seq' | 'root' | 'head'>;
}

export function historyCalls({ run, pack }: Caller): HistoryCalls {
  const treeSync: HistoryCalls['treeSync'] = (request, signal) => {
    const body = pack(treeSyncRequest, request);
    return run({ method: 'POST', path: '/tree/sync', body, answer: treeSyncResponse }, signal);
  };
  return {
    treeAt: (workspaceId, at, { path, after }, signal) => {
      const query = new URLSearchParams({ path, at: `${at}`, ...(after === null ? {} : { after }) });
      const url = `/workspaces/${workspaceId}/tree?${query.toString()}`;
      return run({ method: 'GET', path: url, answer: treeListing }, signal);
    },
    nodeVersions: (workspaceId, nodeId, before, signal) => {
      const query = before === null ? '' : `?before=${before}`;
      const path = `/workspaces/${workspaceId}/nodes/${nodeId}/versions${query}`;
      return run({ method: 'GET', path, answer: nodeVersions }, signal);
    },
    restore: (workspaceId, request, requestId, signal) => {
      const path = `/workspaces/${workspaceId}/restore`;
      const body = pack(restoreRequest, request);
      const headers = { 'idempotency-key': requestId };
      return run({ method: 'POST', path, body, headers, answer: restoreResponse }, signal);
    },
    treeSync,
    fetchTree: async (workspaceId, local, signal) => {
      const { seq, root, head } = await treeSync({ workspaceId, hashes: parseDigestColumn(new Uint8Array(0)) }, signal);
      const synced = await mapSync(local, root, async (hashes) => {
        return (await treeSync({ workspaceId, hashes: digestsToColumn(hashes) }, signal)).nodes;
      });
      return { head: { seq, root, head }, ...synced };
    },
    manifestProof: async (request, signal) => {
      const body = pack(manifestProofRequest, request);
      const answer = await run(
        { method: 'POST', path: '/manifest/proof', body, answer: manifestProofResponse },
        signal,
      );
      checkProof(request, answer);
      return answer;
    },
    verifyContent: (request, signal) => {
      const body = pack(manifestVerifyRequest, request);
      return run({ method: 'POST', path: '/manifest/verify', body, answer: manifestVerifyResponse }, signal);
    },
  };
}

function checkProof({ root, first, count }: ManifestProofRequest, answer: ManifestProofResponse): void {
  const { chunks, hashes, lengths, proof } = answer;
  const wanted = Math.max(0, Math.min(count, chunks - first));
  const complete = columnLength(hashes) === wanted && lengths.length === wanted;
  if (complete && verifyRange(root, chunks, first, hashes, proof)) return;
  throw new TidemarkError('corrupt', 'what the server says of a file does not prove to be of it', { data: { root } });
}
