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
import { MemoryNodeSource } from '../../../shared/core/merkle/memory-node-source.ts';
import { deriveMapEdits } from '../../../shared/core/tree/derive-edits.ts';
import { decodeEntry, encodeEntry } from '../../../shared/core/tree/entry.ts';
import { entryKey } from '../../../shared/core/tree/keys.ts';
import type { PlacedEntry } from '../model.ts';
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
    const applied = await applyRows(journal, root, before, ids);
    root = applied.root;
    journal.transaction(() => {
      journal.mapNodes.add(applied.nodes);
      meta.syncedRoot = applied.root;
      db.run('DELETE FROM marked WHERE node_id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
    });
  }
}

async function applyRows(
  { mapNodes, trees }: Journal,
  root: Digest,
  before: readonly (PlacedEntry | undefined)[],
  ids: readonly NodeId[],
): Promise<{ readonly root: Digest; readonly nodes: ReadonlyMap<Digest, Uint8Array> }> {
  const edits = new Map<string, KeyEdit>();
  for (const placed of before) {
    if (placed === undefined) continue;
    const { parentId, name, entry } = placed;
    edits.set(parentId + name, { key: entryKey(placed), value: null, leaving: entry.nodeId });
  }
  trees.batch(ids, () => {
    for (const id of ids) {
      const placed = trees.getSynced(id);
      if (placed === undefined) continue;
      const { parentId, name, entry } = placed;
      edits.set(parentId + name, { key: entryKey(placed), value: encodeEntry(entry), leaving: null });
    }
  });
  const sorted = [...edits.values()].sort((a, b) => compareBytes(a.key, b.key));
  const held = await mapGetMany(
    mapNodes,
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
  return mapApply(mapNodes, root, mapEdits);
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
