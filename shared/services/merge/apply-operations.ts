/** Applies the operations of one commit to the tree in order: the rules of convergence, one file for each kind. */
import { TidemarkError } from '../../core/errors.ts';
import { rootNodeId } from '../../core/ids.ts';
import type { Outcome } from '../../core/wire/commit.ts';
import type { Operation, PutOperation } from '../../core/wire/operation.ts';
import { applyContent } from './apply-content.ts';
import { applyDelete } from './apply-delete.ts';
import { applyMkdir } from './apply-mkdir.ts';
import { applyMove } from './apply-move.ts';
import type { MergeContext } from './merge-context.ts';
import { prefetchOperations } from './prefetch.ts';
import { StaleBase } from './stale-base.ts';

/**
 * What becomes of each operation. The tree of the context has the changes afterwards; nothing is stored.
 *
 * The same operations on the same tree give the same outcomes: no clock, no chance, no order but theirs.
 * @throws TidemarkError `stale-base` in a consistency-first workspace when an operation met what its author had not seen; all
 * operations are tried before, so that it tells of every one that did.
 */
export async function applyOperations(context: MergeContext, operations: readonly Operation[]): Promise<Outcome[]> {
  await prefetchOperations(context.tree, operations);
  const outcomes: Outcome[] = [];
  const stale = new StaleBase(context);
  for (const [index, operation] of operations.entries()) {
    const outcome = await applyOperation(context, operation, index);
    if (context.mode === 'shared' && isConflict(outcome)) await stale.note(operation, outcome, index);
    outcomes.push(outcome);
  }
  stale.throwIfAny();
  return outcomes;
}

/** SHA-256 of no bytes. */
const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * Throws `malformed` when an operation is about the root folder, which has no entry, a link has no target, or a file has not the
 * SHA-256 that the workspace wants with it, or the empty file a wrong one.
 */
export function checkOperations(operations: readonly Operation[], workspace: { readonly sha256: boolean }): void {
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
    if (operation.kind === 'put') checkSha256(operation, workspace, index);
  }
}

function checkSha256({ size, sha256 }: PutOperation, workspace: { readonly sha256: boolean }, index: number): void {
  if (sha256 === null && workspace.sha256) {
    throw new TidemarkError(
      'malformed',
      'this workspace wants the SHA-256 of each file: send it as sha256 of the put',
      {
        data: { index, field: 'sha256' },
      },
    );
  }
  if (sha256 !== null && size === 0 && sha256 !== emptySha256) {
    throw new TidemarkError('malformed', 'this is not the SHA-256 of an empty file', {
      data: { index, field: 'sha256' },
    });
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
