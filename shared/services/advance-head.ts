/**
 * One atomic step of a workspace from its head to the next one: steps 3 and 4 of a commit (commit.ts), for whoever has
 * operations to apply. They are given, or planned anew for each head that they meet.
 *
 * Up to the transaction nothing refers to what was stored, so a crash leaves only what is content-addressed and harmless. A lost
 * race starts again on the new head; what won in between made progress, so somebody always does.
 */
import { TidemarkError } from '../core/errors.ts';
import type { UserId } from '../core/ids.ts';
import { limits } from '../core/limits.ts';
import { mapApply } from '../core/merkle/map-apply.ts';
import type { NodeSource } from '../core/merkle/node-source.ts';
import { deriveMapEdits } from '../core/tree/derive-edits.ts';
import { tallyAfter } from '../core/tree/tally.ts';
import type { Outcome, SignedHead } from '../core/wire/commit.ts';
import type { Operation } from '../core/wire/operation.ts';
import type { WorkspaceMode } from '../core/wire/workspace.ts';
import type { DeviceRecord, Head, WorkspaceRecord } from '../ports/metadata-store.ts';
import type { Needs } from './dependencies.ts';
import { mustGetHead } from './must-get-head.ts';
import { applyOperations } from './merge/apply-operations.ts';
import { serverTimeMs } from './server-time.ts';
import { entryToRecord, entryToSignedHead, readSignedHead, signEntry } from './signed-heads.ts';
import { type AnsweredRequest, answerRecord, findAnswer } from './stored-answer.ts';
import { checkQuota, countTree } from './tree-tally.ts';
import { TreeView } from './tree-view.ts';
import { workspaceNodes } from './workspace-nodes.ts';

export type AdvanceNeeds = Needs<'metadata' | 'blobs' | 'signer' | 'clock' | 'log'>;

/** What shall happen to one head, and how it is told. */
export interface PlannedStep<Answer> {
  readonly operations: readonly Operation[];
  /** `head` is the signed head afterwards, as it was if nothing changed; null in a workspace without history. */
  readonly answer: (head: SignedHead | null, outcomes: readonly Outcome[]) => Answer;
}

export interface Advance<Answer> {
  readonly workspace: WorkspaceRecord;
  readonly device: DeviceRecord;
  readonly userId: UserId;
  readonly request: AnsweredRequest<Answer>;
  /** By whose rules operations meet what their author had not seen: the workspace's own mode, as a rule. */
  readonly mode: WorkspaceMode;
  /** Called for each head that is tried. */
  plan(head: Head, nodes: NodeSource): PlannedStep<Answer> | Promise<PlannedStep<Answer>>;
}

/**
 * @throws TidemarkError what `plan` and the rules of the operations throw; `quota-exceeded`; `busy` after `commitAttemptsMax` lost races. After
 * any of them nothing was committed.
 */
export async function advanceHead<Answer>(deps: AdvanceNeeds, advance: Advance<Answer>): Promise<Answer> {
  const { workspaceId } = advance.workspace;
  const nodes = workspaceNodes(deps, workspaceId);
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt++) {
    const answer = await tryToAdvance(deps, advance, nodes);
    if (answer !== undefined) return answer;
    const { requestId } = advance.request;
    deps.log.debug({ workspaceId, requestId, attempt }, 'a commit lost its race and is done again');
  }
  throw new TidemarkError('busy', 'many commits at once: send the same commit again', {
    data: { attempts: limits.commitAttemptsMax },
  });
}

/** Once. Undefined when another commit came first. */
async function tryToAdvance<Answer>(
  deps: AdvanceNeeds,
  advance: Advance<Answer>,
  nodes: NodeSource,
): Promise<Answer | undefined> {
  const { workspace, device, userId, mode, request } = advance;
  const { workspaceId } = workspace;
  const head = await mustGetHead(deps, workspaceId);
  const { operations, answer: toAnswer } = await advance.plan(head, nodes);
  const tree = new TreeView(nodes, head.root);
  const { deviceId, name: deviceName } = device;
  const { requestId } = request;
  const rules = { mode, policy: workspace.policy, deviceId, deviceName, requestId };
  const outcomes = await applyOperations({ tree, ...rules, headSeq: head.seq, aliases: new Map() }, operations);
  const { edits, before } = tree.pendingEdits();
  if (edits.length === 0) {
    return recordAnswer(deps, advance, toAnswer(await readSignedHead(deps, workspaceId, head), outcomes));
  }
  const tallyBefore = head.tally ?? (await countTree(nodes, head.root));
  const tally = tallyAfter(tallyBefore, edits, before);
  checkQuota(workspace.quota, tallyBefore, tally);
  const { root, nodes: added } = await mapApply(nodes, head.root, deriveMapEdits(edits, before));
  await deps.metadata.objects.putObjects(workspaceId, 'node', added);
  const timeMs = Math.max(serverTimeMs(deps.clock), head.timeMs);
  const entry = await signEntry(deps, workspaceId, head, { root, timeMs, userId, deviceId, requestId, edits });
  const record = await entryToRecord(deps, workspaceId, entry);
  const answer = toAnswer(entryToSignedHead(entry), outcomes);
  const result = await deps.metadata.journal.append(workspaceId, {
    expected: head,
    next: { seq: entry.seq, root, chain: entry.chain, timeMs, tally },
    record,
    request: answerRecord(deps, request, answer),
  });
  if (result === 'lost-race') return undefined;
  if (result === 'request-exists') return mustFindAnswer(deps, advance);
  deps.log.info({ workspaceId, seq: entry.seq, operations: operations.length, edits: edits.length }, 'committed');
  return answer;
}

/** The answer of a request that changed nothing is stored too, so that a replay after other commits still gets it. */
async function recordAnswer<Answer>(deps: AdvanceNeeds, advance: Advance<Answer>, answer: Answer): Promise<Answer> {
  const { workspace, request } = advance;
  const record = answerRecord(deps, request, answer);
  const result = await deps.metadata.journal.recordRequest(workspace.workspaceId, record);
  return result === 'recorded' ? answer : mustFindAnswer(deps, advance);
}

/** The same request ran twice at once and the other run was first. */
async function mustFindAnswer<Answer>(deps: AdvanceNeeds, { workspace, request }: Advance<Answer>): Promise<Answer> {
  const answer = await findAnswer(deps, workspace.workspaceId, request);
  if (answer === undefined) {
    throw new TidemarkError('busy', 'the same request is being answered: ask again', {
      data: { requestId: request.requestId },
    });
  }
  return answer;
}
