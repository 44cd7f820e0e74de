/**
 * Task: the last step of an application. Each action checks that what it replaces or removes is still what was expected, and does
 * one atomic call; folders are flushed once for all. Whatever is found otherwise is left alone and reported.
 *
 * At every moment each path holds its whole old or its whole new content: files come by rename from the control folder,
 * already flushed there, and nothing is moved aside first.
 */
import type { StatMark } from '../model.ts';
import type { ApplyAction, Problem } from '../ports.ts';
import type { Tools } from '../workers/tasks.ts';
import { Applier, type OwnChange, type Step } from './applier.ts';
import { Blocked, errorToProblem, fileErrorCode } from './file-problem.ts';

export interface CarryOutInput {
  readonly root: string;
  readonly steps: readonly Step[];
  /** Of earlier calls for the same plan. */
  readonly own: readonly OwnChange[];
  readonly unmade: readonly Problem[];
}

export type StepResult = { readonly stat: StatMark | null } | { readonly problem: Problem };

export interface CarryOutOutput {
  /** By place in the input; fewer when the disk ran full, which the last one says then. */
  readonly results: readonly StepResult[];
  readonly own: readonly OwnChange[];
  /** Folders that could not be made or brought where they belong: another one at the path is not theirs. */
  readonly unmade: readonly Problem[];
}

/** The folder of this path, or one above it, that is not there, though something else may answer to its name. */
function unmadeAbove(unmade: readonly Problem[], path: string): Problem | undefined {
  return unmade.find((folder) => path.startsWith(`${folder.path}/`));
}

function isFolderAction(action: ApplyAction): boolean {
  return action.kind === 'make-folder' || (action.kind === 'move' && action.what === 'folder');
}

/** A result for each step, up to one that found the disk full. Adds to `unmade`. */
function carryOutSteps(applier: Applier, steps: readonly Step[], unmade: Problem[]): StepResult[] {
  const results: StepResult[] = [];
  for (const step of steps) {
    const { action, temp } = step;
    try {
      const above = unmadeAbove(unmade, action.path);
      if (above !== undefined) throw new Blocked(`its folder is not there: ${above.detail}`, blockedAs(above));
      results.push({ stat: applier.carryOut(step) });
    } catch (error) {
      const problem = errorToProblem(action.path, error);
      results.push({ problem });
      if (temp !== null) applier.discard(temp);
      if (isFolderAction(action)) unmade.push(problem);
      if (problem.code === 'full') break;
    }
  }
  return results;
}

function blockedAs({ code }: Problem): Blocked['as'] {
  return code === 'name' || code === 'alias' ? code : 'blocked';
}

/** When the flush fails, nothing of the batch counts as done: the next scan tells what is there. */
export function carryOut({ fs }: Tools, input: CarryOutInput): CarryOutOutput {
  const applier = new Applier(fs, input);
  const unmade = [...input.unmade];
  try {
    const results = carryOutSteps(applier, input.steps, unmade);
    for (const { temp } of input.steps.slice(results.length)) if (temp !== null) applier.discard(temp);
    try {
      applier.flush();
    } catch (error) {
      if (fileErrorCode(error) === undefined && !(error instanceof Blocked)) throw error;
      const doubtful = results.map((result, i) => undurable(result, input.steps[i]!, error));
      return { results: doubtful, own: applier.own, unmade };
    }
    return { results, own: applier.own, unmade };
  } finally {
    applier.close();
  }
}

function undurable(result: StepResult, { action }: Step, error: unknown): StepResult {
  if ('problem' in result) return result;
  const detail = `done, but not known to be on the disk: ${error instanceof Error ? error.message : String(error)}`;
  return { problem: { path: action.path, code: 'unreadable', detail } };
}
