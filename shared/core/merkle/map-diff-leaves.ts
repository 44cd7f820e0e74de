/**
 * Merging the leaves in which two Merkle maps differ. They are read in windows, always from the map that has been read less
 * far; of a window, the pairs up to the key that both have reached are compared, and the rest waits for the next one.
 */
import { compareBytes, equalBytes } from '../bytes.ts';
import { type NodeRef, loadNodes } from './map-load.ts';
import type { MapNode } from './map-node.ts';
import type { NodeSource } from './node-source.ts';

/** One key whose value differs; undefined on the side that has not the key. Views that must not be changed. */
export interface MapDifference {
  readonly key: Uint8Array;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

/** Leaves that are read at once, of both maps together: about 4,000 pairs. */
const windowNodes = 128;

/** One map's leaves, some read and some not, and the pairs of the read ones that are not yet given out. */
export class LeafQueue {
  readonly #refs: readonly NodeRef[];
  #next = 0;
  #keys: Uint8Array[] = [];
  #values: Uint8Array[] = [];
  #at = 0;

  constructor(refs: readonly NodeRef[]) {
    this.#refs = refs;
  }

  get isRead(): boolean {
    return this.#next === this.#refs.length;
  }

  /** The last key of the last leaf taken: every pair up to it will be there. Undefined before the first leaf. */
  get reached(): Uint8Array | undefined {
    return this.#refs[this.#next - 1]?.place?.last;
  }

  takeRef(): NodeRef {
    return this.#refs[this.#next++]!;
  }

  add(node: MapNode): void {
    for (const key of node.keys) this.#keys.push(key);
    for (const value of node.values) this.#values.push(value);
  }

  /** The next key that is at most `end`; undefined means no end. */
  peek(end: Uint8Array | undefined): Uint8Array | undefined {
    const key = this.#keys[this.#at];
    return key === undefined || (end !== undefined && compareBytes(key, end) > 0) ? undefined : key;
  }

  takeValue(): Uint8Array {
    return this.#values[this.#at++]!;
  }

  /** Lets go of what was given out. */
  compact(): void {
    this.#keys = this.#keys.slice(this.#at);
    this.#values = this.#values.slice(this.#at);
    this.#at = 0;
  }
}

/** The differing pairs in key order. */
export async function* mergeLeaves(
  source: NodeSource,
  before: LeafQueue,
  after: LeafQueue,
): AsyncGenerator<MapDifference> {
  while (!(before.isRead && after.isRead)) {
    await readWindow(source, before, after);
    const end = before.isRead && after.isRead ? undefined : behind(before, after).reached;
    for (const difference of mergeUpTo(end, before, after)) yield difference;
    before.compact();
    after.compact();
  }
}

/** The queue that has been read less far, and is not read to its end; at least one of the two must not be. */
function behind(a: LeafQueue, b: LeafQueue): LeafQueue {
  if (a.isRead || b.isRead) return a.isRead ? b : a;
  if (a.reached === undefined || b.reached === undefined) return a.reached === undefined ? a : b;
  return compareBytes(a.reached, b.reached) <= 0 ? a : b;
}

/** After it, both queues have reached some key, or are read to their end. */
async function readWindow(source: NodeSource, before: LeafQueue, after: LeafQueue): Promise<void> {
  const owners: LeafQueue[] = [];
  const refs: NodeRef[] = [];
  while (refs.length < windowNodes && !(before.isRead && after.isRead)) {
    const owner = behind(before, after);
    owners.push(owner);
    refs.push(owner.takeRef());
  }
  for (const [i, node] of (await loadNodes(source, refs)).entries()) owners[i]!.add(node);
}

function* mergeUpTo(end: Uint8Array | undefined, before: LeafQueue, after: LeafQueue): Generator<MapDifference> {
  for (;;) {
    const oldKey = before.peek(end);
    const newKey = after.peek(end);
    if (oldKey === undefined && newKey === undefined) return;
    const order = oldKey === undefined ? 1 : newKey === undefined ? -1 : compareBytes(oldKey, newKey);
    const key = order <= 0 ? oldKey : newKey;
    const oldValue = order <= 0 ? before.takeValue() : undefined;
    const newValue = order >= 0 ? after.takeValue() : undefined;
    const same = oldValue !== undefined && newValue !== undefined && equalBytes(oldValue, newValue);
    if (key !== undefined && !same) yield { key, before: oldValue, after: newValue };
  }
}
