/**
 * Following the workspace's journal. The server is not trusted: what it says must be a continuation of what this device
 * has seen, entry by entry (seq without a gap, previous root, chain), signed by a key that is trusted (trust.ts), and its edits must give
 * the root that is signed. A page is followed as a whole: the chain binds every entry of it to the last, whose signature and
 * root are checked; so ten thousand small commits cost as many chain links and ten checks. A page of large commits is followed in
 * parts, each as if it were a page of its own: what a part needs in memory goes with the number of its edits.
 */
import { bytesToHex, compareBytes, equalBytes } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { type Digest, type NodeId, type WorkspaceId, rootNodeId } from '../../../shared/core/ids.ts';
import { mapApply } from '../../../shared/core/merkle/map-apply.ts';
import { mapGetMany } from '../../../shared/core/merkle/map-read.ts';
import { checkName } from '../../../shared/core/paths/name.ts';
import { deriveMapEdits } from '../../../shared/core/tree/derive-edits.ts';
import { type Entry, decodeEntry, encodeEntry } from '../../../shared/core/tree/entry.ts';
import { entryKeyToPlace } from '../../../shared/core/tree/keys.ts';
import { type JournalEntry, type TreeEdit, nextChain } from '../../../shared/core/wire/journal-entry.ts';
import type { FollowedHead } from '../journal/meta-table.ts';
import { partsOfPage } from './page-parts.ts';
import type { SyncRun } from './sync-run.ts';
import { checkSignature } from './trust.ts';

/** Edits worked in at once: some kilobytes each until they are in the journal, with the map's nodes around them. */
const partEditsMax = 5_000;

/** Follows the journal to its head. Returns how many entries were new. Throws `bad-signature` on anything that does not add up. */
export async function pullChanges(run: SyncRun): Promise<number> {
  const { journal, api } = run.needs;
  const { meta } = journal;
  const { workspaceId } = run.identity;
  let followed = 0;
  for (;;) {
    run.enter({ name: 'replaying' });
    const head = meta.head;
    const page = await api.changes(workspaceId, head.seq, run.signal);
    if (page.headSeq < Math.max(head.seq, meta.seenSeq)) throw distrust('the server shows an older state than before');
    if (page.entries.length === 0) {
      if (page.headSeq > head.seq) throw distrust('the server keeps back a part of the history');
      return followed;
    }
    for (const entries of partsOfPage(page.entries, partEditsMax)) {
      await followPart(run, { workspaceId, head: meta.head, entries });
      followed += entries.length;
      run.progress({ done: followed, total: page.headSeq - meta.head.seq + followed, bytes: 0 });
    }
    if (meta.head.seq >= page.headSeq) return followed;
  }
}

function distrust(message: string): TidemarkError {
  return new TidemarkError('bad-signature', message);
}

/** What follows on the head. */
interface Part {
  readonly workspaceId: WorkspaceId;
  readonly head: FollowedHead;
  readonly entries: readonly JournalEntry[];
}

async function followPart({ needs, signal }: SyncRun, part: Part): Promise<void> {
  const { journal } = needs;
  const { head, edits } = followChain(part);
  const last = part.entries.at(-1)!;
  await checkSignature(needs, part.workspaceId, last, signal);
  const keys = edits.map(({ key }) => key);
  const before = await mapGetMany(journal.mapNodes, part.head.root, keys);
  const after = edits.map(checkEdit);
  const applied = await mapApply(journal.mapNodes, part.head.root, deriveMapEdits(edits, before));
  if (applied.root !== head.root) throw distrust('the changes do not give the tree that the server signed');
  const gone = new Set<NodeId>(before.flatMap((value) => (value === undefined ? [] : [decodeEntry(value).nodeId])));
  for (const entry of after) if (entry !== undefined) gone.delete(entry.nodeId);
  journal.transaction(() => {
    journal.mapNodes.add(applied.nodes);
    const ids = [...gone, ...after.flatMap((entry) => (entry === undefined ? [] : [entry.nodeId]))];
    journal.trees.batch(ids, () => {
      for (const nodeId of gone) journal.trees.setRemote(nodeId, undefined);
      for (const [i, entry] of after.entries()) {
        if (entry !== undefined) journal.trees.setRemote(entry.nodeId, { ...entryKeyToPlace(keys[i]!), entry });
      }
    });
    journal.meta.setHead(head);
    journal.meta.headKeyId = last.keyId;
  });
}

/** The head after the entries, if each continues the one before, and what they change together, ascending by key. */
function followChain({ head, entries }: Part): { readonly head: FollowedHead; readonly edits: readonly TreeEdit[] } {
  let { seq, root, chain }: { seq: number; root: Digest; chain: Digest } = head;
  const edits = new Map<string, TreeEdit>();
  for (const entry of entries) {
    if (entry.seq !== seq + 1) throw distrust('the history of the workspace has a gap');
    if (entry.previousRoot !== root) throw distrust('the history of the workspace does not continue what was seen');
    chain = nextChain(chain, entry);
    if (entry.chain !== chain) throw distrust('the history of the workspace does not continue what was seen');
    for (const edit of entry.edits) edits.set(bytesToHex(edit.key), edit);
    ({ seq, root } = entry);
  }
  const sorted = [...edits.values()].sort((a, b) => compareBytes(a.key, b.key));
  return { head: { seq, root, chain }, edits: sorted };
}

/** The entry that an edit brings. Names that could lead out of the folder or into the control folder never come in. */
function checkEdit({ key, value }: TreeEdit): Entry | undefined {
  const { name } = entryKeyToPlace(key);
  if (value === null) return undefined;
  const fault = checkName(name);
  if (fault !== 'ok') {
    throw new TidemarkError('bad-signature', 'the server has a name that no device may have sent', { data: { fault } });
  }
  const entry = decodeEntry(value);
  if (entry.nodeId === rootNodeId || !equalBytes(encodeEntry(entry), value)) {
    throw distrust('the server has an entry that no device may have sent');
  }
  return entry;
}
