/**
 * The Merkle map's nodes, byte by byte. A map is a sorted list of pairs (key, value), both byte strings, cut into immutable
 * nodes so that the same content always has the same root, whatever the order of edits that led to it.
 *
 *   items   of level 0 are the pairs; of level L + 1, for each node of level L, (its last key, its hash of 32 bytes)
 *   cut     an item whose BLAKE3(key) has the low five bits of byte L zero is the last of its node at level L, as is the
 *           level's last item; so a node has 32 items on average, and an edit moves no cut but its own (map-rank.ts)
 *   root    levels are built until one has exactly one node: that is the root. So a root above level 0 has at least two
 *           items, and the empty map is one node of level 0 without items
 *   bytes   msgpack [level, keys, values], keys and values as arrays of bin, every length in its shortest form
 *   hash    BLAKE3, keyed with BLAKE3("tidemark map node v1"), over the bytes
 *
 * One example, {"a": 01, "g": 02, "h": 03}. BLAKE3("a") = 17…, ("g") = 805a…, ("h") = c3…: only "g" has the low five bits
 * of its first byte zero, so level 0 is cut after "g", and its two nodes have a root above them:
 *
 *   93 00 92 c4 01 61 c4 01 67 92 c4 01 01 c4 01 02     array of 3: level 0, keys "a" "g", values 01 02; hash 6555bae3…6d8
 *   93 00 91 c4 01 68 91 c4 01 03                       level 0, key "h", value 03; hash 11584461…feb
 *   93 01 92 c4 01 67 c4 01 68                          level 1, keys "g" "h",
 *         92 c4 20 6555bae3…6d8 c4 20 11584461…feb      the two hashes; hash faaaa9b9…91b, the map's root
 *
 * This file writes and reads the bytes by hand, several times faster than a general msgpack library; a property test holds
 * it to the library's bytes.
 */
import { compareBytes } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import { mapNodeHash } from '../hash/blake3.ts';
import { type Digest, bytesToDigest, digestBytes } from '../ids.ts';
import { limits } from '../limits.ts';

/** One decoded node. Keys and values are views of the node's bytes and must not be changed. */
export interface MapNode {
  /** 0 holds the map's pairs; above it, values are the 32-byte hashes of the nodes below. */
  readonly level: number;
  readonly keys: readonly Uint8Array[];
  readonly values: readonly Uint8Array[];
}

/** The hash of a node's bytes, as hex. The bytes are not looked at. */
export function mapNodeDigest(bytes: Uint8Array): Digest {
  return bytesToDigest(mapNodeHash(bytes));
}

function arrayHeaderBytes(count: number): number {
  return count < 16 ? 1 : 3;
}

function binHeaderBytes(length: number): number {
  return length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
}

function sizeOfBins(bins: readonly Uint8Array[]): number {
  let size = arrayHeaderBytes(bins.length);
  for (const bin of bins) size += binHeaderBytes(bin.length) + bin.length;
  return size;
}

/** Writes an array of bins at `at`; gives the position after it. Counts are at most mapNodeItemsMax, so 16 bits do. */
function writeBins(into: Uint8Array, start: number, bins: readonly Uint8Array[]): number {
  let at = start;
  if (bins.length < 16) into[at++] = 0x90 | bins.length;
  else {
    into[at++] = 0xdc;
    into[at++] = bins.length >> 8;
    into[at++] = bins.length & 0xff;
  }
  for (const bin of bins) {
    const length = bin.length;
    if (length < 0x100) into[at++] = 0xc4;
    else {
      into[at++] = length < 0x10000 ? 0xc5 : 0xc6;
      if (length >= 0x10000) {
        into[at++] = length >>> 24;
        into[at++] = (length >>> 16) & 0xff;
      }
      into[at++] = (length >> 8) & 0xff;
    }
    into[at++] = length & 0xff;
    into.set(bin, at);
    at += length;
  }
  return at;
}

/** The bytes of a node. Throws `too-large` when it has more items or levels than a reader would take. */
export function encodeMapNode(node: MapNode): Uint8Array {
  const { level, keys, values } = node;
  if (keys.length > limits.mapNodeItemsMax) throw tooLarge('items in a node of the map', keys.length);
  if (level >= limits.mapLevelsMax) throw tooLarge('levels of the map', level + 1);
  const bytes = new Uint8Array(2 + sizeOfBins(keys) + sizeOfBins(values));
  bytes[0] = 0x93;
  bytes[1] = level;
  writeBins(bytes, writeBins(bytes, 2, keys), values);
  return bytes;
}

function tooLarge(what: string, count: number): TidemarkError {
  return new TidemarkError('too-large', `too many ${what}`, { data: { count } });
}

function malformed(why: string): TidemarkError {
  return new TidemarkError('malformed', `not a node of the map: ${why}`);
}

/** Reads headers in their shortest form only, and checks every length against what is left before it is used. */
class NodeReader {
  readonly #bytes: Uint8Array;
  at = 2;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `width` bytes, big-endian. */
  #uint(width: number): number {
    if (this.at + width > this.#bytes.length) throw malformed('it ends early');
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + this.#bytes[this.at++]!;
    return value;
  }

  arrayHeader(): number {
    const first = this.#uint(1);
    if (first >= 0x90 && first <= 0x9f) return first & 0x0f;
    if (first !== 0xdc) throw malformed('an array was expected');
    const count = this.#uint(2);
    if (count < 16) throw malformed('a length is not in its shortest form');
    if (count > limits.mapNodeItemsMax) throw tooLarge('items in a node of the map', count);
    return count;
  }

  bin(lengthMax: number): Uint8Array {
    const first = this.#uint(1);
    if (first < 0xc4 || first > 0xc6) throw malformed('a bin was expected');
    const width = 1 << (first - 0xc4);
    const length = this.#uint(width);
    if (binHeaderBytes(length) !== 1 + width) throw malformed('a length is not in its shortest form');
    if (length > lengthMax) throw tooLarge('bytes in a key or value of the map', length);
    if (length > this.#bytes.length - this.at) throw malformed('it ends early');
    const start = this.at;
    this.at += length;
    return this.#bytes.subarray(start, this.at);
  }

  bins(lengthMax: number): Uint8Array[] {
    const count = this.arrayHeader();
    const bins: Uint8Array[] = [];
    for (let i = 0; i < count; i++) bins.push(this.bin(lengthMax));
    return bins;
  }
}

/**
 * The node of some bytes, which must be exactly what `encodeMapNode` writes for it, with keys strictly ascending. Throws
 * `malformed` or `too-large`, and nothing else, on any other bytes. Whether items end where their hashes say is not
 * checked: whoever trusts a root trusts its cuts.
 */
export function decodeMapNode(bytes: Uint8Array): MapNode {
  if (bytes.length < 4 || bytes[0] !== 0x93) throw malformed('an array of 3 was expected');
  const level = bytes[1]!;
  if (level >= limits.mapLevelsMax) throw malformed('no such level');
  const reader = new NodeReader(bytes);
  const keys = reader.bins(limits.mapKeyBytesMax);
  const values = reader.bins(level === 0 ? limits.mapValueBytesMax : digestBytes);
  if (reader.at !== bytes.length) throw malformed('bytes follow its end');
  if (keys.length !== values.length) throw malformed('it has not as many values as keys');
  for (let i = 1; i < keys.length; i++) {
    if (compareBytes(keys[i - 1]!, keys[i]!) >= 0) throw malformed('its keys do not ascend');
  }
  if (level > 0) {
    if (keys.length === 0) throw malformed('it has no item, above level 0');
    for (const value of values) if (value.length !== digestBytes) throw malformed('a hash is not 32 bytes');
  }
  return { level, keys, values };
}

/** The bytes of the map without pairs. */
export const emptyMapNode: Uint8Array = encodeMapNode({ level: 0, keys: [], values: [] });

/** The root of the map without pairs. */
export const emptyMapRoot: Digest = mapNodeDigest(emptyMapNode);
