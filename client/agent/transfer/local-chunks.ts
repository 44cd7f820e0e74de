/**
 * Chunks that are on this disk already: of the version before of a file that is to be written, of files with equal
 * content, of downloads that were broken off, and, where much would have to be fetched, of any other file. Where a chunk is said to be is a hint: it is hashed when read, and fetched if it is something else by then.
 */
import { bytesToHex } from '../../../shared/core/bytes.ts';
import { type Digest, type NodeId, digestBytes, idToBytes } from '../../../shared/core/ids.ts';
import type { ChunkList } from '../../../shared/core/manifest/manifest.ts';
import type { PartialFile } from '../folder/partial-files.ts';
import { pathOf } from '../journal/paths.ts';
import type { ContentChunks, LocalNode } from '../model.ts';
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

/** Less than this is fetched as fast as it is looked for. */
const searchedBytesMin = 256 * 1024;

/** Six bytes of a hash, as a number: most chunks are told apart without making text of them. */
function shortKey(hashes: Uint8Array, i: number): number {
  const at = i * digestBytes;
  const low = ((hashes[at]! << 16) | (hashes[at + 1]! << 8) | hashes[at + 2]!) >>> 0;
  const high = ((hashes[at + 3]! << 16) | (hashes[at + 4]! << 8) | hashes[at + 5]!) >>> 0;
  return low * 2 ** 24 + high;
}

export class LocalChunks {
  readonly #knowledge: LocalKnowledge;
  readonly #places = new Map<string, LocalChunk>();
  readonly #indexed = new Set<string>();
  /** Searches in a row that found nothing, and how many are left out for it. */
  #fruitless = 0;
  #searchesToSkip = 0;

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

  /** Makes known what an earlier attempt wrote of a content, as far as it got. */
  offerPartial({ path, bytes }: PartialFile, { hashes, lengths }: ChunkList): void {
    let offset = 0;
    for (let i = 0; i < lengths.length && this.#places.size < chunksMax; i++) {
      if (offset + lengths[i]! > bytes) return;
      const hash = bytesToHex(hashes.subarray(i * digestBytes, (i + 1) * digestBytes));
      if (!this.#places.has(hash)) this.#places.set(hash, { path, offset });
      offset += lengths[i]!;
    }
  }

  /**
   * Looks for chunks of these contents that are not found yet in all other files here: in the file that this one was copied
   * from before it was changed, or in an older version under another name. Not done for little, and ever less often while it
   * finds nothing, since it costs a pass over all chunk lists.
   */
  search(wanted: readonly ChunkList[]): void {
    const lacking = new Map<number, Set<string>>();
    let bytes = 0;
    for (const { hashes, lengths } of wanted) {
      for (const [i, length] of lengths.entries()) {
        const hash = bytesToHex(hashes.subarray(i * digestBytes, (i + 1) * digestBytes));
        if (this.#places.has(hash)) continue;
        const key = shortKey(hashes, i);
        const others = lacking.get(key);
        if (others === undefined) lacking.set(key, new Set([hash]));
        else others.add(hash);
        bytes += length;
      }
    }
    if (bytes < searchedBytesMin || this.#searchesToSkip-- > 0) return;
    const found = this.#places.size;
    for (const chunks of this.#knowledge.chunkLists()) this.#take(chunks, lacking);
    this.#fruitless = this.#places.size > found ? 0 : this.#fruitless + 1;
    this.#searchesToSkip = 2 ** Math.min(this.#fruitless, 10) - 1;
  }

  /** Notes those chunks of a content that are lacking, if a file here has it. */
  #take({ root, hashes, lengths }: ContentChunks, lacking: ReadonlyMap<number, ReadonlySet<string>>): void {
    let path: string | undefined;
    let offset = 0;
    for (const [i, length] of lengths.entries()) {
      const candidates = lacking.get(shortKey(hashes, i));
      if (candidates !== undefined) {
        const hash = bytesToHex(hashes.subarray(i * digestBytes, (i + 1) * digestBytes));
        if (candidates.has(hash) && !this.#places.has(hash) && this.#places.size < chunksMax) {
          path ??= this.#pathOfContent(root);
          if (path === undefined) return;
          this.#places.set(hash, { path, offset });
        }
      }
      offset += length;
    }
  }

  #pathOfContent(content: Digest): string | undefined {
    for (const node of this.#knowledge.byContent(content)) {
      const path = this.#pathOf(node);
      if (path !== undefined) return path;
    }
    return undefined;
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
