/** All checks in the order in which they explain each other. None of them changes the folder or the workspace. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { type FoundLink, mustFindLink } from '../agent.ts';
import { webPubSubSockets } from '../../agent/realtime/web-pubsub-socket.ts';
import type { WatchStateName } from '../../agent/watch/watch-state.ts';
import { readLinkState } from '../../agent/journal/link-state.ts';
import { type FolderStatus, statusAction } from '../actions/status.ts';
import { journalFile } from '../begin-link.ts';
import { connect } from '../connection.ts';
import type { CliContext, OutputOptions } from '../context.ts';
import { type CredentialStore, openCredentials } from '../credentials.ts';
import { runAction } from '../run-action.ts';
import { systemTimers } from '../system-timers.ts';
import { type Checked, type Finding, fail, runCheck } from './check.ts';
import { checkEvents, checkFlush, checkFreeBytes, checkTraits } from './disk-checks.ts';
import {
  type ReadJournal,
  checkHolder,
  checkMarker,
  judgeConflicts,
  judgeJournal,
  judgeProblems,
  judgeSynced,
  readJournal,
} from './folder-checks.ts';
import { checkInotify, checkNode, checkOpenFiles, checkTls, readIfThere } from './machine-checks.ts';
import { type RealtimeQuestion, checkAgentRealtime, checkRealtime } from './realtime-check.ts';
import { checkClock, checkCredentialFile, checkLogin, checkMembership, checkServer } from './server-checks.ts';

/** From a URL to a joined group. */
const realtimeMaxMs = 10_000;
/** States of an agent that keeps no connection for the folder. */
const restingStates: ReadonlySet<WatchStateName> = new Set(['paused', 'halted', 'revoked']);
const watchesFile = '/proc/sys/fs/inotify/max_user_watches';

async function* machineChecks(): AsyncGenerator<Checked> {
  yield await runCheck('node', () => checkNode(process.versions));
  yield await runCheck('open files', () => checkOpenFiles(readIfThere('/proc/self/limits')));
}

/** The folder's own server, else the one of the last login. */
function loginOf(store: CredentialStore, found: FoundLink | undefined): ReturnType<CredentialStore['get']> {
  return store.get(found === undefined ? undefined : readServer(found));
}

function readServer({ folder, link }: FoundLink): string | undefined {
  try {
    return readLinkState(journalFile(folder), link.deviceId).identity.server;
  } catch {
    return undefined;
  }
}

/** Whether the server answered, last. */
async function* serverChecks(context: CliContext, found: FoundLink | undefined): AsyncGenerator<Checked, boolean> {
  const { signal, env, configFolder } = context;
  let login: ReturnType<CredentialStore['get']>;
  try {
    login = loginOf(openCredentials(configFolder), found);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    yield await runCheck('login', () => fail(error.message, '`tide login --server URL`'));
    return false;
  }
  const { server, credential } = login;
  yield await runCheck('credentials', () => checkCredentialFile(configFolder, process.platform));
  yield await runCheck('tls', () => checkTls(server, env));
  const reached = await runCheck('server', () => checkServer(server, signal));
  yield reached;
  if (reached.state === 'fail') return false;
  yield await runCheck('clock', () => checkClock(server, signal, () => Date.now()));
  yield await runCheck('login', () => checkLogin(connect(context, server), credential, signal));
  if (found === undefined) return true;
  const { workspaceId, deviceId } = found.link;
  const connection = connect(context, server, deviceId);
  yield await runCheck('workspace', () => checkMembership(() => connection.api.getWorkspace(workspaceId, signal)));
  return true;
}

async function* folderChecks(context: CliContext, options: OutputOptions, found: FoundLink): AsyncGenerator<Checked> {
  const { folder } = found;
  yield await runCheck('marker', () => checkMarker(found));
  let journal: ReadJournal | undefined;
  yield await runCheck('journal', async () => judgeJournal((journal = await readJournal(found))));
  yield await runCheck('agent', () => checkHolder(found));
  yield await runCheck('disk space', () => checkFreeBytes(folder));
  yield await runCheck('file system', () => checkTraits(folder));
  yield await runCheck('flush', () => checkFlush(folder, () => performance.now()));
  yield await runCheck('events', () => checkEvents(folder));
  const watches = readIfThere(watchesFile);
  const max = watches === undefined ? undefined : Number(watches);
  yield await runCheck('watches', () => checkInotify(1 + (journal?.folders ?? 0), max));
  // With a journal that is not whole, opening the folder would make it a new device: that is for a person to ask for.
  if (journal === undefined || journal.faults.length > 0) return;
  yield* contentChecks(context, options, folder);
}

async function* contentChecks(context: CliContext, options: OutputOptions, folder: string): AsyncGenerator<Checked> {
  try {
    const status = await runAction(context, options, folder, statusAction, {});
    if (status.online) yield await runCheck('realtime', () => findRealtime(context, status));
    yield await runCheck('changes', () => judgeSynced(status));
    yield await runCheck('files', () => judgeProblems(status));
    yield await runCheck('conflicts', () => judgeConflicts(status));
  } catch (error) {
    yield await runCheck('changes', () => Promise.reject(error));
  }
}

function findRealtime(context: CliContext, status: FolderStatus): Promise<Finding> {
  const { server, workspaceId, deviceId, watch } = status;
  const { api } = connect(context, server, deviceId);
  const question: RealtimeQuestion = {
    seat: { workspaceId, deviceId },
    negotiate: (seats) => api.negotiate({ seats: [...seats] }, context.signal),
  };
  if (watch !== null && !restingStates.has(watch.state.name)) return checkAgentRealtime(watch.realtime, question);
  return checkRealtime({
    ...question,
    openSocket: webPubSubSockets(systemTimers),
    patience: sleepFor(realtimeMaxMs, undefined, { ref: false }),
  });
}

/** `folderText`: undefined for the folder that the command is in, if that is a linked one. */
export async function* examine(
  context: CliContext,
  options: OutputOptions,
  folderText: string | undefined,
): AsyncGenerator<Checked> {
  const found = findLink(folderText);
  yield* machineChecks();
  yield* serverChecks(context, found);
  if (found !== undefined) yield* folderChecks(context, options, found);
}

function findLink(folderText: string | undefined): FoundLink | undefined {
  try {
    return mustFindLink(folderText ?? '.');
  } catch (error) {
    if (folderText === undefined && isTidemarkError(error, 'not-found')) return undefined;
    throw error;
  }
}
