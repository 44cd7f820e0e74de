/** `tide watch [FOLDER…]`: keeps folders in sync until it is stopped; in the foreground, as services run. */
import { RetryBudget } from '../sdk/retry-budget.ts';
import { type Agent, mustFindLink } from './agent.ts';
import { bwlimitOption, withBandwidthOption } from './bwlimit-option.ts';
import { type DefineCommand, newCommand } from './command.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { createWorkerPool } from '../agent/workers/worker-pool.ts';
import type { WatchLoop } from '../agent/watch/watch-loop.ts';
import { createChannels } from './realtime.ts';
import { RealtimeLog } from './realtime-log.ts';
import { systemTimers } from './system-timers.ts';
import { type WatchShare, openForWatch, watchFolder } from './watch-folder.ts';
import { WatchLog, type WriteLine, createWriter } from './watch-log.ts';
import { readWatchList } from './watch-list.ts';
import { metricsToText, writeMetrics } from './watch-metrics.ts';
import { usageError } from './usage-error.ts';

interface WatchOptions extends OutputOptions {
  readonly bwlimit?: string;
  readonly metricsFile?: string;
  readonly poll?: string;
  readonly realtime: boolean;
}

/** Between two writings of the file of figures, in milliseconds. */
const metricsMs = 15_000;

interface WatchedFolder {
  readonly folder: string;
  readonly loop: WatchLoop;
}

function parsePoll(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (seconds >= 1 && seconds <= 3_600) return seconds * 1_000;
  throw usageError(`--poll is a number of seconds from 1 to 3600, not "${text}"`);
}

/** Folders that were named must be there, linked and free; those of the list may come later. */
async function openNamed(share: WatchShare, names: readonly string[]): Promise<Map<string, Agent>> {
  const agents = new Map<string, Agent>();
  try {
    for (const folder of new Set(names.map((name) => mustFindLink(name).folder))) {
      agents.set(folder, await openForWatch(share, folder));
    }
    return agents;
  } catch (error) {
    for (const agent of agents.values()) await agent.close();
    throw error;
  }
}

/** Returns how to stop; then the file is written a last time. */
function writeMetricsRegularly(file: string, watched: readonly WatchedFolder[], write: WriteLine): () => void {
  let isTold = false;
  const put = (): void => {
    try {
      writeMetrics(file, metricsToText(watched.map(({ folder, loop }) => ({ folder, view: loop.view() }))));
      isTold = false;
    } catch (error) {
      if (!isTold) write('warn', { event: 'metrics', file }, `${file} cannot be written: ${String(error)}`);
      isTold = true;
    }
  };
  put();
  const timer = setInterval(put, metricsMs);
  return () => {
    clearInterval(timer);
    put();
  };
}

async function runWatch(context: CliContext, names: readonly string[], options: WatchOptions): Promise<void> {
  const listed = names.length > 0 ? [] : readWatchList(context.configFolder);
  if (names.length + listed.length === 0) {
    throw usageError(
      'no folder was named and none is on the list; use `tide watch FOLDER` or `tide service install FOLDER`',
    );
  }
  const pollMs = parsePoll(options.poll);
  const write = createWriter(context.env, options);
  const shared = { ...withBandwidthOption(context, options), retryBudget: new RetryBudget() };
  const channels = createChannels(shared, systemTimers, (server) => {
    const log = new RealtimeLog(server, write);
    return (note) => log.tell(note);
  });
  const executor = createWorkerPool();
  const channelOf: WatchShare['channelOf'] = options.realtime
    ? (connection) => channels.of(connection)
    : () => undefined;
  const share = { context: shared, options, executor, channelOf, pollMs };
  // A fault of ours must not end the watch of the other folders.
  const surprise = (reason: unknown): void =>
    write('error', { event: 'fault' }, `a fault of ours, please report it: ${String(reason)}`);
  process.on('unhandledRejection', surprise);
  try {
    const agents = await openNamed(share, names);
    const folders = names.length > 0 ? [...agents.keys()] : listed;
    const watched = folders.map((folder) => {
      const log = new WatchLog(folder, write);
      return { folder, loop: watchFolder(share, folder, agents.get(folder), (event) => log.tell(event)) };
    });
    const endMetrics =
      options.metricsFile === undefined ? undefined : writeMetricsRegularly(options.metricsFile, watched, write);
    await Promise.all(watched.map(({ loop }) => loop.run(context.signal)));
    endMetrics?.();
  } finally {
    await channels.close();
    process.off('unhandledRejection', surprise);
    await executor.close();
  }
}

export const watchCommand: DefineCommand = (context) =>
  newCommand('watch', 'keep folders in sync until this is stopped', [
    'tide watch ~/Photos ~/Notes',
    'tide watch ~/Photos --bwlimit "08:00,512K 18:00,10M 23:00,off"',
    'tide watch ~/Photos --json 2>> tide.log',
    'tide watch ~/Photos --no-realtime --poll 60',
  ])
    .argument('[folders...]', 'linked folders; without any, those of `tide service install`')
    .option(...bwlimitOption)
    .option(
      '--poll <seconds>',
      'how often to ask the server for changes, 1 to 3600 (default: 30, and 600 while the server tells of them)',
    )
    .option('--no-realtime', 'ask the server only, do not let it tell of changes; others do not see this device')
    .option('--metrics-file <file>', 'write figures for Prometheus to this file every 15 seconds')
    .action((names: string[], options: WatchOptions) => runWatch(context, names, options));
