/**
 * The operations of a commit. Each names the node, says where it shall be, and what its author had seen of it: `base` is
 * the node's version there (empty: the author made the node), `baseContent` and `basePlace` what it held and where it
 * was, so that an edit meeting a move is told apart from an edit meeting an edit.
 *
 * `clockMs` is the author's clock when the change was noticed. It names conflict copies ("… 2026-11-22"); it orders nothing.
 */
import { limits } from '../limits.ts';
import { executableBits } from '../tree/entry.ts';
import { type ValueOf, bits, digest, flag, integer, message, nodeId, optional, text, variant } from './schema.ts';
import { version } from './version.ts';

const name = text(limits.nameBytesMax);
const mtimeMs = integer(-8_640_000_000_000_000, 8_640_000_000_000_000);
const clockMs = integer(-8_640_000_000_000_000, 8_640_000_000_000_000);
const mode = bits(executableBits);

/** Where the node was when the author last saw it. */
export const place = message('Place', { parentId: nodeId, name });

/**
 * New content for a file, or a new file. `sha256` is that of the whole content, where the workspace asks for it. An edit keeps the node's current place; `parentId` and `name` place a new or returning node.
 * `fallback`: where the workspace's policy is `merge`, the author cannot merge this, or has given up: a conflict becomes a copy.
 */
export const putOperation = message('Put', {
  nodeId,
  parentId: nodeId,
  name,
  base: version,
  baseContent: optional(digest),
  content: digest,
  size: integer(0, limits.fileBytesMax),
  mode,
  mtimeMs,
  clockMs,
  sha256: optional(digest),
  fallback: optional(flag),
});

/** A new folder, or one that returns. A folder that stands at that name already is taken as the same folder. */
export const mkdirOperation = message('Mkdir', { nodeId, parentId: nodeId, name, base: version, mtimeMs, clockMs });

/** A new symlink, or a new target for one. */
export const symlinkOperation = message('Symlink', {
  nodeId,
  parentId: nodeId,
  name,
  base: version,
  baseTarget: optional(text(limits.linkBytesMax)),
  target: text(limits.linkBytesMax),
  mtimeMs,
  clockMs,
});

/** A rename or move of any kind of node: to `name` in `parentId`. */
export const moveOperation = message('Move', {
  nodeId,
  parentId: nodeId,
  name,
  base: version,
  basePlace: place,
  clockMs,
});

/** Takes a node away. A folder goes only when nothing is left in it: its contents are deleted by operations of their own, before. */
export const deleteOperation = message('Delete', { nodeId, base: version, clockMs });

export const operation = variant({
  put: putOperation,
  mkdir: mkdirOperation,
  symlink: symlinkOperation,
  move: moveOperation,
  delete: deleteOperation,
});
export type Operation = ValueOf<typeof operation>;
export type PutOperation = Extract<Operation, { kind: 'put' }>;
export type MkdirOperation = Extract<Operation, { kind: 'mkdir' }>;
export type SymlinkOperation = Extract<Operation, { kind: 'symlink' }>;
export type MoveOperation = Extract<Operation, { kind: 'move' }>;
export type DeleteOperation = Extract<Operation, { kind: 'delete' }>;
