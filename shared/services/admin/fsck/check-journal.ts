/**
 * The journal: each entry follows from the one before (seq, root, chain, time), is signed by one of our keys, and its edits
 * lead from the tree before it to the root that it names; and the head is the newest entry.
 */
import { emptyMapRoot } from '../../../core/merkle/map-node.ts';
import { isTidemarkError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/ids.ts';
import { limits } from '../../../core/limits.ts';
import { mapApply } from '../../../core/merkle/map-apply.ts';
import { mapDiff } from '../../../core/merkle/map-diff.ts';
import { mapGetMany } from '../../../core/merkle/map-read.ts';
import type { NodeSource } from '../../../core/merkle/node-source.ts';
import { deriveMapEdits } from '../../../core/tree/derive-edits.ts';
import { isEntryKey } from '../../../core/tree/keys.ts';
import { type JournalEntry, firstChain, headSignedBytes, nextChain } from '../../../core/wire/journal-entry.ts';
import type { JournalRecord } from '../../../ports/metadata-store.ts';
import { recordToEntry } from '../../signed-heads.ts';
import { checkFiles, fileOfEntry } from './check-content.ts';
import type { Check } from './finding.ts';
import { findBadNode, storedNodes } from './map-faults.ts';

/** Entries of one step, and about how many edits: each is applied anew, some seconds' work. */
const entriesOfStep = 200;
const editsOfStep = 20_000;

/** What the next entry has to follow; undefined after one that cannot be read. */
interface Link {
  readonly root: Digest;
  readonly chain: Digest;
  readonly timeMs: number;
}

/** The entries after `after`. Gives the last seq that was checked, and whether that was the newest. */
export async function checkJournal(
  check: Check,
  after: number,
): Promise<{ readonly seq: number; readonly isEnd: boolean; readonly entries: number }> {
  const { deps, workspaceId } = check;
  const records = await deps.metadata.journal.list(workspaceId, after, entriesOfStep, limits.changesPageBytes);
  if (records.length === 0) return { seq: after, isEnd: await checkHead(check, after), entries: 0 };
  const nodes = storedNodes(check);
  const verifies = await signatureCheck(check);
  let link = after === 0 ? firstLink(check) : await linkAt(check, after);
  let seq = after;
  let [entries, edits] = [0, 0];
  for (const record of records) {
    if (record.seq !== seq + 1) {
      check.find('journal-broken', String(seq + 1), `entries ${seq + 1} to ${record.seq - 1} are missing`);
      link = undefined;
    }
    seq = record.seq;
    const checked = await checkEntry(check, record, link, nodes, verifies);
    link = checked.link;
    entries++;
    edits += checked.edits;
    if (edits >= editsOfStep) break;
  }
  return { seq, isEnd: false, entries };
}

function firstLink({ workspaceId }: Check): Link {
  return { root: emptyMapRoot, chain: firstChain(workspaceId), timeMs: 0 };
}

async function linkAt(check: Check, seq: number): Promise<Link | undefined> {
  const { deps, workspaceId } = check;
  const [record] = await deps.metadata.journal.list(workspaceId, seq - 1, 1, limits.changesPageBytes);
  return record?.seq === seq ? readLink(check, record) : undefined;
}

/** What an entry says of itself, without its edits. */
async function readLink({ deps, workspaceId }: Check, record: JournalRecord): Promise<Link | undefined> {
  try {
    return await recordToEntry(deps, workspaceId, { ...record, editsHash: null });
  } catch (error) {
    if (isTidemarkError(error) && error.retryable) throw error;
    return undefined;
  }
}

async function checkEntry(
  check: Check,
  record: JournalRecord,
  before: Link | undefined,
  nodes: NodeSource,
  verifies: SignatureCheck,
): Promise<{ readonly link: Link | undefined; readonly edits: number }> {
  const { deps, workspaceId } = check;
  const broken = (why: string): void => check.find('journal-broken', String(record.seq), why);
  let entry: JournalEntry;
  try {
    entry = await recordToEntry(deps, workspaceId, record);
  } catch (error) {
    if (isTidemarkError(error) && error.retryable) throw error;
    broken('the entry, or its edits, cannot be read');
    return { link: await readLink(check, record), edits: 0 };
  }
  if (entry.seq !== record.seq) broken('the entry has another seq than its place');
  else if (before !== undefined && entry.previousRoot !== before.root)
    broken('it does not begin at the root before it');
  else if (before !== undefined && nextChain(before.chain, entry) !== entry.chain)
    broken('its chain is not that of its content');
  else if (before !== undefined && entry.timeMs < before.timeMs) broken('it is earlier than the entry before it');
  else if (!(await verifies(entry))) broken('its signature is not that of one of our keys');
  else await checkRoot(check, entry, nodes, broken);
  return { link: entry, edits: entry.edits.length };
}

/** The edits, applied to the tree before them, give the root. With `history`, what the files that came are made of is there. */
async function checkRoot(
  check: Check,
  { previousRoot, root, edits }: JournalEntry,
  nodes: NodeSource,
  broken: (why: string) => void,
): Promise<void> {
  try {
    const keys = edits.map(({ key }) => key);
    const before = await mapGetMany(nodes, previousRoot, keys);
    const applied = await mapApply(nodes, previousRoot, deriveMapEdits(edits, before));
    if (applied.root !== root) broken('its edits do not lead to the root that it names');
    if (!check.history || applied.root !== root) return;
    const files = [];
    for await (const { key, after } of mapDiff(nodes, previousRoot, root)) {
      if (after !== undefined && isEntryKey(key)) files.push(...fileOfEntry(after));
    }
    await checkFiles(check, files);
  } catch (error) {
    if (findBadNode(check, error)) return;
    if (!isTidemarkError(error) || error.retryable) throw error;
    broken(`its edits cannot be applied: ${error.message}`);
  }
}

/** Whether the head is the entry after which there is none. False when a commit came in between. */
async function checkHead(check: Check, seq: number): Promise<boolean> {
  const { deps, workspaceId } = check;
  const head = await deps.metadata.journal.getHead(workspaceId);
  const [next] = await deps.metadata.journal.list(workspaceId, seq, 1, limits.changesPageBytes);
  if (next !== undefined) return false;
  if (head === undefined) {
    check.find('journal-broken', String(seq), 'the workspace has no head');
    return true;
  }
  const link = seq === 0 ? firstLink(check) : await linkAt(check, seq);
  if (head.seq !== seq)
    check.find('journal-broken', String(head.seq), `the head is at ${head.seq}, the journal ends at ${seq}`);
  else if (link !== undefined && (head.root !== link.root || head.chain !== link.chain)) {
    check.find('journal-broken', String(seq), 'the head is not the newest entry');
  }
  return true;
}

type SignatureCheck = (entry: JournalEntry) => Promise<boolean>;

/** Ed25519 by WebCrypto, with the keys that we publish. */
async function signatureCheck({ deps, workspaceId }: Check): Promise<SignatureCheck> {
  const keys = new Map<string, Awaited<ReturnType<typeof crypto.subtle.importKey>>>();
  for (const { keyId, publicKey } of await deps.signer.publicKeys()) {
    const raw = publicKey as Uint8Array<ArrayBuffer>;
    keys.set(keyId, await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']));
  }
  return async (entry) => {
    const key = keys.get(entry.keyId);
    if (key === undefined) return false;
    const signed = headSignedBytes(workspaceId, entry) as Uint8Array<ArrayBuffer>;
    return crypto.subtle.verify('Ed25519', key, entry.signature, signed);
  };
}
