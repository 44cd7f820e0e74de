/**
 * The Merkle exchange: brings a map of a known root in from somebody who need not be trusted, when parts of it may be here
 * already, of an older map for example.
 *
 * Level by level from the root: a node that is here is not asked for, and nothing below it is looked at, for a store of nodes
 * that has a node has all below it; the others of a level are asked for together, each is checked against the hash that its parent
 * gave for it, and its children are the next level. So what crosses the wire is the nodes that are missing and no other, in one
 * round for each level, or a few where a level is larger than one request. Nothing reaches the caller before all of it is there
 * and right.
 *
 * Example: of a million pairs one value has changed: four nodes come in, in four rounds.
 */
import { TidemarkError } from '../errors.ts';
import { type Digest, bytesToDigest } from '../ids.ts';
import { limits } from '../limits.ts';
import { type NodeRef, childRef, checkNode, rootRef } from './map-load.ts';
import { emptyMapRoot } from './map-node.ts';
import type { NodeSource } from './node-source.ts';

/**
 * Answers the bytes of nodes in the order asked, or a prefix of that, one at least; null or undefined where it has not the node.
 */
export type FetchNodes = (hashes: readonly Digest[]) => Promise<readonly (Uint8Array | null | undefined)[]>;

export interface MapSync {
  /** The nodes that were missing, by hash: with those that were here they are the whole map. */
  readonly nodes: ReadonlyMap<Digest, Uint8Array>;
  /** Calls of the fetch function. */
  readonly rounds: number;
  /** Bytes of the nodes. */
  readonly bytes: number;
}

export interface MapSyncOptions {
  /** Hashes in one call; by default what one request takes. */
  readonly nodesAtOnce?: number;
  /** Nodes in all, against a peer that never ends; by default as many as a map of ten million pairs can have. */
  readonly nodesMax?: number;
}

/**
 * The nodes of the map `root` that `local` has not. Whatever `local` has of it must be whole: a node together with all below it.
 * @throws TidemarkError `corrupt` when a node does not match its hash, or is not given; `malformed` or `too-large` when it is none,
 * does not fit its place, or there are more than `nodesMax`. Then nothing of it may be used.
 */
export async function mapSync(
  local: NodeSource,
  root: Digest,
  fetch: FetchNodes,
  options: MapSyncOptions = {},
): Promise<MapSync> {
  const { nodesAtOnce = limits.treeSyncNodesMax, nodesMax = 1_000_000 } = options;
  const nodes = new Map<Digest, Uint8Array>();
  const count = { rounds: 0, bytes: 0 };
  let level: readonly NodeRef[] = root === emptyMapRoot ? [] : [rootRef(root)];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.mapLevelsMax) throw new TidemarkError('malformed', 'a map has more levels than a map can have');
    const missing = await withoutLocal(local, nodes, level);
    if (nodes.size + missing.length > nodesMax) {
      throw new TidemarkError('too-large', 'a map has more nodes than are taken', { data: { nodesMax } });
    }
    const next: NodeRef[] = [];
    for (let at = 0; at < missing.length;) {
      const asked = missing.slice(at, at + nodesAtOnce);
      count.rounds++;
      const answer = await fetch(asked.map(({ hash }) => bytesToDigest(hash)));
      if (answer.length === 0) throw new TidemarkError('corrupt', 'the other side answers none of the nodes asked for');
      for (const [i, ref] of asked.slice(0, answer.length).entries()) {
        const bytes = answer[i];
        if (bytes === null || bytes === undefined) {
          throw new TidemarkError('corrupt', 'the other side has not a node of its own map', {
            data: { node: bytesToDigest(ref.hash) },
          });
        }
        const node = checkNode(ref, bytes);
        nodes.set(bytesToDigest(ref.hash), bytes);
        count.bytes += bytes.length;
        for (let c = 0; node.level > 0 && c < node.keys.length; c++) next.push(childRef(node, c, ref.place?.after));
      }
      at += Math.min(answer.length, asked.length);
    }
    level = next;
  }
  return { nodes, ...count };
}

/** The nodes of a level that are neither here nor came in. */
async function withoutLocal(
  local: NodeSource,
  nodes: ReadonlyMap<Digest, Uint8Array>,
  level: readonly NodeRef[],
): Promise<NodeRef[]> {
  const missing: NodeRef[] = [];
  for (let at = 0; at < level.length; at += limits.treeSyncNodesMax) {
    const part = level.slice(at, at + limits.treeSyncNodesMax);
    const found = await local.getNodes(part.map(({ hash }) => bytesToDigest(hash)));
    for (const [i, ref] of part.entries()) {
      if (found[i] === undefined && !nodes.has(bytesToDigest(ref.hash))) missing.push(ref);
    }
  }
  return missing;
}
