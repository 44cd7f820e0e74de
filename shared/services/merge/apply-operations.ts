/** Applies the operations of one commit to the tree in order: the rules of convergence, one file for each kind. */
import { TidemarkError } from '../../core/errors.ts';
import { rootNodeId } from '../../core/ids.ts';
import type { Outcome } from '../../core/wire/commit.ts';
import type { Operation } from '../../core/wire/operation.ts';
import { applyContent } from './apply-content.ts';
import { applyDelete } from './apply-delete.ts';
import { applyMkdir } from './apply-mkdir.ts';
import { applyMove } from './apply-move.ts';
import type { MergeContext } from './merge-context.ts';
import { prefetchOperations } from './prefetch.ts';

/**
 * What becomes of each operation. The tree of the context has the changes afterwards; nothing is stored.
 *
 * The same operations on the same tree give the same outcomes: no clock, no chance, no order but theirs.
 * @throws TidemarkError `stale-base` in a consistency-first workspace when an operation met what its author had not seen.
 */
export async function applyOperations(context: MergeContext, operations: readonly Operation[]): Promise<Outcome[]> {
  await prefetchOperations(context.tree, operations);
  const outcomes: Outcome[] = [];
  for (const [index, operation] of operations.entries()) {
    const outcome = await applyOperation(context, operation, index);
    if (context.mode === 'shared' && isConflict(outcome)) throw await staleBase(context, operation, outcome, index);
    outcomes.push(outcome);
  }
  return outcomes;
}

/** Throws `malformed` when an operation is about the root folder, which has no entry, or a link has no target. */
export function checkOperations(operations: readonly Operation[]): void {
  for (const [index, operation] of operations.entries()) {
    if (operation.nodeId === rootNodeId) {
      throw new TidemarkError('malformed', 'the root folder is always there and cannot be changed', {
        data: { index },
      });
    }
    if (operation.kind === 'symlink' && (operation.target === '' || operation.target.includes('\0'))) {
      throw new TidemarkError('malformed', 'a symlink needs a target without NUL', { data: { index } });
    }
    if (operation.kind === 'put' && (operation.mode & ~0o111) !== 0) {
      throw new TidemarkError('malformed', 'mode has only executable bits', { data: { index } });
    }
  }
}

function applyOperation(context: MergeContext, operation: Operation, index: number): Promise<Outcome> {
  switch (operation.kind) {
    case 'put':
    case 'symlink':
      return applyContent(context, operation, index);
    case 'mkdir':
      return applyMkdir(context, operation);
    case 'move':
      return applyMove(context, operation);
    case 'delete':
      return applyDelete(context, operation);
  }
}

/** Refusals that a rebase would not change are not conflicts: the name, the depth, or a folder into itself. */
const ownFault: ReadonlySet<Outcome['reason']> = new Set(['bad-name', 'too-deep', 'cycle']);

function isConflict({ status, reason }: Outcome): boolean {
  if (status === 'refused') return !ownFault.has(reason);
  return status === 'copied' || status === 'renamed' || status === 'kept';
}

/** The refusal of a whole commit, with the entry that its author has to take into account as the map has it. */
async function staleBase(
  context: MergeContext,
  operation: Operation,
  outcome: Outcome,
  index: number,
): Promise<TidemarkError> {
  const before = await context.tree.entryBefore(operation.nodeId);
  return new TidemarkError('stale-base', 'the workspace has changed: take the changes, then commit again', {
    data: {
      index,
      operation: operation.kind,
      nodeId: operation.nodeId,
      headSeq: context.headSeq,
      wouldBe: outcome.status,
      reason: outcome.reason,
      kind: before?.kind ?? null,
      content: before?.kind === 'file' ? before.content : null,
      version: (before?.version ?? []).map(([device, counter]) => `${device}:${counter}`),
    },
  });
}
