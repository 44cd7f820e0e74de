/**
 * What the answer to a commit changes here. Only the merge base moves: it becomes what this device and the server have agreed
 * on by the operation, and nothing more. What else the server did to the node (an edit that met a move, a united mode) stays a
 * remote difference, which the journal's entries bring and the next plan applies. So, by outcome:
 *
 *     applied, agreed, renamed   base := the operation's effect. Under a conflict name on the server, the name here is a
 *                                remote difference: it is renamed by the next plan
 *     copied                     the local file is the new node from now on; the old node counts as never materialised
 *     kept                       base := the operation's effect too: what the server has instead is a remote difference
 *     refused                    nothing; the next plan sees why. A ring of folders is given up like a lost move
 *
 * The version of the outcome is taken only if it is the one that this operation alone makes: else it has seen more than
 * this device, and an edit based on it would overwrite what nobody here has read.
 */
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Entry } from '../../../shared/core/tree/entry.ts';
import { type VersionVector, compareVersions, countUp } from '../../../shared/core/version-vector.ts';
import type { CommitRequest, CommitResponse, Outcome } from '../../../shared/core/wire/commit.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import type { ConflictsTable } from '../journal/conflicts-table.ts';
import type { MetaTable } from '../journal/meta-table.ts';
import type { TreesView } from '../journal/trees.ts';
import type { LocalNode } from '../model.ts';
import { holdsBytes } from '../plan/decide.ts';
import { changeRoles } from './change-roles.ts';
import { noStat } from '../journal/rows.ts';

/** What of the journal an answer is worked into. */
export interface AnsweredJournal {
  readonly trees: TreesView;
  readonly conflicts: Pick<ConflictsTable, 'add'>;
  readonly meta: Pick<MetaTable, 'seenSeq'>;
}

type PlacingOperation = Exclude<Operation, { kind: 'delete' }>;

/** What became of a commit, for the figures and for what has to be tried again. */
export interface Digested {
  readonly taken: number;
  readonly conflicts: number;
  readonly refused: readonly { readonly operation: Operation; readonly outcome: Outcome }[];
  /** New nodes that the server takes for nodes which this disk has elsewhere, with other content by now. */
  readonly stuck: readonly NodeId[];
}

/** One answer while it is worked in. `aliases`: nodes that turned out to be others; operations after them meant those. */
interface Answer {
  readonly journal: AnsweredJournal;
  readonly request: CommitRequest;
  readonly aliases: Map<NodeId, NodeId>;
  readonly stuck: NodeId[];
}

/** Works an answer into the journal. To be called in one transaction with the removal of the request from the outbox. */
export function digestAnswer(journal: AnsweredJournal, request: CommitRequest, response: CommitResponse): Digested {
  let taken = 0;
  let conflicts = 0;
  const refused: { operation: Operation; outcome: Outcome }[] = [];
  const answer: Answer = { journal, request, aliases: new Map(), stuck: [] };
  for (const [i, operation] of request.operations.entries()) {
    const outcome = response.outcomes[i];
    if (outcome === undefined) continue;
    if (outcome.status === 'refused') refused.push({ operation, outcome });
    else if (outcome.status !== 'kept') taken++;
    if (outcome.status === 'copied' || outcome.status === 'renamed') {
      conflicts++;
      journal.conflicts.add({
        nodeId: outcome.nodeId,
        of: operation.nodeId,
        name: outcome.name,
        clockMs: operation.clockMs,
      });
    }
    digestOutcome(answer, operation, outcome);
  }
  if (response.head !== null) journal.meta.seenSeq = Math.max(journal.meta.seenSeq, response.head.seq);
  return { taken, conflicts, refused, stuck: answer.stuck };
}

function digestOutcome(answer: Answer, operation: Operation, outcome: Outcome): void {
  const { trees } = answer.journal;
  if (operation.kind === 'delete') {
    if (outcome.status !== 'refused') trees.rebase(operation.nodeId, undefined);
    return;
  }
  if (outcome.status === 'refused' && outcome.reason !== 'cycle') return;
  const { nodeId } = operation;
  if (outcome.nodeId !== nodeId) {
    const twin = trees.getLocal(outcome.nodeId);
    if (twin !== undefined) return yieldToTwin(answer, operation, twin, outcome);
    trees.renameLocal(nodeId, outcome.nodeId);
    trees.rebase(nodeId, undefined);
    answer.aliases.set(nodeId, outcome.nodeId);
  }
  const before = trees.getSynced(outcome.nodeId);
  const version = agreedVersion(answer.request, before?.entry, operation, outcome);
  rebaseTo(answer, outcome.nodeId, operation, version);
}

/**
 * The server says that the node is another one, which this disk has too, elsewhere: a file moved there and copied here, a
 * folder renamed there to the name of a new one here. So this one is the same thing twice: it counts as synced and deleted
 * on the server, and what was told of its children counts as moved into the other. A file goes only while its twin has
 * the same bytes; or while it is as it was synced, and so only waits for what this one has already. Else the twin's own
 * changes come first, and this one is told again after them.
 */
function yieldToTwin(answer: Answer, operation: PlacingOperation, twin: LocalNode, outcome: Outcome): void {
  const { trees } = answer.journal;
  const entry = effectOf(operation, operation.nodeId, undefined, operation.base);
  const isNew = trees.getSynced(operation.nodeId) === undefined;
  if (!isNew || (entry !== undefined && holdsBytes(twin, entry))) {
    rebaseTo(answer, operation.nodeId, operation, operation.base);
  } else if (outcome.status === 'agreed' && !trees.isLocalChange(twin.nodeId)) {
    changeRoles(trees, operation.nodeId, twin.nodeId);
    rebaseTo(answer, twin.nodeId, { ...operation, nodeId: twin.nodeId }, outcome.version);
  } else {
    answer.stuck.push(operation.nodeId);
  }
}

/** The merge base becomes what the operation says, with the stat of the file as it is known. */
function rebaseTo(answer: Answer, nodeId: NodeId, operation: PlacingOperation, version: VersionVector): void {
  const { trees } = answer.journal;
  const before = trees.getSynced(nodeId);
  const local = trees.getLocal(nodeId);
  const entry = effectOf(operation, nodeId, before?.entry, version);
  if (entry === undefined) return;
  // An edit leaves the node where it is; a node that was nowhere comes to the place that was asked for.
  const isEdit = operation.kind === 'put' || operation.kind === 'symlink';
  const stays = isEdit && before !== undefined && trees.getRemote(nodeId) !== undefined;
  const { parentId, name } = stays ? before : operation;
  const isRead = entry.kind !== 'file' || local?.content === entry.content;
  const stat = isRead && local !== undefined ? local.stat : noStat;
  trees.rebase(nodeId, { parentId: answer.aliases.get(parentId) ?? parentId, name, entry, stat });
}

function agreedVersion(
  { deviceId }: CommitRequest,
  before: Entry | undefined,
  operation: Operation,
  { status, version }: Outcome,
): VersionVector {
  if (status === 'kept' || status === 'refused') return before?.version ?? operation.base;
  if (before === undefined) return version;
  return compareVersions(version, countUp(before.version, deviceId)) === 'equal' ? version : before.version;
}

function effectOf(
  operation: PlacingOperation,
  nodeId: NodeId,
  before: Entry | undefined,
  version: VersionVector,
): Entry | undefined {
  switch (operation.kind) {
    case 'put': {
      const { mtimeMs, mode, size, content, sha256 } = operation;
      const told = sha256 === null ? {} : { sha256 };
      return { kind: 'file', nodeId, version, mtimeMs, mode, size, content, ...told };
    }
    case 'symlink': {
      const { mtimeMs, target } = operation;
      return { kind: 'symlink', nodeId, version, mtimeMs, mode: 0, target };
    }
    case 'mkdir':
      return { kind: 'folder', nodeId, version, mtimeMs: operation.mtimeMs, mode: 0 };
    case 'move':
      return before === undefined ? undefined : { ...before, version };
  }
}
