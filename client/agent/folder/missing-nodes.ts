/** Known nodes that are on the disk no more, and which of them turn up elsewhere by their content. */
import { bytesToHex } from '../../../shared/core/bytes.ts';
import { type Digest, type NodeId, digestBytes } from '../../../shared/core/ids.ts';
import type { ContentChunks, LocalNode } from '../model.ts';
import type { LocalKnowledge } from '../ports.ts';

/** Whether two contents have a chunk in common. */
export function sharesChunk(a: ContentChunks | undefined, b: ContentChunks): boolean {
  if (a === undefined) return false;
  const hashesOfA = new Set<string>();
  for (let i = 0; i < a.hashes.length; i += digestBytes)
    hashesOfA.add(bytesToHex(a.hashes.subarray(i, i + digestBytes)));
  for (let i = 0; i < b.hashes.length; i += digestBytes) {
    if (hashesOfA.has(bytesToHex(b.hashes.subarray(i, i + digestBytes)))) return true;
  }
  return false;
}

export class MissingNodes {
  readonly #nodes = new Map<NodeId, LocalNode>();
  readonly #byContent = new Map<Digest, LocalNode[]>();
  readonly #isClaimed: (node: LocalNode) => boolean;

  /** With everything below an absent folder, except what was found elsewhere (`isClaimed`). */
  constructor(absent: ReadonlyMap<NodeId, LocalNode>, known: LocalKnowledge, isClaimed: (node: LocalNode) => boolean) {
    this.#isClaimed = isClaimed;
    const queue = [...absent.values()].reverse();
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      // A claimed folder was walked at its new place: its children were compared there.
      if (isClaimed(node)) continue;
      this.#note(node);
      if (node.kind === 'folder') queue.push(...known.childrenOf(node.nodeId));
    }
  }

  /** The missing file with this content, one of this name before others; it is not missing any more. Empty files prove nothing. */
  takeByContent(content: Digest, size: number, name: string): LocalNode | undefined {
    if (size === 0) return undefined;
    const candidates = (this.#byContent.get(content) ?? []).filter(
      (node) => this.#nodes.has(node.nodeId) && !this.#isClaimed(node) && node.stat.size === size,
    );
    const node = candidates.find((candidate) => candidate.name === name) ?? candidates[0];
    if (node !== undefined) this.#nodes.delete(node.nodeId);
    return node;
  }

  /** What is left when all was read. */
  rest(): NodeId[] {
    return [...this.#nodes.values()].filter((node) => !this.#isClaimed(node)).map((node) => node.nodeId);
  }

  #note(node: LocalNode): void {
    this.#nodes.set(node.nodeId, node);
    if (node.kind !== 'file' || node.content === null) return;
    const same = this.#byContent.get(node.content);
    if (same === undefined) this.#byContent.set(node.content, [node]);
    else same.push(node);
  }
}
