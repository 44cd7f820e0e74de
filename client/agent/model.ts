/**
 * What the agent knows of one synced folder. Three trees, keyed by node id: `synced` (the merge base: what was last equal
 * here and on the server), `local` (what the scanner saw) and `remote` (what the journal of the workspace says). The two
 * latter are kept as differences from `synced`: at rest both are empty, and that is what "up to date" means.
 */
import type { Entry } from '../../shared/core/tree/entry.ts';
import type { Digest, NodeId } from '../../shared/core/ids.ts';
import type { Place } from '../../shared/core/tree/keys.ts';

/** A node at its place, as a tree holds it. */
export interface PlacedEntry extends Place {
  readonly entry: Entry;
}

/** What lstat said when the agent last knew that a file's content was the entry's: if all are the same, the file is not read. */
export interface StatMark {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly dev: number;
  readonly mode: number;
}

/** A node as it is on this disk: a synced one, or one that the scanner found and that waits to be committed. */
export interface LocalNode extends Place {
  readonly nodeId: NodeId;
  readonly kind: Entry['kind'];
  /** Null for folders' content and for files not read yet. */
  readonly content: Digest | null;
  readonly target: string | null;
  readonly stat: StatMark;
}

/** The chunks of a content of more than one chunk; a content of one chunk is its own hash. */
export interface ContentChunks {
  readonly root: Digest;
  readonly profileId: number;
  readonly size: number;
  /** n * 32 bytes. */
  readonly hashes: Uint8Array;
  readonly lengths: Uint32Array;
}
