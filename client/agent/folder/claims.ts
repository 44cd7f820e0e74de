/** The known nodes that a scan has found, each once. */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { LocalNode, StatMark } from '../model.ts';
import type { LocalKnowledge } from '../ports.ts';

export class Claims {
  readonly #known: LocalKnowledge;
  readonly #absent: Map<NodeId, LocalNode>;
  readonly #claimed = new Set<NodeId>();

  /** @param absent nodes that are not at their place; those that are claimed are taken out. */
  constructor(known: LocalKnowledge, absent: Map<NodeId, LocalNode>) {
    this.#known = known;
    this.#absent = absent;
  }

  readonly isClaimed = (node: LocalNode): boolean => this.#claimed.has(node.nodeId);

  readonly claim = (node: LocalNode): void => {
    this.#claimed.add(node.nodeId);
    this.#absent.delete(node.nodeId);
  };

  /** It is not where it was known to be: missing, unless it is claimed yet. */
  noteAbsent(node: LocalNode): void {
    if (!this.isClaimed(node)) this.#absent.set(node.nodeId, node);
  }

  /** A file that is there and was not read may be a known one, moved: by its inode it is still here, and so not missing. */
  keepInode({ ino, dev }: StatMark): void {
    for (const kept of this.#known.byInode(ino, dev)) {
      // Its folders stay with it, though they may be gone: a node in a folder that counts as missing is met by no later scan.
      for (let node: LocalNode | undefined = kept; node !== undefined; node = this.#known.get(node.parentId))
        this.claim(node);
    }
  }
}
