/**
 * The nodes of any tree of a workspace's history, from the server as they are needed. Nothing of it is believed: whoever reads the map checks each
 * node against the hash that its parent gave.
 *
 * What is asked for while a request is under way goes out together with the next one. So ten descents at once cost as many requests as one.
 */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, type WorkspaceId, digestsToColumn } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';
import type { TreeSyncRequest, TreeSyncResponse } from '../../../shared/core/wire/tree-sync.ts';

export interface TreeSyncApi {
  treeSync(request: TreeSyncRequest, signal?: AbortSignal): Promise<TreeSyncResponse>;
}

/** Bytes of nodes that are kept: some hundred thousand entries. */
const keptBytesMax = 64 * 1024 * 1024;

interface Waiting {
  readonly resolve: (bytes: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class RemoteNodes implements NodeSource {
  readonly #api: TreeSyncApi;
  readonly #workspaceId: WorkspaceId;
  readonly #signal: AbortSignal;
  readonly #kept = new Map<Digest, Uint8Array>();
  #keptBytes = 0;
  readonly #answers = new Map<Digest, Promise<Uint8Array | undefined>>();
  readonly #waiting = new Map<Digest, Waiting>();
  #isAsking = false;

  constructor(api: TreeSyncApi, workspaceId: WorkspaceId, signal: AbortSignal) {
    this.#api = api;
    this.#workspaceId = workspaceId;
    this.#signal = signal;
  }

  getNodes(hashes: readonly Digest[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.all(hashes.map((hash) => this.#get(hash)));
  }

  #get(hash: Digest): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(hash);
    if (kept !== undefined) return Promise.resolve(kept);
    const asked = this.#answers.get(hash);
    if (asked !== undefined) return asked;
    const answer = new Promise<Uint8Array | undefined>((resolve, reject) => {
      this.#waiting.set(hash, { resolve, reject });
    });
    this.#answers.set(hash, answer);
    if (!this.#isAsking) void this.#ask();
    return answer;
  }

  /** Never rejects: a failure goes to those who wait. */
  async #ask(): Promise<void> {
    this.#isAsking = true;
    // The calls of the same turn are let join.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const hashes = [...this.#waiting.keys()].slice(0, limits.treeSyncNodesMax);
      try {
        const request = { workspaceId: this.#workspaceId, hashes: digestsToColumn(hashes) };
        const { nodes } = await this.#api.treeSync(request, this.#signal);
        if (nodes.length === 0 || nodes.length > hashes.length) {
          throw new TidemarkError('malformed', 'the server answered another number of tree nodes than was asked for');
        }
        for (const [i, bytes] of nodes.entries()) this.#settle(hashes[i]!, bytes ?? undefined);
      } catch (error) {
        for (const hash of hashes) this.#take(hash)?.reject(error);
      }
    }
    this.#isAsking = false;
  }

  #settle(hash: Digest, bytes: Uint8Array | undefined): void {
    this.#take(hash)?.resolve(bytes);
    if (bytes === undefined) return;
    this.#kept.set(hash, bytes);
    this.#keptBytes += bytes.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= keptBytesMax) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= length;
    }
  }

  #take(hash: Digest): Waiting | undefined {
    const waiting = this.#waiting.get(hash);
    this.#waiting.delete(hash);
    this.#answers.delete(hash);
    return waiting;
  }
}
