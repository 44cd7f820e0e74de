/**
 * The mark of `synced`: the Merkle root of the merge base, to compare with the workspace's. It is kept up by what changed
 * since the last one (table `marked`): the map is edited from the rows as they were to the rows as they are, so it costs what
 * the changes cost. Asked for at rest only, when no tree differs: before, two rows may claim one name.
 *
 *     last mark over {/a: 1, /b: 2}; since then 1 and 2 swapped names
 *     marked 1 = /a, 2 = /b; synced 1 = /b, 2 = /a; edits /a = 2, /b = 1
 *
 * A swap may be cut in two by the batches. So a name is only freed where the map still has the very node there.
 */
import { compareBytes } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Digest, NodeId } from '../../../shared/core/ids.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { emptyMapRoot } from '../../../shared/core/merkle/map-node.ts';
import { mapGetMany } from '../../../shared/core/merkle/map-read.ts';
import { MemoryNodeSource, OverlayNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import type { NodeSource } from '../../../shared/core/merkle/node-source.ts';
import { deriveMapEdits } from '../../../shared/core/tree/derive-edits.ts';
import { decodeEntry, encodeEntry } from '../../../shared/core/tree/entry.ts';
import { emptyVersion } from '../../../shared/core/version-vector.ts';
import { entryKey } from '../../../shared/core/tree/keys.ts';
import type { LocalNode, PlacedEntry } from '../model.ts';
import type { Journal } from './journal.ts';
import { nodeIdOf, rowToPlaced } from './rows.ts';

/** Rows worked in at once: their keys, and the map's nodes that hold them, are in memory. */
const batchRows = 5_000;

interface KeyEdit {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  /** The node that leaves the key, when `value` is null. */
  readonly leaving: NodeId | null;
}

/** Brings the mark up to date. Throws `internal` while the trees differ. */
export async function updateSyncedMark(journal: Journal): Promise<Digest> {
  const { database: db, meta, listings } = journal;
  if (listings.countLocalChanges() + listings.countRemoteChanges() > 0) {
    throw new TidemarkError('internal', 'the mark of a folder is known at rest only');
  }
  let root = meta.syncedRoot;
  for (;;) {
    const rows = db.all('SELECT * FROM marked LIMIT ?', batchRows);
    if (rows.length === 0) return root;
    const ids = rows.map((row) => nodeIdOf(row));
    const before = rows.map((row) => (row['entry'] === null ? undefined : rowToPlaced(row)));
    const after = journal.trees.batch(ids, () => ids.map((id) => journal.trees.getSynced(id)));
    const applied = await applyRows(journal.mapNodes, root, before, after);
    root = applied.root;
    journal.transaction(() => {
      journal.mapNodes.add(applied.nodes);
      meta.syncedRoot = applied.root;
      db.run('DELETE FROM marked WHERE node_id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
    });
  }
}

async function applyRows(
  source: NodeSource,
  root: Digest,
  before: readonly (PlacedEntry | undefined)[],
  after: readonly (PlacedEntry | undefined)[],
): Promise<{ readonly root: Digest; readonly nodes: ReadonlyMap<Digest, Uint8Array> }> {
  const edits = new Map<string, KeyEdit>();
  for (const placed of before) {
    if (placed === undefined) continue;
    const { parentId, name, entry } = placed;
    edits.set(parentId + name, { key: entryKey(placed), value: null, leaving: entry.nodeId });
  }
  for (const placed of after) {
    if (placed === undefined) continue;
    const { parentId, name, entry } = placed;
    edits.set(parentId + name, { key: entryKey(placed), value: encodeEntry(entry), leaving: null });
  }
  const sorted = [...edits.values()].sort((a, b) => compareBytes(a.key, b.key));
  const held = await mapGetMany(
    source,
    root,
    sorted.map(({ key }) => key),
  );
  const effective = sorted.flatMap((edit, i) => {
    const holds = held[i] === undefined ? null : decodeEntry(held[i]).nodeId;
    return edit.value === null && holds !== edit.leaving ? [] : [{ edit, held: held[i] }];
  });
  const mapEdits = deriveMapEdits(
    effective.map(({ edit }) => edit),
    effective.map(({ held }) => held),
  );
  return mapApply(source, root, mapEdits);
}

function localToPlaced(node: LocalNode, synced: PlacedEntry | undefined): PlacedEntry | undefined {
  const { nodeId, parentId, name, kind, content, target, stat } = node;
  const base = { nodeId, version: synced?.entry.version ?? emptyVersion, mtimeMs: Math.floor(stat.mtimeMs) };
  if (kind === 'folder') return { parentId, name, entry: { kind, ...base, mode: 0 } };
  if (kind === 'symlink') return { parentId, name, entry: { kind, ...base, mode: 0, target: target ?? '' } };
  if (content === null) return undefined;
  return { parentId, name, entry: { kind, ...base, mode: stat.mode, size: stat.size, content } };
}

/**
 * The mark of `local` while it differs: the map of the merge base with the disk's changes laid over it. Nothing is kept. Null in the
 * middle of a sync, when the merge base itself has no mark.
 */
export async function computeLocalMark({
  database: db,
  mapNodes,
  meta,
  trees,
  listings,
}: Journal): Promise<Digest | null> {
  if (db.get('SELECT 1 FROM marked LIMIT 1') !== undefined) return null;
  const laidOver = new MemoryNodeSource();
  const source = new OverlayNodeSource(laidOver, mapNodes);
  let root = meta.syncedRoot;
  for (let last = ''; ;) {
    const ids = listings.localChanges(last, batchRows);
    if (ids.length === 0) return root;
    last = ids.at(-1)!;
    const [before, after] = trees.batch(ids, () => {
      const synced = ids.map((id) => trees.getSynced(id));
      const local = ids.map((id, i) => {
        const node = trees.getLocal(id);
        return node === undefined ? undefined : localToPlaced(node, synced[i]);
      });
      return [synced, local] as const;
    });
    const applied = await applyRows(source, root, before, after);
    laidOver.add(applied.nodes);
    root = applied.root;
  }
}

/** The mark of `synced` from nothing but its rows: what a doubtful mark is held against. One pass over the whole tree. */
export async function rebuildSyncedMark({ database: db }: Journal): Promise<Digest> {
  const nodes = new MemoryNodeSource();
  let root = emptyMapRoot;
  for (let after = ''; ;) {
    const rows = db.all('SELECT * FROM synced WHERE node_id > ? ORDER BY node_id LIMIT ?', after, batchRows);
    const last = rows.at(-1);
    if (last === undefined) return root;
    after = nodeIdOf(last);
    const edits = rows
      .map(rowToPlaced)
      .map((placed) => ({ key: entryKey(placed), value: encodeEntry(placed.entry) }))
      .sort((a, b) => compareBytes(a.key, b.key));
    const mapEdits = deriveMapEdits(
      edits,
      edits.map(() => undefined),
    );
    const applied = await mapApply(nodes, root, mapEdits);
    nodes.add(applied.nodes);
    root = applied.root;
  }
}
