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
export const containers = ['chunks', 'manifests', 'quarantine'] as const;
export type Container = (typeof containers)[number];

export interface BlobProperties {
  readonly length: number;
  readonly etag: string;
  readonly createdMs: number;
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

  /** All names with this prefix, in ascending order. An error while listing is thrown, never a short list. */
  list(container: Container, prefix: string): AsyncIterable<string>;

  /**
   * A URL that lets its holder create this one blob (HTTP PUT with `x-ms-blob-type: BlockBlob`; 201, or 409 when the name is
   * taken), for `seconds`; nothing else, and never overwrite.
   */
  createUrl(container: Container, name: string, seconds: number): Promise<string>;

  /** A URL that lets its holder read this one blob (GET, Range honoured: 200 or 206), for `seconds`; nothing else. */
  readUrl(container: Container, name: string, seconds: number): Promise<string>;
}
