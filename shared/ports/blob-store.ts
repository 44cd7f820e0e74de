/**
 * Blobs: immutable bytes under a name in a container.
 *
 * What every adapter owes:
 * - `put` is atomic and create-only: a reader sees all of a blob or none; of two racing puts of one name exactly one creates.
 *   When it resolves, the bytes survive a crash of the process and of the machine.
 * - Reads see every put that resolved before them.
 * - An ETag names one incarnation of a blob: delete and create again, and it differs.
 * - Names are checked by the adapter: `/`-separated segments of [A-Za-z0-9._-], none of them `.` or `..`; else `malformed`.
 */
export const containers = ['chunks', 'manifests', 'quarantine', 'staging'] as const;
export type Container = (typeof containers)[number];

/**
 * Azure's access tiers of block blobs. Bytes of an archived blob cannot be read until it has been brought back: `get`, and `open`
 * when its pieces are read at the latest, throw `busy`, and a URL answers 409 `BlobArchived`.
 */
export const accessTiers = ['hot', 'cool', 'cold', 'archive'] as const;
export type AccessTier = (typeof accessTiers)[number];

export interface BlobProperties {
  readonly length: number;
  readonly etag: string;
  readonly createdMs: number;
  readonly tier: AccessTier;
}

export interface ListedBlob extends BlobProperties {
  readonly name: string;
}

/** A block that was staged for a blob; it becomes part of it by a list that names it. */
export interface StagedBlock {
  /** What the client called it, decoded from base64: here the BLAKE3 of its bytes. */
  readonly id: Uint8Array;
  readonly length: number;
}

/** What is under a name in `staging`. */
export interface StagedBlob {
  /** Blocks that no list has taken up yet. */
  readonly uncommitted: readonly StagedBlock[];
  /** The blob that the last block list made; undefined before one. */
  readonly committed: BlobProperties | undefined;
}

export interface BlobStore {
  /** `exists` when the name is taken already; the blob there is left as it is. */
  put(container: Container, name: string, bytes: Uint8Array): Promise<'created' | 'exists'>;

  /** Undefined when there is no such blob. */
  head(container: Container, name: string): Promise<BlobProperties | undefined>;

  /**
   * Bytes `from` (inclusive) to `to` (exclusive), clipped to the blob; all of it by default. Undefined when there is no
   * such blob. Holds the range in memory: callers bound it.
   */
  get(
    container: Container,
    name: string,
    range?: { readonly from: number; readonly to: number },
  ): Promise<Uint8Array | undefined>;

  /** The blob as pieces in order, with its properties, of one incarnation from start to end. Undefined when absent. */
  open(
    container: Container,
    name: string,
  ): Promise<{ readonly properties: BlobProperties; readonly pieces: AsyncIterable<Uint8Array> } | undefined>;

  /**
   * Moves the incarnation with this ETag to another container under the same name plus `-<etag>`; afterwards the old name
   * is free. Does nothing when that incarnation is gone ('changed'). A crash in between leaves a copy, never a loss.
   */
  moveIfMatch(from: Container, name: string, etag: string, to: Container): Promise<'moved' | 'changed'>;

  /** Deletes that incarnation only; 'changed' when it is not there. */
  deleteIfMatch(container: Container, name: string, etag: string): Promise<'deleted' | 'changed'>;

  /**
   * Deletes blobs by name, whatever their incarnation, in as few requests as storage allows. Names that are not there are passed
   * over; what is staged under a name and not committed may stay.
   */
  deleteMany(container: Container, names: readonly string[]): Promise<void>;

  /** All names with this prefix, in ascending order. An error while listing is thrown, never a short list. */
  list(container: Container, prefix: string): AsyncIterable<string>;

  /** As `list`, with properties, and only what is after the name `after`. */
  listBlobs(container: Container, prefix: string, after?: string): AsyncIterable<ListedBlob>;

  /** Moves a blob to an access tier; 'missing' when there is none. Repeating it changes nothing. Its ETag stays. */
  setTier(container: Container, name: string, tier: AccessTier): Promise<'set' | 'missing'>;

  /** What has been staged under a name in `staging`; undefined when nothing has. */
  staged(name: string): Promise<StagedBlob | undefined>;

  /**
   * Copies the committed blob `from` in `staging`, as it is under this ETag, to `name` in `chunks`, within storage; create-only, as
   * `put`. 'missing' when that incarnation is not there.
   */
  promote(from: string, etag: string, name: string): Promise<'created' | 'exists' | 'missing'>;

  /**
   * A URL that lets its holder create this one blob (HTTP PUT with `x-ms-blob-type: BlockBlob`; 201, or when the name is taken 409,
   * or 403 where storage looks at the URL's permission first), for `seconds`; nothing else, and never overwrite.
   */
  createUrl(container: Container, name: string, seconds: number): Promise<string>;

  /** A URL that lets its holder read this one blob (GET, Range honoured: 200 or 206), for `seconds`; nothing else. */
  readUrl(container: Container, name: string, seconds: number): Promise<string>;

  /**
   * A URL that lets its holder stage blocks under this one name in `staging` (PUT `comp=block`), and make a blob of them
   * (`comp=blocklist`), for `seconds`; neither read nor delete anything.
   */
  stageUrl(name: string, seconds: number): Promise<string>;
}
