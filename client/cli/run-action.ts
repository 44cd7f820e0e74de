/**
 * Runs an action where the folder's agent is: in the process that holds the folder's lock if it listens (`tide watch`, or a sync by
 * hand), else in this one. The lock decides. Who holds it may end between two looks, so looking goes on for a while.
 */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { ProgressEvent } from '../agent/engine/report.ts';
import { type Agent, isHeldElsewhere, mustFindLink, openAgent } from './agent.ts';
import type { ActionControl, AgentAction } from './actions/action.ts';
import type { Traffic } from './connection.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { serveAgent } from './control/agent-requests.ts';
import { askAgent } from './control/client.ts';
import { followProgress } from './control/follow-progress.ts';
import { readHolder } from './control/holder.ts';

type ShowProgress = ActionControl['progress'];

/** Between two looks at a folder whose holder does not answer, in milliseconds: most commands hold it for less. */
const lookMs = 100;
/** Looks, after which a holder that does not listen counts as one that stays. */
const looksMax = 30;

/**
 * As the action; besides, what opening the folder throws: `not-found` when it is not linked, `halted` when it is not there or another
 * agent has it that does not answer.
 */
export async function runAction<Params, Result>(
  context: CliContext,
  options: OutputOptions,
  folderText: string,
  action: AgentAction<Params, Result>,
  params: Params,
  progress: ShowProgress = () => undefined,
): Promise<Result> {
  for (let looks = 1; ; looks++) {
    let agent: Agent;
    try {
      agent = await openAgent(context, options, folderText, { command: action.name });
    } catch (error) {
      if (!isHeldElsewhere(error)) throw error;
      const answer = await askHolder(context, folderText, action.name, params, progress);
      // What comes back is the result of the very same action, of the same user's agent.
      if (answer.state === 'answered') return answer.result as Result;
      if (looks >= looksMax) throw error;
      await sleepFor(lookMs, undefined, { signal: context.signal });
      continue;
    }
    return runHere(context, agent, action, params, progress);
  }
}

/** How long an agent is waited for with what is beside the point. */
const asideMaxMs = 1_000;

/**
 * Asks the agent that has the folder, if one does, and answers soon. Undefined where none does; and where it does not answer, or does not know
 * the action: it may be of another version. Throws nothing but the reason of the context's signal.
 */
export async function askAside<Result>(
  context: CliContext,
  folder: string,
  action: AgentAction<Readonly<Record<string, never>>, Result>,
): Promise<Result | undefined> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(asideMaxMs)]);
  try {
    const answer = await askHolder({ signal }, folder, action.name, {}, () => undefined);
    return answer.state === 'answered' ? (answer.result as Result) : undefined;
  } catch {
    context.signal.throwIfAborted();
    return undefined;
  }
}

async function askHolder(
  { signal }: Pick<CliContext, 'signal'>,
  folderText: string,
  name: string,
  params: unknown,
  progress: ShowProgress,
): ReturnType<typeof askAgent> {
  const socket = readHolder(mustFindLink(folderText).folder)?.socket;
  if (socket == null) return { state: 'gone' };
  return askAgent(socket, name, params, {
    signal,
    progress: (event, traffic) => progress(event as ProgressEvent, traffic as Traffic),
  });
}

async function runHere<Params, Result>(
  context: CliContext,
  agent: Agent,
  action: AgentAction<Params, Result>,
  params: Params,
  progress: ShowProgress,
): Promise<Result> {
  const { signal, env } = context;
  const rules = { command: action.name, signal, takesTurns: false };
  // What is over in a moment is not worth a socket.
  const server = action.exclusive === false ? undefined : await serveAgent(agent, rules, env);
  const endProgress = followProgress(agent, progress);
  try {
    return await agent.turns.take(() => action.run(agent, params, { signal, progress }));
  } catch (error) {
    throw agent.explain(error);
  } finally {
    endProgress();
    await server?.close();
    await agent.close();
  }
}
