/** GET /workspaces/{ws}/nodes/{node}/versions?before=seq: what commits made of one node, newest first. */
import { limits } from '../limits.ts';
import {
  type ValueOf,
  deviceId,
  digest,
  integer,
  list,
  message,
  nodeId,
  oneOf,
  optional,
  text,
  userId,
} from './schema.ts';

/** What the commit did to the node, seen from its version before. */
export const versionChange = oneOf('created', 'edited', 'moved', 'moved-and-edited', 'deleted', 'returned');
export type VersionChange = ValueOf<typeof versionChange>;
export const nodeKind = oneOf('file', 'folder', 'symlink');

/**
 * `parentId` and `name`: where it was after the commit (for `deleted`: before it). `content` is the root of a file; `sha256` of its
 * content where the workspace asks for it; `target` that of a symlink.
 */
export const nodeVersion = message('NodeVersion', {
  seq: integer(1),
  timeMs: integer(),
  userId,
  deviceId,
  change: versionChange,
  kind: nodeKind,
  parentId: nodeId,
  name: text(limits.nameBytesMax),
  size: integer(),
  mtimeMs: integer(-8_640_000_000_000_000, 8_640_000_000_000_000),
  content: optional(digest),
  target: optional(text(limits.linkBytesMax)),
  sha256: optional(digest),
});
export type NodeVersion = ValueOf<typeof nodeVersion>;

/** `next`: the `before` of the next page; null at the end. */
export const nodeVersions = message('NodeVersions', {
  nodeId,
  versions: list(nodeVersion, limits.versionsPageMax),
  next: optional(integer(1)),
});
export type NodeVersions = ValueOf<typeof nodeVersions>;
