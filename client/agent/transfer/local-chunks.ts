/**
 * Chunks that are on this disk already: of the version before of a file that is to be written, and of files with equal
 * content. Where a chunk is said to be is a hint: it is hashed when read, and fetched if it is something else by then.
 */
import { bytesToHex } from '../../../shared/core/bytes.ts';
import { type Digest, type NodeId, digestBytes, idToBytes } from '../../../shared/core/ids.ts';
import type { ChunkList } from '../../../shared/core/manifest/manifest.ts';
import { pathOf } from '../journal/paths.ts';
import type { LocalNode } from '../model.ts';
import type { LocalKnowledge } from '../ports.ts';

export interface LocalChunk {
  /** Relative to the root. */
  readonly path: string;
  readonly offset: number;
  /** Where it may be too: the file is at its old place until the action that moves it was carried out. */
  readonly otherwise?: string;
}

/** About 40 MB of index at most. What is beyond is fetched, or found through its whole content. */
const chunksMax = 262_144;

export class LocalChunks {
  readonly #knowledge: LocalKnowledge;
  readonly #places = new Map<string, LocalChunk>();
  readonly #indexed = new Set<string>();

  constructor(knowledge: LocalKnowledge) {
    this.#knowledge = knowledge;
  }

  /** The chunk with this hash (hex), if it may be here. */
  find(hash: string): LocalChunk | undefined {
    return this.#places.get(hash);
  }

  /** It is not there: it is not offered there again. */
  forget(hash: string): void {
    const { otherwise, offset } = this.#places.get(hash) ?? {};
    if (otherwise === undefined || offset === undefined) this.#places.delete(hash);
    else this.#places.set(hash, { path: otherwise, offset });
  }

  /** Makes known what may help to write this content: where the node's version before is, and files with the same content. */
  offer(nodeId: NodeId, path: string, content: Digest, chunks: ChunkList): void {
    const same = this.#knowledge.byContent(content).find((node) => node.stat.size > 0);
    if (same !== undefined) this.#index(this.#pathOf(same), path, content, chunks);
    const previous = this.#knowledge.get(nodeId);
    if (previous?.kind !== 'file' || previous.content === null || previous.stat.size === 0) return;
    const chunksBefore = this.#chunksOf(previous, previous.content);
    if (chunksBefore === undefined) return;
    this.#index(this.#pathOf(previous), path, previous.content, chunksBefore);
  }

  /** A file that was written just now. */
  noteWritten(path: string, content: Digest, chunks: ChunkList): void {
    this.#index(path, path, content, chunks);
  }

  #chunksOf(
    node: LocalNode,
    content: Digest,
  ): (Pick<ChunkList, 'lengths'> & { readonly hashes: Uint8Array }) | undefined {
    const known = this.#knowledge.chunksOf(content);
    if (known !== undefined) return known;
    return { hashes: idToBytes(content), lengths: Uint32Array.of(node.stat.size) };
  }

  #pathOf(node: LocalNode): string | undefined {
    return pathOf(node.nodeId, (id) => this.#knowledge.get(id));
  }

  #index(
    path: string | undefined,
    otherwise: string,
    content: Digest,
    { hashes, lengths }: { readonly hashes: Uint8Array; readonly lengths: Uint32Array },
  ): void {
    const key = `${content}${path}`;
    if (path === undefined || this.#indexed.has(key)) return;
    if (this.#places.size + lengths.length > chunksMax) {
      this.#places.clear();
      this.#indexed.clear();
    }
    this.#indexed.add(key);
    let offset = 0;
    for (let i = 0; i < lengths.length && i < chunksMax; i++) {
      const hash = bytesToHex(hashes.subarray(i * digestBytes, (i + 1) * digestBytes));
      const place = path === otherwise ? { path, offset } : { path, offset, otherwise };
      if (!this.#places.has(hash)) this.#places.set(hash, place);
      offset += lengths[i]!;
    }
  }
}
