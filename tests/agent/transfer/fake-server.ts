/**
 * A server for tests of the agent's transfers, in memory: sessions, packs and manifests with the real codecs and the real
 * formats, and nothing else. It verifies packs as they come, as the real one does.
 */
import { bytesToHex, concatBytes } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import {
  type Digest,
  type SessionId,
  bytesToSessionId,
  columnDigestAt,
  columnLength,
  columnToDigests,
  digestBytes,
  parseDigestColumn,
} from '../../../shared/core/ids.ts';
import { buildManifest } from '../../../shared/core/manifest/manifest.ts';
import { merkleRoot } from '../../../shared/core/merkle/tree.ts';
import type { Codecs } from '../../../shared/core/pack/codecs.ts';
import type { PackPlace } from '../../../shared/core/pack/pack-footer.ts';
import { verifyPack } from '../../../shared/core/pack/pack-reader.ts';
import type { DownloadSessionResponse } from '../../../shared/core/wire/download-session.ts';
import type { PackStatus } from '../../../shared/core/wire/upload-status.ts';
import type { PlannedPack } from '../../../shared/core/wire/upload-session.ts';
import type { ContentChunks } from '../../../client/agent/model.ts';
import type { TransferApi, TransferBlobs } from '../../../client/agent/transfer/services.ts';

/** Plain bytes of a planned pack: small, so that tests see several. */
const packBytes = 2 * 1024 * 1024;

export class FakeServer {
  readonly packs = new Map<Digest, Uint8Array>();
  readonly manifests = new Map<Digest, Uint8Array>();
  readonly segments = new Map<Digest, Uint8Array>();
  readonly chunks = new Map<Digest, PackPlace & { readonly packId: Digest }>();
  readonly puts: Digest[] = [];
  /** Blocks that are staged and not made a blob of, by pack. */
  readonly staged = new Map<Digest, Map<Digest, Uint8Array>>();
  /** Blocks as they came, whole or not. */
  readonly blocks: Digest[] = [];
  /** Packs that each session planned. */
  readonly sessions = new Map<SessionId, readonly Digest[]>();
  readonly gets: { readonly from: number; readonly to: number }[] = [];
  uploadSessions = 0;
  downloadSessions = 0;
  /** Called before a pack is stored; may throw. */
  onPut: (packId: Digest) => void | Promise<void> = () => undefined;
  /** Called before a block is kept; may throw. */
  onBlock: (hash: Digest) => void | Promise<void> = () => undefined;
  /** Called before a list is taken up, and after. */
  onList: (when: 'before' | 'after') => void | Promise<void> = () => undefined;
  /** May change what is read. */
  onGet: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  readonly #codecs: Codecs;

  constructor(codecs: Codecs) {
    this.#codecs = codecs;
  }

  /** As a commit would: the manifest of a content of more than one chunk. */
  learnManifest(chunks: ContentChunks): void {
    const { hashes, lengths, profileId } = chunks;
    const built = buildManifest(profileId, { hashes: parseDigestColumn(hashes), lengths });
    if (built.manifest !== null) this.manifests.set(built.root, built.manifest);
    for (const [hash, bytes] of built.segments) this.segments.set(hash, bytes);
  }

  readonly api: TransferApi = {
    openUploadSession: async ({ hashes, lengths }) => {
      this.uploadSessions++;
      const missing: number[] = [];
      for (let i = 0; i < columnLength(hashes); i++) if (!this.chunks.has(columnDigestAt(hashes, i))) missing.push(i);
      const packs: PlannedPack[] = [];
      for (let first = 0; first < missing.length;) {
        let count = 0;
        for (let bytes = 0; first + count < missing.length && (count === 0 || bytes < packBytes); count++) {
          bytes += lengths[missing[first + count]!]!;
        }
        const column = new Uint8Array(count * digestBytes);
        for (let i = 0; i < count; i++) {
          const place = missing[first + i]! * digestBytes;
          column.set(hashes.subarray(place, place + digestBytes), i * digestBytes);
        }
        const packId = merkleRoot(parseDigestColumn(column));
        packs.push({ packId, first, count, url: `fake:${packId}` });
        first += count;
      }
      const sessionId = bytesToSessionId(Uint8Array.from({ length: 16 }, () => this.uploadSessions & 255));
      this.sessions.set(
        sessionId,
        packs.map((pack) => pack.packId),
      );
      return { sessionId, expiresMs: 0, missing, packs };
    },
    uploadSessionStatus: async (workspaceId, sessionId) => {
      const planned = this.sessions.get(sessionId);
      if (planned === undefined) throw new TidemarkError('not-found', 'no such session');
      const packs = planned.map((packId): PackStatus => {
        if (this.packs.has(packId)) return { packId, state: 'verified', url: null, blocks: [] };
        const blocks = [...(this.staged.get(packId) ?? [])].map(([hash, bytes]) => ({ hash, bytes: bytes.length }));
        return { packId, state: blocks.length > 0 ? 'staged' : 'missing', url: `fake:${packId}`, blocks };
      });
      return { sessionId, workspaceId, expiresMs: 0, packs };
    },
    readManifests: async ({ roots, segments }) => ({
      manifests: columnToDigests(roots).map((root) => this.manifests.get(root) ?? null),
      segments: columnToDigests(segments).map((hash) => this.segments.get(hash) ?? null),
    }),
    openDownloadSession: async ({ hashes }) => {
      this.downloadSessions++;
      return this.#places(columnToDigests(hashes));
    },
  };

  readonly blobs: TransferBlobs = {
    putPack: async (url, bytes) => {
      const packId = url.slice('fake:'.length) as Digest;
      await this.onPut(packId);
      // The memory is the caller's again afterwards.
      return this.#keep(packId, bytes.slice());
    },
    stageBlock: async (url, hash, bytes) => {
      const packId = url.slice('fake:'.length) as Digest;
      await this.onBlock(hash);
      this.blocks.push(hash);
      this.staged.set(packId, (this.staged.get(packId) ?? new Map<Digest, Uint8Array>()).set(hash, bytes.slice()));
    },
    commitBlocks: async (url, hashes) => {
      const packId = url.slice('fake:'.length) as Digest;
      await this.onList('before');
      const blocks = hashes.map((hash) => this.staged.get(packId)?.get(hash));
      if (!blocks.every((block) => block !== undefined)) return 'unknown-block';
      this.#keep(packId, concatBytes(...blocks));
      this.staged.delete(packId);
      await this.onList('after');
      return 'created';
    },
    getRange: async (url, from, to) => {
      this.gets.push({ from, to });
      const pack = this.packs.get(url.slice('fake:'.length) as Digest);
      if (pack === undefined || to > pack.length) throw new TidemarkError('not-found', 'no such blob');
      return this.onGet(pack.slice(from, to));
    },
  };

  #keep(packId: Digest, bytes: Uint8Array): 'created' | 'exists' {
    if (this.packs.has(packId)) return 'exists';
    const { hashes, places } = verifyPack(bytes, this.#codecs, packId);
    this.packs.set(packId, bytes);
    this.puts.push(packId);
    for (const [i, place] of places.entries()) {
      const digest = bytesToHex(hashes.subarray(i * digestBytes, (i + 1) * digestBytes)) as Digest;
      this.chunks.set(digest, { ...place, packId });
    }
    return 'created';
  }

  #places(digests: readonly Digest[]): DownloadSessionResponse {
    const missing = digests.filter((digest) => !this.chunks.has(digest));
    if (missing.length > 0) throw new TidemarkError('missing-chunks', 'no such chunks', { data: { missing } });
    const packs: Digest[] = [];
    const response = {
      expiresMs: 0,
      packs: [] as { packId: Digest; url: string }[],
      pack: [] as number[],
      frameOffset: [] as number[],
      frameStored: [] as number[],
      frameRaw: [] as number[],
      codec: [] as number[],
      offset: [] as number[],
      length: [] as number[],
    };
    for (const digest of digests) {
      const place = this.chunks.get(digest)!;
      if (!packs.includes(place.packId)) packs.push(place.packId);
      response.pack.push(packs.indexOf(place.packId));
      response.frameOffset.push(place.frameOffset);
      response.frameStored.push(place.frameStored);
      response.frameRaw.push(place.frameRaw);
      response.codec.push(place.codec);
      response.offset.push(place.offset);
      response.length.push(place.length);
    }
    response.packs = packs.map((packId) => ({ packId, url: `fake:${packId}` }));
    return response;
  }
}
