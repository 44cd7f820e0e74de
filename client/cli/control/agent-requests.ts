/** What a running agent does with the requests of commands. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { Agent } from '../agent.ts';
import { actionsByName } from '../actions/table.ts';
import { followProgress } from './follow-progress.ts';
import { thisProcess, writeHolder } from './holder.ts';
import { AgentEnding, type ControlServer, type HandleRequest, serveControl } from './server.ts';
import { mustGetSocketPath } from './socket-path.ts';

export interface RequestRules {
  /** The command that holds the folder. */
  readonly command: string;
  /** Aborted when the agent is to end: no exclusive action is begun after that. */
  readonly signal: AbortSignal;
  /** Whether other exclusive actions may have a turn. A command that opened the folder for its own action lets none in. */
  readonly takesTurns: boolean;
  /** An exclusive action has ended, well or not. */
  readonly acted?: (name: string) => void;
}

function handleRequests(agent: Agent, rules: RequestRules): HandleRequest {
  const { signal } = rules;
  return async ({ action: name, params }, { gone, progress }) => {
    const action = actionsByName.get(name);
    if (action === undefined) {
      throw new TidemarkError(
        'unsupported',
        `the agent that runs does not know "${name}": it is of another version, start it again`,
      );
    }
    const run = async (): Promise<unknown> => {
      const stop = followProgress(agent, progress);
      try {
        // The agent's own end stops it; that the command went away does not: what was begun is finished.
        return await action.run(agent, params, { signal, progress, isAside: !action.exclusive });
      } catch (error) {
        throw signal.aborted ? new AgentEnding() : agent.explain(error);
      } finally {
        stop();
      }
    };
    if (!action.exclusive) return run();
    if (!rules.takesTurns) {
      throw new TidemarkError('halted', `tide ${rules.command} is at work on ${agent.folder}; wait until it has ended`);
    }
    const begin = (): Promise<unknown> => {
      if (signal.aborted) throw new AgentEnding();
      return run().finally(() => rules.acted?.(name));
    };
    return agent.turns.take(begin, gone);
  };
}

/**
 * Answers commands until it is closed. Resolves with undefined where there is no place for a socket: then commands are told only that
 * the folder is held.
 */
export async function serveAgent(
  agent: Agent,
  rules: RequestRules,
  env: NodeJS.ProcessEnv,
): Promise<ControlServer | undefined> {
  try {
    const server = await serveControl(mustGetSocketPath(agent.folder, env), handleRequests(agent, rules));
    writeHolder(agent.folder, { ...thisProcess(rules.command, Date.now()), socket: server.path });
    return server;
  } catch {
    return undefined;
  }
}
