/**
 * What the tests of the Merkle map share: an oracle that builds a map from nothing, straight from the words of the format
 * and with the msgpack library; keys of chosen rank, so that some dozen of them make a tree of four levels; sources that
 * count.
 */
import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { bytesToHex, compareBytes, hexToBytes, utf8 } from '../../../shared/core/bytes.ts';
import { blake3, mapNodeHash } from '../../../shared/core/hash/blake3.ts';
import { type Digest, bytesToDigest } from '../../../shared/core/ids.ts';
import { type MapEdit, mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { mapKeyRank } from '../../../shared/core/merkle/map-rank.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';

/** The content of a map: hex of key to value. */
export type Content = ReadonlyMap<string, Uint8Array>;

interface Item {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const sortedContents = new WeakMap<Content, readonly Item[]>();

export function sortedItems(content: Content): readonly Item[] {
  const known = sortedContents.get(content);
  if (known !== undefined) return known;
  const items = [...content]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key: hexToBytes(key), value }));
  sortedContents.set(content, items);
  return items;
}

export interface BuiltMap {
  readonly root: Digest;
  readonly nodes: ReadonlyMap<Digest, Uint8Array>;
  readonly levels: number;
}

const builtContents = new WeakMap<Content, BuiltMap>();

/** As `buildAnew`, remembering the answer: contents are not changed once they are built. */
export function buildByTheBook(content: Content): BuiltMap {
  const built = builtContents.get(content) ?? buildAnew(content);
  builtContents.set(content, built);
  return built;
}

/** Root and nodes of some content, level by level, every cut from the literal rule. */
function buildAnew(content: Content): BuiltMap {
  const nodes = new Map<Digest, Uint8Array>();
  let items = sortedItems(content);
  for (let level = 0; ; level++) {
    const groups: Item[][] = [[]];
    for (const item of items) {
      groups.at(-1)!.push(item);
      if ((blake3(item.key)[level]! & 31) === 0) groups.push([]);
    }
    if (groups.length > 1 && groups.at(-1)!.length === 0) groups.pop();
    items = groups.map((group) => {
      const bytes = encode([level, group.map(({ key }) => key), group.map(({ value }) => value)]);
      const hash = mapNodeHash(bytes);
      nodes.set(bytesToDigest(hash), bytes);
      return { key: group.at(-1)?.key ?? new Uint8Array(0), value: hash };
    });
    if (items.length === 1) return { root: bytesToDigest(items[0]!.value), nodes, levels: level + 1 };
  }
}

/** Some keys of each rank: 40 of rank 0, 40 of rank 1, 24 of rank 2 and what there is of rank 3 and more. */
export const rankedKeys: readonly Uint8Array[] = findRankedKeys();

function findRankedKeys(): Uint8Array[] {
  const wanted = [40, 40, 24, 24];
  const keys: Uint8Array[] = [];
  for (let i = 0; i < 150_000; i++) {
    const key = utf8(`k${(i * 7_919) % 150_001}`);
    const rank = Math.min(3, mapKeyRank(key));
    const left = wanted[rank] ?? 0;
    if (left === 0) continue;
    wanted[rank] = left - 1;
    keys.push(key);
  }
  return keys.sort(compareBytes);
}

export const anyKey: fc.Arbitrary<Uint8Array> = fc.constantFrom(...rankedKeys);

const anyValue: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 3 });

/** Batches of edits, ascending and distinct, that delete as often as they set. */
export const anyEdits: fc.Arbitrary<MapEdit[]> = fc
  .uniqueArray(fc.record({ key: anyKey, value: fc.option(anyValue) }), {
    selector: ({ key }) => bytesToHex(key),
    maxLength: 60,
  })
  .map((edits) => edits.sort((a, b) => compareBytes(a.key, b.key)));

export const anyContent: fc.Arbitrary<Content> = fc
  .uniqueArray(fc.tuple(anyKey, anyValue), { selector: ([key]) => bytesToHex(key), size: 'max', maxLength: 128 })
  .map((pairs) => new Map(pairs.map(([key, value]) => [bytesToHex(key), value])));

export function contentAfter(content: Content, edits: readonly MapEdit[]): Content {
  const after = new Map(content);
  for (const { key, value } of edits) {
    if (value === null) after.delete(bytesToHex(key));
    else after.set(bytesToHex(key), value);
  }
  return after;
}

export function editsToBuild(content: Content): readonly MapEdit[] {
  return sortedItems(content);
}

/** A map of this content in a source of its own. */
export async function storedMap(content: Content): Promise<{ source: MemoryNodeSource; root: Digest }> {
  const source = new MemoryNodeSource();
  const { root, nodes } = await mapApply(source, emptyMapRoot, editsToBuild(content));
  source.add(nodes);
  return { source, root };
}

/** n distinct keys of the shape that a workspace's tree has, with small values. */
export function manyPairs(n: number, salt = 0): Map<string, Uint8Array> {
  const pairs = new Map<string, Uint8Array>();
  for (let i = 0; i < n; i++) {
    const folder = blake3(utf8(`folder ${i % 97}`)).subarray(0, 16);
    pairs.set(`01${bytesToHex(folder)}${bytesToHex(utf8(`file ${i}`))}`, utf8(`value ${i} ${salt}`));
  }
  return pairs;
}

/** Passes on, and keeps what was asked. */
export class CountingSource implements NodeSource {
  readonly #inner: NodeSource;
  readonly asked: Digest[] = [];
  calls = 0;

  constructor(inner: NodeSource) {
    this.#inner = inner;
  }

  getNodes(hashes: readonly Digest[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.calls++;
    this.asked.push(...hashes);
    return this.#inner.getNodes(hashes);
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
