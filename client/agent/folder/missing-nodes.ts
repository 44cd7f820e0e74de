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

const namesComparedMax = 64;

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
      if (node.kind === 'folder') for (const child of known.childrenOf(node.nodeId)) queue.push(child);
    }
    for (const same of this.#byContent.values()) same.reverse();
  }

  /** The missing file with this content, one of this name before others; it is not missing any more. Empty files prove nothing. */
  takeByContent(content: Digest, size: number, name: string): LocalNode | undefined {
    const candidates = size === 0 ? undefined : this.#byContent.get(content);
    if (candidates === undefined || candidates.length === 0) return undefined;
    // Thousands may have one content: the name is looked for among the last few only.
    const from = Math.max(0, candidates.length - namesComparedMax);
    const sameName = candidates.slice(from).findIndex((candidate) => candidate.name === name);
    const at = sameName < 0 ? candidates.length - 1 : from + sameName;
    const [node] = candidates.splice(at, 1);
    if (node === undefined || this.#isClaimed(node) || node.stat.size !== size) return undefined;
    this.#nodes.delete(node.nodeId);
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
