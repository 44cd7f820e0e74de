/** Rows of the journal as values of the model, and back. A row that is not as it was written is damage: `corrupt`. */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, type NodeId, parseDigest, parseNodeId } from '../../../shared/core/ids.ts';
import { type EntryKind, decodeEntry, encodeEntry } from '../../../shared/core/tree/entry.ts';
import type { LocalNode, PlacedEntry, StatMark } from '../model.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** A row as its columns, in the order of the query. */
export type Tuple = readonly SQLOutputValue[];

/** A node of the merge base: as it was last agreed on, and as lstat showed it then. */
export interface SyncedNode extends PlacedEntry {
  readonly stat: StatMark;
}

function damaged(column: string): never {
  throw new TidemarkError('corrupt', "a row of the agent's journal is damaged", {
    data: { column, journal: true },
  });
}

export function textOf(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : damaged(column);
}

export function numberOf(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' ? value : damaged(column);
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : damaged(column);
}

export function nodeIdOf(row: Row, column = 'node_id'): NodeId {
  return parseNodeId(textOf(row, column));
}

function digestOrNull(row: Row, column: string): Digest | null {
  return row[column] === null ? null : parseDigest(textOf(row, column));
}

function kindOf(row: Row): EntryKind {
  return parseKind(row['kind']);
}

function parseKind(kind: SQLOutputValue | undefined): EntryKind {
  return kind === 'file' || kind === 'folder' || kind === 'symlink' ? kind : damaged('kind');
}

export const noStat: StatMark = { size: 0, mtimeMs: 0, ctimeMs: 0, ino: 0, dev: 0, mode: 0 };

function rowToStat(row: Row): StatMark {
  return {
    size: numberOf(row, 'size'),
    mtimeMs: numberOf(row, 'mtime_ms'),
    ctimeMs: numberOf(row, 'ctime_ms'),
    ino: numberOf(row, 'ino'),
    dev: numberOf(row, 'dev'),
    mode: numberOf(row, 'mode'),
  };
}

function statValues(stat: StatMark): SQLInputValue[] {
  return [stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino, stat.dev, stat.mode];
}

export function rowToPlaced(row: Row): PlacedEntry {
  return {
    parentId: nodeIdOf(row, 'parent_id'),
    name: textOf(row, 'name'),
    entry: decodeEntry(bytesOf(row, 'entry')),
  };
}

export function rowToSynced(row: Row): SyncedNode {
  return { ...rowToPlaced(row), stat: rowToStat(row) };
}

export function syncedValues(nodeId: NodeId, node: SyncedNode): SQLInputValue[] {
  return [...placedValues(nodeId, node), ...statValues(node.stat)];
}

/** node_id, parent_id, name, kind, entry, content. */
export function placedValues(nodeId: NodeId, { parentId, name, entry }: PlacedEntry): SQLInputValue[] {
  return [nodeId, parentId, name, entry.kind, encodeEntry(entry), entry.kind === 'file' ? entry.content : null];
}

export function rowToLocal(row: Row): LocalNode {
  const target = row['target'];
  return {
    nodeId: nodeIdOf(row),
    parentId: nodeIdOf(row, 'parent_id'),
    name: textOf(row, 'name'),
    kind: kindOf(row),
    content: digestOrNull(row, 'content'),
    target: target === null ? null : textOf(row, 'target'),
    stat: rowToStat(row),
  };
}

/**
 * The columns of `synced` that make a node as it is on the disk when nothing has changed: without its entry, which takes longer to
 * decode than all the rest, but for links, whose target nothing else has.
 */
export const syncedAsLocalColumns = `node_id, parent_id, name, kind, content, CASE kind WHEN 'symlink' THEN entry END,
  size, mtime_ms, ctime_ms, ino, dev, mode`;

/** A tuple of `syncedAsLocalColumns`. */
export function tupleToLocal(tuple: Tuple): LocalNode {
  const [nodeId, parentId, name, kind, content, entry, size, mtimeMs, ctimeMs, ino, dev, mode] = tuple;
  const text = (value: SQLOutputValue | undefined, column: string): string =>
    typeof value === 'string' ? value : damaged(column);
  const number = (value: SQLOutputValue | undefined, column: string): number =>
    typeof value === 'number' ? value : damaged(column);
  return {
    nodeId: parseNodeId(text(nodeId, 'node_id')),
    parentId: parseNodeId(text(parentId, 'parent_id')),
    name: text(name, 'name'),
    kind: parseKind(kind),
    content: content === null ? null : parseDigest(text(content, 'content')),
    target: entry instanceof Uint8Array ? targetOf(entry) : null,
    stat: {
      size: number(size, 'size'),
      mtimeMs: number(mtimeMs, 'mtime_ms'),
      ctimeMs: number(ctimeMs, 'ctime_ms'),
      ino: number(ino, 'ino'),
      dev: number(dev, 'dev'),
      mode: number(mode, 'mode'),
    },
  };
}

function targetOf(bytes: Uint8Array): string {
  const entry = decodeEntry(bytes);
  return entry.kind === 'symlink' ? entry.target : damaged('entry');
}

/** node_id, present, parent_id, name, kind, content, target, stat: a whole node. */
export function localValues(node: LocalNode): SQLInputValue[] {
  return [node.nodeId, 1, node.parentId, node.name, node.kind, node.content, node.target, ...statValues(node.stat)];
}

/** The same for a node that is gone: nothing of it counts but its id. */
export function missingValues(nodeId: NodeId): SQLInputValue[] {
  return absentValues(nodeId, 0);
}

/** The same for a node that this device chose not to have. */
export function unselectedValues(nodeId: NodeId): SQLInputValue[] {
  return absentValues(nodeId, 2);
}

function absentValues(nodeId: NodeId, present: 0 | 2): SQLInputValue[] {
  return [nodeId, present, '', '', 'file', null, null, ...statValues(noStat)];
}

/** A synced node as it is on the disk when nothing has changed. */
export function syncedToLocal(node: SyncedNode): LocalNode {
  const { entry } = node;
  return {
    nodeId: entry.nodeId,
    parentId: node.parentId,
    name: node.name,
    kind: entry.kind,
    content: entry.kind === 'file' ? entry.content : null,
    target: entry.kind === 'symlink' ? entry.target : null,
    stat: node.stat,
  };
}
