/** What agents do, in lines for the trace. Ids are cut short: they tell nodes apart, no more. */
import type { CarryOutInput, CarryOutOutput } from '../../client/agent/folder/carry-out.ts';
import type { TaskInput, TaskName, TaskOutput } from '../../client/agent/workers/executor.ts';
import type { NodeId } from '../../shared/core/ids.ts';
import type { CommitRequest, CommitResponse } from '../../shared/core/wire/commit.ts';

/** Nodes of one scan have their first bytes in common, those of two devices often their last. */
function short(nodeId: NodeId): string {
  return nodeId.slice(0, 2) + nodeId.slice(-2);
}

export function linesOfTask<Name extends TaskName>(
  name: Name,
  input: TaskInput<Name>,
  output: TaskOutput<Name>,
): string[] {
  // The name says which task this is; the compiler cannot follow.
  return name === 'carryOut' ? linesOfSteps(input as CarryOutInput, output as CarryOutOutput) : [];
}

function linesOfSteps({ steps }: CarryOutInput, { results }: CarryOutOutput): string[] {
  return results.map((result, i) => {
    const { action } = steps[i]!;
    const from = action.kind === 'move' ? `${action.from} to ` : '';
    const outcome = 'problem' in result ? `${result.problem.code}: ${result.problem.detail}` : 'done';
    return `${action.kind} ${short(action.nodeId)} ${from}${action.path}: ${outcome}`;
  });
}

export function linesOfRequest({ operations }: CommitRequest): string[] {
  return operations.map((operation) => {
    const at = operation.kind === 'delete' ? '' : ` ${short(operation.parentId)}/${operation.name}`;
    return `asks ${operation.kind} ${short(operation.nodeId)}${at}`;
  });
}

export function linesOfCommit({ operations }: CommitRequest, { outcomes, head }: CommitResponse): string[] {
  const lines = operations.map((operation, i) => {
    const { kind, nodeId } = operation;
    const outcome = outcomes[i];
    const asked = operation.kind === 'delete' ? '' : ` ${short(operation.parentId)}/${operation.name}`;
    const other = outcome === undefined || outcome.nodeId === nodeId ? '' : ` as ${short(outcome.nodeId)}`;
    const there = outcome === undefined ? '' : ` ${short(outcome.parentId)}/${outcome.name}`;
    return `${kind} ${short(nodeId)}${asked}: ${outcome?.status}${other}${there} ${outcome?.reason ?? ''}`;
  });
  return [...lines, `committed as ${head?.seq}`];
}
