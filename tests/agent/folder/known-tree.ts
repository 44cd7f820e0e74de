/** What the agent knows, in memory, for tests: absorbs findings and results of applications as the journal does. */
import type { Digest, NodeId } from '../../../shared/core/ids.ts';
import type { Place } from '../../../shared/core/tree/keys.ts';
import { pathOf } from '../../../client/agent/journal/paths.ts';
import type { ContentChunks, LocalNode } from '../../../client/agent/model.ts';
import type { Finding, LocalKnowledge } from '../../../client/agent/ports.ts';

export class KnownTree implements LocalKnowledge {
  readonly nodes = new Map<NodeId, LocalNode>();
  readonly contents = new Map<Digest, ContentChunks>();

  childrenOf(folderId: NodeId): readonly LocalNode[] {
    return [...this.nodes.values()].filter((node) => node.parentId === folderId);
  }

  byInode(ino: number, dev: number): readonly LocalNode[] {
    return [...this.nodes.values()].filter(({ stat }) => stat.ino === ino && stat.dev === dev);
  }

  get(nodeId: NodeId): LocalNode | undefined {
    return this.nodes.get(nodeId);
  }

  /** What applications that broke off were to bring where. */
  readonly intended = new Map<NodeId, string>();

  intendedPath(nodeId: NodeId): string | undefined {
    return this.intended.get(nodeId);
  }

  byContent(content: Digest): readonly LocalNode[] {
    return [...this.nodes.values()].filter((node) => node.content === content);
  }

  chunksOf(content: Digest): ContentChunks | undefined {
    return this.contents.get(content);
  }

  chunkLists(): Iterable<ContentChunks> {
    return this.contents.values();
  }

  /** Places that are unselected, and nodes that are not synced yet; the workspace's tree, for those that have one. */
  readonly unselected = new Set<string>();
  readonly untracked = new Set<NodeId>();
  readonly workspace = new Map<string, NodeId>();

  hasUnselected(): boolean {
    return this.unselected.size > 0;
  }

  hasUntracked(): boolean {
    return this.untracked.size > 0;
  }

  isUnselectedAt({ parentId, name }: Place): boolean {
    return this.unselected.has(`${parentId}/${name}`);
  }

  isTracked(nodeId: NodeId): boolean {
    return !this.untracked.has(nodeId);
  }

  inWorkspace({ parentId, name }: Place): NodeId | undefined {
    return this.workspace.get(`${parentId}/${name}`);
  }

  absorb(findings: readonly Finding[], missing: readonly NodeId[] = []): void {
    for (const { node, chunks } of findings) {
      this.nodes.set(node.nodeId, node);
      if (chunks !== null) this.contents.set(chunks.root, chunks);
    }
    for (const nodeId of missing) this.nodes.delete(nodeId);
  }

  path(nodeId: NodeId): string | undefined {
    return pathOf(nodeId, (id) => this.nodes.get(id));
  }

  /** The node at a path; undefined if none. */
  at(path: string): LocalNode | undefined {
    return [...this.nodes.values()].find((node) => this.path(node.nodeId) === path);
  }
}
