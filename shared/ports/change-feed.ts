/**
 * The record that storage itself keeps of what happened to blobs. It trails by seconds to minutes and is for repair and audit,
 * never for realtime. Ordered for each blob name; gap-free from a cursor on; a change may be told twice after a crash of the
 * reader, and one that did not come about after a crash of the writer; and a change may be told a moment before it can be seen.
 * Names come from storage and are checked by whoever uses them.
 */
export const blobChangeKinds = ['created', 'deleted', 'other'] as const;

export interface BlobChange {
  readonly kind: (typeof blobChangeKinds)[number];
  readonly container: string;
  readonly name: string;
  /** Of the incarnation that was created; empty where the feed does not say. */
  readonly etag: string;
  readonly timeMs: number;
  /** What caused it, in storage's words, for instance `PutBlob`, `CopyBlob`, `DeleteBlob`. */
  readonly api: string;
}

export interface ChangeFeedPage {
  readonly changes: readonly BlobChange[];
  /** Where to go on. Opaque; at most 16 KiB. The cursor that was given when nothing has happened since. */
  readonly cursor: string | null;
}

export interface ChangeFeed {
  /**
   * Up to about `limit` changes after a cursor, from the beginning with null; empty at the end. Throws `malformed` on a cursor
   * that is none of its own, or so old that what came after it is not kept any more.
   */
  read(cursor: string | null, limit: number): Promise<ChangeFeedPage>;
}
