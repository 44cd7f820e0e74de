/** Reading the Merkle map (its format: map-node.ts): one key, many keys in one descent, and scans in key order. */
import { compareBytes, equalBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import type { Digest } from '../ids.ts';
import { type NodeRef, childRef, loadNodes, loadRoot, searchKeys } from './map-load.ts';
import type { MapNode } from './map-node.ts';
import type { NodeSource } from './node-source.ts';

export { emptyMapNode, emptyMapRoot } from './map-node.ts';

/** Nodes that a scan loads at once: about 2,000 pairs, so a page of a listing costs one call for its leaves. */
const scanBatchNodes = 64;

/**
 * The value of a key, a view that must not be changed; undefined when the map has it not. One call of the source for each
 * level. Throws `corrupt`, `malformed` or `too-large` on bad nodes, as every operation of the map does.
 */
export async function mapGet(source: NodeSource, root: Digest, key: Uint8Array): Promise<Uint8Array | undefined> {
  return (await mapGetMany(source, root, [key]))[0];
}

/** A loaded node, and which of the keys asked for would be in it: from (included) to (excluded). */
interface Branch {
  readonly node: MapNode;
  readonly after: Uint8Array | undefined;
  readonly from: number;
  readonly to: number;
}

/**
 * The values of many keys, in their order; undefined where the map has none. Keys must ascend strictly, or it throws
 * `malformed`. One call of the source for each level, whatever the number of keys.
 */
export async function mapGetMany(
  source: NodeSource,
  root: Digest,
  keys: readonly Uint8Array[],
): Promise<(Uint8Array | undefined)[]> {
  checkAscending(keys);
  const values: (Uint8Array | undefined)[] = keys.map(() => undefined);
  if (keys.length === 0) return values;
  const node = await loadRoot(source, root);
  let branches: readonly Branch[] = [{ node, after: undefined, from: 0, to: keys.length }];
  for (let level = node.level; level > 0; level--) branches = await descend(source, branches, keys);
  for (const { node, from, to } of branches) {
    for (let i = from; i < to; i++) {
      const at = searchKeys(node.keys, keys[i]!);
      if (at < node.keys.length && equalBytes(node.keys[at]!, keys[i]!)) values[i] = node.values[at]!;
    }
  }
  return values;
}

function checkAscending(keys: readonly Uint8Array[]): void {
  for (let i = 1; i < keys.length; i++) {
    if (compareBytes(keys[i - 1]!, keys[i]!) >= 0) {
      throw new TidemarkError('malformed', 'the keys to look up must ascend and be distinct');
    }
  }
}

/** The children that hold the keys of these branches. Keys past a node's last key are nowhere, and drop out. */
async function descend(
  source: NodeSource,
  branches: readonly Branch[],
  keys: readonly Uint8Array[],
): Promise<readonly Branch[]> {
  const refs: NodeRef[] = [];
  const ranges: { from: number; to: number }[] = [];
  for (const { node, after, from, to } of branches) {
    let child = 0;
    for (let at = from; at < to;) {
      child = searchKeys(node.keys, keys[at]!, child);
      if (child === node.keys.length) break;
      const start = at;
      while (at < to && compareBytes(keys[at]!, node.keys[child]!) <= 0) at++;
      refs.push(childRef(node, child, after));
      ranges.push({ from: start, to: at });
    }
  }
  const nodes = await loadNodes(source, refs);
  return nodes.map((node, i) => ({ node, after: refs[i]!.place?.after, ...ranges[i]! }));
}

export interface MapScanOptions {
  /** Only keys that start with these bytes. */
  readonly prefix?: Uint8Array;
  /** Only keys above this one: where the last page ended. */
  readonly after?: Uint8Array;
}

/**
 * The pairs in key order, as views that must not be changed. Loads only nodes whose range of keys meets the one asked for,
 * up to 64 at once, and holds some thousand references at most, whatever the size of the map.
 */
export async function* mapScan(
  source: NodeSource,
  root: Digest,
  options: MapScanOptions = {},
): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
  const top = await loadRoot(source, root);
  /** Subtrees still to read, the next one at the end. Levels never fall from the end to the start. */
  const pending: NodeRef[] = [];
  let loaded: readonly MapNode[] = [top];
  let refs: readonly NodeRef[] = [];
  for (;;) {
    for (const node of loaded) {
      if (node.level > 0) continue;
      const [from, to] = itemsInRange(node, options);
      for (let i = from; i < to; i++) yield [node.keys[i]!, node.values[i]!];
    }
    pushChildren(pending, loaded, refs, options);
    refs = takeBatch(pending);
    if (refs.length === 0) return;
    loaded = await loadNodes(source, refs);
  }
}

/** Puts the children of the loaded nodes that meet the range in front of what is pending. */
function pushChildren(
  pending: NodeRef[],
  nodes: readonly MapNode[],
  refs: readonly NodeRef[],
  options: MapScanOptions,
): void {
  for (let n = nodes.length - 1; n >= 0; n--) {
    const node = nodes[n]!;
    if (node.level === 0) continue;
    const [from, to] = itemsInRange(node, options);
    for (let i = to - 1; i >= from; i--) pending.push(childRef(node, i, refs[n]?.place?.after));
  }
}

/** Takes the next subtrees, all of one level. */
function takeBatch(pending: NodeRef[]): NodeRef[] {
  const batch: NodeRef[] = [];
  const level = pending.at(-1)?.place?.level;
  while (batch.length < scanBatchNodes && pending.length > 0 && pending.at(-1)?.place?.level === level) {
    batch.push(pending.pop()!);
  }
  return batch;
}

/**
 * The items of a node that meet the range. Above level 0 an item stands for all keys up to its own, so the first one past
 * the prefix still counts.
 */
function itemsInRange(node: MapNode, { prefix, after }: MapScanOptions): readonly [from: number, to: number] {
  const { keys } = node;
  let from = prefix === undefined ? 0 : searchKeys(keys, prefix);
  if (after !== undefined) {
    from = searchKeys(keys, after, from);
    if (from < keys.length && equalBytes(keys[from]!, after)) from++;
  }
  if (prefix === undefined) return [from, keys.length];
  let to = from;
  while (to < keys.length && startsWith(keys[to]!, prefix)) to++;
  return [from, node.level > 0 && to < keys.length ? to + 1 : to];
}

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  if (key.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (key[i] !== prefix[i]) return false;
  return true;
}
