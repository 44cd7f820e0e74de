/** Every action by its name: what a running agent can be asked for. */
import type { Agent } from '../agent.ts';
import type { ActionControl, AgentAction } from './action.ts';
import { conflictsAction } from './conflicts.ts';
import { excludeAction } from './exclude.ts';
import { excludedAction } from './excluded.ts';
import { ignoreRulesAction } from './ignore-rules.ts';
import { ignoreAction } from './ignore.ts';
import { includeAction } from './include.ts';
import { metricsAction } from './metrics.ts';
import { pauseAction } from './pause.ts';
import { planAction } from './plan.ts';
import { readOnlyOfflineAction } from './read-only-offline.ts';
import { resolveConflictsAction } from './resolve-conflicts.ts';
import { resumeAction } from './resume.ts';
import { statusAction } from './status.ts';
import { syncAction } from './sync.ts';
import { uploadsAction } from './uploads.ts';
import { verifyAction } from './verify.ts';
import { whyIgnoredAction } from './why-ignored.ts';

export interface UnparsedAction {
  readonly exclusive: boolean;
  /** Parses the parameters and runs the action. The result is JSON. */
  readonly run: (agent: Agent, params: unknown, control: ActionControl) => Promise<unknown>;
}

function entry<Params, Result>(action: AgentAction<Params, Result>): readonly [string, UnparsedAction] {
  const run: UnparsedAction['run'] = async (agent, params, control) => action.run(agent, action.parse(params), control);
  return [action.name, { exclusive: action.exclusive ?? true, run }];
}

export const actionsByName: ReadonlyMap<string, UnparsedAction> = new Map([
  entry(conflictsAction),
  entry(excludeAction),
  entry(excludedAction),
  entry(ignoreAction),
  entry(ignoreRulesAction),
  entry(includeAction),
  entry(metricsAction),
  entry(pauseAction),
  entry(planAction),
  entry(readOnlyOfflineAction),
  entry(resolveConflictsAction),
  entry(resumeAction),
  entry(statusAction),
  entry(syncAction),
  entry(uploadsAction),
  entry(verifyAction),
  entry(whyIgnoredAction),
]);
