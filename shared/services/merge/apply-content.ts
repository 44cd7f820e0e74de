/**
 * `put` and `symlink`: content that a file or link shall have. Section by section, the rules of edit against what happened
 * meanwhile:
 *
 *   the node is not there      new, or its edit beats a delete: it is placed where the operation says
 *     and the name is taken      by the same content: agreed, that node is the one; by anything else: the conflict name
 *   the author had seen it     applied, at the place where it is now
 *   it was only moved since    applied too: its content is still the author's base
 *   it holds the same content  agreed: equal content is never a conflict
 *   else                       a conflict, by the policy: `copy` puts the operation's content beside it; `latest` puts it in its
 *                              place; `merge` refuses a file's content as `needs-merge`, for its author to merge, unless the
 *                              operation says that this was given up, and makes a copy then. Links cannot be merged
 *
 * Executable bits of two sides that did not see each other are united: a lost bit breaks a script, an extra one rarely does.
 *
 * One content has one SHA-256. Of two that are told for it one is wrong, and which cannot be known without reading the content
 * (services/content-sha256.ts). So an author who had seen the standing one corrects it, as an editor may write anything; one
 * who had not leaves it, and adds one where there is none. Refusing would leave a wrong one where nobody could mend it.
 */
import type { Digest, NodeId } from '../../core/ids.ts';
import type { Entry, FileEntry, SymlinkEntry } from '../../core/tree/entry.ts';
import type { Place } from '../../core/tree/keys.ts';
import type { VersionVector } from '../../core/version-vector.ts';
import type { Outcome } from '../../core/wire/commit.ts';
import type { PutOperation, SymlinkOperation } from '../../core/wire/operation.ts';
import type { StandingNode } from '../tree-view.ts';
import {
  type MergeContext,
  hadSeen,
  nextVersion,
  outcomeAt,
  realId,
  refused,
  returningVersion,
  standing,
} from './merge-context.ts';
import { copyNodeId, findConflictPlace, placeRefusal } from './placement.ts';

type ContentOperation = PutOperation | SymlinkOperation;

/** Whether an entry is a leaf of the operation's kind. */
function isOfKind(entry: Entry, operation: ContentOperation): entry is FileEntry | SymlinkEntry {
  return entry.kind === (operation.kind === 'put' ? 'file' : 'symlink');
}

function holdsContent(entry: Entry, operation: ContentOperation): boolean {
  return operation.kind === 'put'
    ? entry.kind === 'file' && entry.content === operation.content
    : entry.kind === 'symlink' && entry.target === operation.target;
}

function holdsBaseContent(entry: Entry, operation: ContentOperation): boolean {
  return operation.kind === 'put'
    ? entry.kind === 'file' && operation.baseContent !== null && entry.content === operation.baseContent
    : entry.kind === 'symlink' && operation.baseTarget !== null && entry.target === operation.baseTarget;
}

/** The SHA-256 that the standing node has after the operation. */
function sha256After(entry: Entry, operation: ContentOperation, seen: boolean): Digest | undefined {
  if (operation.kind !== 'put') return undefined;
  const told = operation.sha256 ?? undefined;
  const standing = entry.kind === 'file' && entry.content === operation.content ? entry.sha256 : undefined;
  return seen ? (told ?? standing) : (standing ?? told);
}

/** What of a file's entry is not simply as the operation says. */
interface FileDetails {
  readonly mode: number;
  readonly sha256: Digest | undefined;
}

/** Whether the node has these details already, given that it holds the content. A symlink has none. */
function hasDetails(entry: Entry, { mode, sha256 }: FileDetails): boolean {
  return entry.kind !== 'file' || (entry.mode === mode && entry.sha256 === sha256);
}

function toEntry(
  operation: ContentOperation,
  nodeId: NodeId,
  version: VersionVector,
  details?: FileDetails,
): FileEntry | SymlinkEntry {
  const { mtimeMs } = operation;
  if (operation.kind === 'symlink')
    return { kind: 'symlink', nodeId, version, mtimeMs, mode: 0, target: operation.target };
  const { size, content } = operation;
  const { mode, sha256 } = details ?? { mode: operation.mode, sha256: operation.sha256 ?? undefined };
  return { kind: 'file', nodeId, version, mtimeMs, mode, size, content, ...(sha256 === undefined ? {} : { sha256 }) };
}

export async function applyContent(
  context: MergeContext,
  operation: ContentOperation,
  index: number,
): Promise<Outcome> {
  const nodeId = realId(context, operation.nodeId);
  const current = await context.tree.find(nodeId);
  if (current === undefined) return placeNew(context, operation, nodeId);
  if (!isOfKind(current.entry, operation)) {
    return outcomeAt('refused', nodeId, current.place, current.entry.version, 'kind-changed');
  }
  const seen = await hadSeen(context, current.entry, operation.base);
  const ownMode = operation.kind === 'put' ? operation.mode : 0;
  const mode = seen ? ownMode : current.entry.mode | ownMode;
  const details = { mode, sha256: sha256After(current.entry, operation, seen) };
  if (holdsContent(current.entry, operation) && hasDetails(current.entry, details)) return standing('agreed', current);
  if (seen || holdsContent(current.entry, operation) || holdsBaseContent(current.entry, operation)) {
    return replace(context, operation, current, details);
  }
  // The author of the later commit chose the policy: its content is the newest, the other stays in history.
  if (context.policy === 'latest' && context.mode === 'personal') return replace(context, operation, current, details);
  if (context.policy === 'merge' && operation.kind === 'put' && operation.fallback !== true) {
    return outcomeAt('refused', nodeId, current.place, current.entry.version, 'needs-merge');
  }
  return placeCopy(context, operation, current, index);
}

async function replace(
  context: MergeContext,
  operation: ContentOperation,
  { place, entry }: StandingNode,
  details: FileDetails,
): Promise<Outcome> {
  const version = nextVersion(context, entry.version);
  await context.tree.put(place, toEntry(operation, entry.nodeId, version, details));
  return outcomeAt('applied', entry.nodeId, place, version);
}

async function placeNew(context: MergeContext, operation: ContentOperation, nodeId: NodeId): Promise<Outcome> {
  const wanted: Place = { parentId: realId(context, operation.parentId), name: operation.name };
  const reason = await placeRefusal(context, wanted);
  if (reason !== undefined) return refused(reason, nodeId, wanted);
  const version = returningVersion(context, operation.base);
  const occupant = await context.tree.get(wanted);
  if (occupant === undefined) {
    await context.tree.put(wanted, toEntry(operation, nodeId, version));
    return outcomeAt('applied', nodeId, wanted, version);
  }
  if (holdsContent(occupant, operation)) {
    context.aliases.set(operation.nodeId, occupant.nodeId);
    return standing('agreed', { place: wanted, entry: occupant });
  }
  return placeBeside(context, operation, wanted, { status: 'renamed', nodeId, version });
}

async function placeCopy(
  context: MergeContext,
  operation: ContentOperation,
  current: StandingNode,
  index: number,
): Promise<Outcome> {
  const nodeId = await copyNodeId(context, index);
  const version = nextVersion(context, []);
  return placeBeside(context, operation, current.place, { status: 'copied', nodeId, version });
}

/** Under the conflict name; where that is taken by the same content already (a request long repeated), nothing is added. */
async function placeBeside(
  context: MergeContext,
  operation: ContentOperation,
  wanted: Place,
  as: { readonly status: 'copied' | 'renamed'; readonly nodeId: NodeId; readonly version: VersionVector },
): Promise<Outcome> {
  const { clockMs } = operation;
  const holdsIt = async (occupant: NodeId): Promise<boolean> => {
    const node = await context.tree.find(occupant);
    return node !== undefined && holdsContent(node.entry, operation);
  };
  const { place, occupant } = await findConflictPlace(context, wanted, { nodeId: as.nodeId, clockMs }, holdsIt);
  const standingCopy = occupant === undefined ? undefined : await context.tree.find(occupant);
  if (standingCopy !== undefined) {
    if (as.status === 'renamed') context.aliases.set(operation.nodeId, standingCopy.entry.nodeId);
    return outcomeAt(as.status, standingCopy.entry.nodeId, place, standingCopy.entry.version);
  }
  await context.tree.put(place, toEntry(operation, as.nodeId, as.version));
  return outcomeAt(as.status, as.nodeId, place, as.version);
}
