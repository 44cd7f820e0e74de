/** Reading the nodes of a workspace's trees when some may be missing or bad: what is wrong becomes a finding, and the rest is read. */
import { compareBytes } from '../../../core/bytes.ts';
import { isTidemarkError } from '../../../core/errors.ts';
import { type Digest, bytesToDigest } from '../../../core/ids.ts';
import { type NodeRef, checkNode, childRef, rootRef } from '../../../core/merkle/map-load.ts';
import { type MapNode, decodeMapNode, emptyMapNode, emptyMapRoot } from '../../../core/merkle/map-node.ts';
import type { NodeSource } from '../../../core/merkle/node-source.ts';
import type { Check } from './finding.ts';

/** Nodes kept at once: some megabytes. Neighbouring commits share most of theirs. */
const cachedMax = 4_096;

/** The nodes as they are stored; undefined where there is none. */
export function storedNodes({ deps, workspaceId }: Check): NodeSource {
  const cache = new Map<Digest, Uint8Array>();
  return {
    async getNodes(hashes) {
      const unknown = hashes.filter((hash) => !cache.has(hash));
      const fetched = await deps.metadata.objects.getObjects(workspaceId, 'node', unknown);
      const found = new Map(unknown.map((hash, i) => [hash, fetched[i]]));
      const nodes = hashes.map((hash) => found.get(hash) ?? cache.get(hash));
      if (cache.size + unknown.length > cachedMax) cache.clear();
      for (const [hash, bytes] of found) if (bytes !== undefined && cache.size < cachedMax) cache.set(hash, bytes);
      return nodes;
    },
  };
}

/** Notes what reading a map threw, if it is the fault of a node. Whether it was. */
export function findBadNode(check: Check, error: unknown): boolean {
  if (!isTidemarkError(error) || !['corrupt', 'malformed', 'too-large'].includes(error.code)) return false;
  const node: unknown = error.data['node'];
  if (typeof node !== 'string') return false;
  check.find('missing-node', node, error.message);
  return true;
}

/** Subtrees that are read at once. */
const batchNodes = 64;

/**
 * The leaves of a map whose last key is after `after`, in key order; undefined for a subtree that cannot be read, which is noted. Memory: the
 * pending references of one path, and a batch of nodes.
 */
export async function* walkLeaves(
  check: Check,
  source: NodeSource,
  root: Digest,
  after: Uint8Array | null,
): AsyncGenerator<MapNode | undefined> {
  if (root === emptyMapRoot) {
    yield decodeMapNode(emptyMapNode);
    return;
  }
  /** The next subtree is the last one. */
  const pending: NodeRef[] = [rootRef(root)];
  while (pending.length > 0) {
    const level = pending.at(-1)!.place?.level;
    const batch: NodeRef[] = [];
    while (batch.length < batchNodes && pending.length > 0 && pending.at(-1)!.place?.level === level) {
      batch.push(pending.pop()!);
    }
    const found = await source.getNodes(batch.map((ref) => bytesToDigest(ref.hash)));
    const children: NodeRef[] = [];
    for (const [i, ref] of batch.entries()) {
      const node = readNode(check, ref, found[i]);
      if (node === undefined || node.level === 0) yield node;
      else for (let c = 0; c < node.keys.length; c++) children.push(childRef(node, c, ref.place?.after));
    }
    for (const child of children.reverse()) {
      if (after === null || compareBytes(child.place!.last, after) > 0) pending.push(child);
    }
  }
}

function readNode(check: Check, ref: NodeRef, bytes: Uint8Array | undefined): MapNode | undefined {
  const hash = bytesToDigest(ref.hash);
  if (bytes === undefined) {
    check.find('missing-node', hash, 'a node of the map is missing');
    return undefined;
  }
  try {
    return checkNode(ref, bytes);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    check.find('missing-node', hash, error.message);
    return undefined;
  }
}
