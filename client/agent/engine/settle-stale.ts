/**
 * A consistency-first workspace refuses a commit that met what its author had not seen; nothing of it was done. What would have been
 * the server's to decide elsewhere is decided here then, on the newest state, by the same rules (docs/decisions/0006); the next commit
 * has seen all of it:
 *
 *     edit, edit      `merge`: merged (merge-edits.ts). `latest`: the edit here is told as one of what the server has, which stays in the
 *                     history. `copy`, or what cannot be merged: the file here becomes a new one under a conflict name, and theirs
 *                     comes to its place
 *     move, move      the one that was committed stands
 *     a name taken    what is here steps aside under a conflict name
 *
 * Everything else is the plan's: it sees what was deleted or moved meanwhile. The disk is changed before the journal, and only by
 * renaming, which a scan finds as what it is; so a crash is harmless.
 */
import { type NodeId, bytesToNodeId, idBytes } from '../../../shared/core/ids.ts';
import { conflictName } from '../../../shared/core/paths/conflict-name.ts';
import { type Place, samePlace } from '../../../shared/core/tree/keys.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import { noStat, syncedToLocal } from '../journal/rows.ts';
import { decide, holdsBytes, isVoid, placeOf } from '../plan/decide.ts';
import { mergeEdits } from './merge-edits.ts';
import type { ConflictRules } from './conflict-rules.ts';
import type { SyncRun } from './sync-run.ts';

const triesMax = 3;

/** After `stale-base` and a pull. What is left to do is planned anew. Throws `busy` when that happens again and again. */
export async function settleStale(run: SyncRun, operations: readonly Operation[]): Promise<void> {
  await run.allowStale();
  const rules = await run.conflictRules();
  const ids = [...new Set(operations.map(({ nodeId }) => nodeId))];
  await settleEdits(
    run,
    ids.filter((id) => isEditMet(run, id)),
    rules,
  );
  for (const id of ids) if (isMoveMet(run, id)) giveUpMove(run, id);
  for (const id of ids) if (isNameTaken(run, id)) await stepAside(run, id, freePlace(run, id, rules));
}

async function settleEdits(run: SyncRun, ids: readonly NodeId[], rules: ConflictRules): Promise<void> {
  if (ids.length === 0) return;
  if (rules.policy === 'latest') {
    for (const id of ids) takeAsBase(run, id);
    return;
  }
  const apart = rules.policy === 'merge' ? (await mergeEdits(run, ids)).apart : ids;
  for (const id of apart) await setApart(run, id, rules);
}

/** Whether content was changed on both sides, and not to the same. */
function isEditMet({ needs: { journal } }: SyncRun, id: NodeId): boolean {
  const { trees } = journal;
  const local = trees.getLocal(id);
  const remote = trees.getRemote(id);
  if (local === undefined || remote === undefined || local.kind === 'folder' || isVoid(local)) return false;
  if (holdsBytes(local, remote.entry)) return false;
  const synced = trees.getSynced(id);
  if (synced === undefined) return true;
  return !holdsBytes(local, synced.entry) && !holdsBytes(syncedToLocal(synced), remote.entry);
}

function takeAsBase({ needs: { journal } }: SyncRun, id: NodeId): void {
  const { trees } = journal;
  const remote = trees.getRemote(id);
  if (remote === undefined) return;
  const place = placeOf(trees.getSynced(id) ?? remote);
  journal.transaction(() => trees.rebase(id, { ...place, entry: remote.entry, stat: noStat }));
}

/** The file here is a new node from now on, and the node counts as never materialised here. */
async function setApart(run: SyncRun, id: NodeId, rules: ConflictRules): Promise<void> {
  const { journal, clock, randomness } = run.needs;
  const copyId = bytesToNodeId(randomness.bytes(idBytes));
  const place = freePlace(run, id, rules);
  journal.transaction(() => {
    journal.trees.renameLocal(id, copyId);
    journal.trees.rebase(id, undefined);
    journal.conflicts.add({ nodeId: copyId, of: id, name: place.name, clockMs: Math.trunc(clock.now()) });
  });
  run.tally.conflicts++;
  await stepAside(run, copyId, place);
}

function isMoveMet({ needs: { journal } }: SyncRun, id: NodeId): boolean {
  const { trees } = journal;
  const [synced, local, remote] = [trees.getSynced(id), trees.getLocal(id), trees.getRemote(id)];
  if (synced === undefined || local === undefined || remote === undefined) return false;
  return !samePlace(local, synced) && !samePlace(remote, synced) && !samePlace(local, remote);
}

/** As the answer `kept` of other workspaces: the move here is agreed on, and theirs is a remote difference that comes after it. */
function giveUpMove({ needs: { journal } }: SyncRun, id: NodeId): void {
  const { trees } = journal;
  const [synced, local] = [trees.getSynced(id), trees.getLocal(id)];
  if (synced === undefined || local === undefined) return;
  journal.transaction(() => trees.rebase(id, { ...synced, ...placeOf(local) }));
}

/** Whether the server has another node for good where this one is to be. */
function isNameTaken({ needs: { journal } }: SyncRun, id: NodeId): boolean {
  const { trees, listings } = journal;
  const [synced, local, remote] = [trees.getSynced(id), trees.getLocal(id), trees.getRemote(id)];
  if (local === undefined || isVoid(local)) return false;
  const isPlacing = remote === undefined || (synced !== undefined && !samePlace(local, synced));
  const there = isPlacing ? listings.remoteAt(placeOf(local)) : undefined;
  if (there === undefined || there.entry.nodeId === id) return false;
  const isSame = synced === undefined && holdsBytes(local, there.entry);
  if (isSame) return false;
  const other = there.entry.nodeId;
  // It is not on this disk, and stays where it is.
  if (trees.isUnselected(other)) return true;
  const decision = decide({ synced: trees.getSynced(other), local: trees.getLocal(other), remote: there });
  const isLeaving = decision.kind === 'push' && (decision.what === 'delete' || decision.place);
  return !isLeaving;
}

/** The first conflict name beside the node that nothing has, here or there. */
function freePlace({ needs }: SyncRun, id: NodeId, { deviceName }: ConflictRules): Place {
  const { listings, trees } = needs.journal;
  const local = trees.getLocal(id);
  if (local === undefined) throw new RangeError('a node that is not on this disk needs no name');
  const clockMs = Math.trunc(needs.clock.now());
  for (let number = 1; ; number++) {
    const name = conflictName(local.name, deviceName, clockMs, number);
    const place = { parentId: local.parentId, name };
    if (listings.localAt(place) === undefined && listings.remoteAt(place) === undefined) return place;
  }
}

async function stepAside(run: SyncRun, id: NodeId, place: Place): Promise<void> {
  const { journal, folder } = run.needs;
  const node = journal.trees.getLocal(id);
  const from = node === undefined ? undefined : journal.localPath(node);
  if (node === undefined || from === undefined) return;
  const path = from.slice(0, from.lastIndexOf('/') + 1) + place.name;
  run.enter({ name: 'replaying' });
  const action = { kind: 'move' as const, nodeId: id, what: node.kind, from, path, expected: node.stat };
  const [result] = await folder.apply([action], journal.knowledge, run.signal);
  if (result?.done === true) {
    journal.transaction(() => journal.trees.setLocal(id, { ...node, ...place, stat: result.stat ?? noStat }));
    return;
  }
  run.rescan = true;
  if (result !== undefined) run.fail(id, result.problem, triesMax);
}
