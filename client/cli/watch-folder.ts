/** The composition of the watch of one folder: agent, control socket and watcher under a loop. */
import { existsSync } from 'node:fs';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { checkControlFolder, readLink } from '../agent/folder/control-folder.ts';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { createStartWatcher } from '../agent/watch/node-watcher.ts';
import type { Channel, ChannelListener } from '../agent/realtime/channel.ts';
import { HeardUploads } from '../agent/realtime/heard-uploads.ts';
import type { LiveFolder } from '../agent/watch/live-folder.ts';
import { WatchLoop } from '../agent/watch/watch-loop.ts';
import type { WatchEvent } from '../agent/watch/watch-needs.ts';
import type { WatchTarget } from '../agent/watch/watch-target.ts';
import type { Executor } from '../agent/workers/executor.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { type Agent, isHeldElsewhere, openAgent } from './agent.ts';
import type { Connection } from './connection.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { serveAgent } from './control/agent-requests.ts';
import { readHolder } from './control/holder.ts';
import { systemTimers } from './system-timers.ts';

/** What the folders of one process share. */
export interface WatchShare {
  readonly context: CliContext;
  readonly options: OutputOptions;
  readonly executor: Executor;
  /** The channel of a server and a user: the same one for all their folders. Undefined where none is wanted. */
  readonly channelOf: (connection: Connection) => Channel | undefined;
  /** Between two questions whether the server has news; undefined for the default. */
  readonly pollMs: number | undefined;
}

/** Between two looks at a folder that a command has for a moment, in milliseconds. */
const heldLookMs = 250;

/** Opens a folder, and waits while a command has it that is soon over. Throws `halted` when another `tide watch` has it. */
export async function openForWatch({ context, options, executor }: WatchShare, folder: string): Promise<Agent> {
  // What is above it may be linked too: that is another folder.
  if (existsSync(folder) && readLink(createNodeFileSystem(), folder) === undefined) {
    throw new TidemarkError('halted', `${folder} is not a linked folder (any more): is its disk mounted?`);
  }
  for (let isTold = false; ; isTold = true) {
    try {
      return await openAgent(context, options, folder, { command: 'watch', executor });
    } catch (error) {
      const holder = isHeldElsewhere(error) ? readHolder(folder) : undefined;
      if (!isHeldElsewhere(error) || holder?.command === 'watch') throw error;
      if (!isTold && holder?.command === 'sync')
        context.note(options, `${folder}: waiting until tide ${holder.command} has ended`);
      await sleepFor(heldLookMs, undefined, { signal: context.signal });
    }
  }
}

async function agentToTarget(agent: Agent, live: LiveFolder, share: WatchShare): Promise<WatchTarget> {
  const { context } = share;
  const { engine, journal, folder, link, turns, connection } = agent;
  const rules = { command: 'watch', signal: context.signal, takesTurns: true, acted: () => live.wake() };
  const uploads = new HeardUploads(systemTimers);
  const server = await serveAgent({ ...agent, live, uploads }, rules, context.env);
  const fs = createNodeFileSystem();
  const channel = share.channelOf(connection);
  return {
    root: folder,
    workspaceId: link.workspaceId,
    deviceId: link.deviceId,
    turns,
    sync: (signal, options) => engine.sync(signal, options),
    status: () => engine.status(),
    hasNews: async (signal) => {
      checkControlFolder(fs, folder, link);
      const { seq } = journal.meta.head;
      return (await connection.api.changes(link.workspaceId, seq, signal)).headSeq > seq;
    },
    followedSeq: () => journal.meta.head.seq,
    ...(channel === undefined
      ? {}
      : { join: (listener: ChannelListener) => channel.join(link, uploads.beside(listener)) }),
    onProgress: agent.onProgress,
    onUpload: agent.onUpload,
    getPause: () => {
      try {
        return journal.meta.pause;
      } catch (error) {
        throw agent.explain(error);
      }
    },
    clearPause: () => (journal.meta.pause = undefined),
    explain: (error) => agent.explain(error),
    close: async () => {
      await server?.close();
      // After whoever still has a turn.
      await turns.take(() => agent.close());
    },
  };
}

/** `first`: the agent, if the folder was opened already. */
export function watchFolder(
  share: WatchShare,
  folder: string,
  first: Agent | undefined,
  tell: (event: WatchEvent) => void,
): WatchLoop {
  let opened = first;
  const loop: WatchLoop = new WatchLoop({
    timers: systemTimers,
    open: async () => {
      const agent = opened ?? (await openForWatch(share, folder));
      opened = undefined;
      return agentToTarget(agent, loop, share);
    },
    startWatcher: createStartWatcher(),
    tell,
    ...(share.pollMs === undefined ? {} : { pollMs: share.pollMs }),
  });
  return loop;
}
