/** The composition of the agent for one linked folder: journal, folder, transfer and engine over this machine and the network. */
import { existsSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { dirname, resolve } from 'node:path';
import { type Engine, createEngine } from '../agent/engine/engine.ts';
import type { ProgressEvent } from '../agent/engine/report.ts';
import { withReadOnlyOffline } from '../agent/engine/read-only-offline.ts';
import { type Link, readLink } from '../agent/folder/control-folder.ts';
import { type HeldLock, lockFolder } from '../agent/folder/folder-lock.ts';
import { fileSystemOfLink } from '../agent/folder/mapped-file-system.ts';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { createSyncedFolder } from '../agent/folder/synced-folder.ts';
import { isJournalDamage } from '../agent/journal/database.ts';
import { type Journal, openJournal } from '../agent/journal/journal.ts';
import type { Folder } from '../agent/ports.ts';
import { createTransferBuffers } from '../agent/transfer/buffers.ts';
import type { TransferProgress } from '../agent/transfer/moved-bytes.ts';
import { createTransferCount } from '../agent/transfer/services.ts';
import { createTransfer } from '../agent/transfer/transfer.ts';
import type { HeardUploads } from '../agent/realtime/heard-uploads.ts';
import type { LiveFolder } from '../agent/watch/live-folder.ts';
import { Turns } from '../agent/watch/turns.ts';
import type { Executor } from '../agent/workers/executor.ts';
import { executorOfLink } from '../agent/workers/mapped-executor.ts';
import { createWorkerPool } from '../agent/workers/worker-pool.ts';
import { verifySignature } from '../sdk/signatures.ts';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { systemRandomness } from '../../shared/adapters/node/system-randomness.ts';
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import type { SessionId } from '../../shared/core/ids.ts';
import { silentLog } from '../../shared/ports/log.ts';
import { journalFile, renewLink } from './begin-link.ts';
import { type Connection, connect } from './connection.ts';
import { holderToText, readHolder, removeHolder, thisProcess, writeHolder } from './control/holder.ts';
import { type CliContext, type OutputOptions } from './context.ts';
import { createTraceLog } from './trace-log.ts';

export interface Agent {
  readonly folder: string;
  readonly link: Link;
  readonly connection: Connection;
  readonly engine: Engine;
  /** For changes of the disk that a person asked for. */
  readonly syncedFolder: Folder;
  readonly journal: Journal;
  /** Whoever changes the folder or its journal has a turn: its own syncs, and actions. */
  readonly turns: Turns;
  /** What goes on by itself; undefined in a command that opened the folder for one action. */
  readonly live?: LiveFolder;
  /** What other devices tell of their uploads; undefined where nothing is listened to. */
  readonly uploads?: HeardUploads;
  /** Called with each step of what the engine does; returns how to stop that. */
  readonly onProgress: (listener: (event: ProgressEvent) => void) => () => void;
  /** Called with how many percent of an upload session have arrived; returns how to stop that. */
  readonly onUpload: (listener: (sessionId: SessionId, percent: number) => void) => () => void;
  /** The error to show for one that was caught. Damage of the journal is noted: closing sets it aside. */
  explain(error: unknown): unknown;
  close(): Promise<void>;
}

export interface AgentParts {
  /** The command that holds the folder, for those that it refuses. */
  readonly command?: string;
  /** Shared by the folders of one process, and closed by whoever made it. */
  readonly executor?: Executor;
}

export interface FoundLink {
  /** The root of the linked folder. */
  readonly folder: string;
  readonly link: Link;
}

/** The linked folder that a path is, or lies in. Throws `not-found`, saying what to do, when there is none. */
export function mustFindLink(pathText: string): FoundLink {
  const path = resolve(pathText);
  if (!existsSync(path)) throw new TidemarkError('halted', `${path} does not exist: is its disk mounted?`);
  const start = realpathSync(path);
  const fs = createNodeFileSystem();
  for (let folder = start, above = dirname(folder); ; folder = above, above = dirname(folder)) {
    const link = readLink(fs, folder);
    if (link !== undefined) return { folder, link };
    if (above === folder) break;
  }
  throw new TidemarkError(
    'not-found',
    `${start} is not in a linked folder; use \`tide link ${pathText} --workspace NAME\`. If it was linked: is its disk mounted?`,
  );
}

interface OpenedLink {
  readonly link: Link;
  readonly journal: Journal;
  readonly connection: Connection;
}

async function openLink(context: CliContext, options: OutputOptions, folder: string, link: Link): Promise<OpenedLink> {
  const opened = openJournal(journalFile(folder), link.deviceId);
  if (opened.state === 'ready') {
    const { meta } = opened.journal;
    const server = meta.getIdentity()?.server;
    return { link, journal: opened.journal, connection: connect(context, server, link.deviceId, meta.sessionToken) };
  }
  const connection = connect(context);
  const what =
    opened.state === 'lost' && opened.reason === 'copied' ? 'is a copy of another folder' : 'lost its journal';
  context.note(options, `${folder} ${what}; it goes on as a new device. Nothing is deleted.`);
  const renewed = await renewLink(context, connection, folder, link, hostname());
  return { ...renewed, connection: connect(context, connection.server, renewed.link.deviceId) };
}

/** Throws `halted` with `held: true` when another agent has the folder, and says which. */
function holdFolder(folder: string, command: string): HeldLock {
  try {
    const held = lockFolder(folder);
    writeHolder(folder, thisProcess(command, systemClock.now()));
    return held;
  } catch (cause) {
    if (!isHeldElsewhere(cause)) throw cause;
    const holder = readHolder(folder);
    const who = holder === undefined ? '' : `: ${holderToText(holder)}`;
    throw new TidemarkError('halted', `another Tidemark agent is running on ${folder}${who}`, {
      data: { held: true },
      cause,
    });
  }
}

/** Whether opening a folder failed because another agent has it. */
export function isHeldElsewhere(error: unknown): boolean {
  return isTidemarkError(error, 'halted') && error.data['held'] === true;
}

/** Opens everything and takes the folder's lock. Throws `halted` when another agent has it. Close it in any case. */
export async function openAgent(
  context: CliContext,
  options: OutputOptions,
  folderText: string,
  parts: AgentParts = {},
): Promise<Agent> {
  await installNativeBlake3();
  const { folder, link: found } = mustFindLink(folderText);
  // Before the journal: nobody else may be using it, or setting it aside.
  const held = holdFolder(folder, parts.command ?? 'agent');
  const { link, journal, connection } = await openLink(context, options, folder, found).catch((error: unknown) => {
    removeHolder(folder);
    held.release();
    throw error;
  });
  const executor = executorOfLink(parts.executor ?? createWorkerPool(), folder, link);
  const { api, blobs } = connection;
  const listeners = new Set<(event: ProgressEvent) => void>();
  const uploadListeners = new Set<(sessionId: SessionId, percent: number) => void>();
  let lastStep: ProgressEvent = { phase: 'idle', done: 0, total: 0, bytes: 0 };
  const tell = (event: ProgressEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const setting = {
    api,
    blobs,
    executor,
    ...link,
    root: folder,
    buffers: createTransferBuffers(),
    count: createTransferCount(),
    progress: ({ bytes, bytesTotal, file }: TransferProgress) =>
      tell({ ...lastStep, bytes, bytesTotal, ...(file === null ? {} : { file }) }),
    sessionProgress: (sessionId: SessionId, percent: number) => {
      for (const listener of uploadListeners) listener(sessionId, percent);
    },
  };
  const fs = fileSystemOfLink(createNodeFileSystem(), folder, link);
  const randomness = systemRandomness;
  const syncedFolder = createSyncedFolder({
    fs,
    executor,
    root: folder,
    link,
    transfer: setting,
    randomness,
    wantsSha256: journal.meta.wantsSha256,
    symlinks: link.symlinks ?? 'sync',
  });
  const bareEngine = createEngine({
    journal,
    folder: syncedFolder,
    transfer: createTransfer(setting),
    api,
    verify: verifySignature,
    clock: systemClock,
    randomness,
    sleep: (ms, until) => sleepFor(ms, undefined, { signal: until }),
    log: context.trace === undefined ? silentLog : createTraceLog(context.trace),
    progress: (event) => {
      lastStep = event;
      tell(event);
    },
  });
  const engine = withReadOnlyOffline(bareEngine, { fs, root: folder, journal }, (until) =>
    api.getWorkspace(link.workspaceId, until),
  );
  const onProgress: Agent['onProgress'] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const onUpload: Agent['onUpload'] = (listener) => {
    uploadListeners.add(listener);
    return () => uploadListeners.delete(listener);
  };
  let isDamaged = false;
  const explain = (error: unknown): unknown => {
    if (!isJournalDamage(error)) return error;
    isDamaged = true;
    const next = 'run this again: the folder goes on as a new device, and nothing is deleted';
    return new TidemarkError('corrupt', `the journal of ${folder} is damaged and was set aside; ${next}`, {
      cause: error,
    });
  };
  const close = async () => {
    await syncedFolder.close();
    if (parts.executor === undefined) await executor.close();
    if (isDamaged) {
      journal.giveUp();
    } else {
      journal.meta.sessionToken = connection.session.token;
      journal.close();
    }
    removeHolder(folder);
    held.release();
  };
  try {
    await syncedFolder.open();
  } catch (error) {
    await close();
    throw error;
  }
  const turns = new Turns();
  return { folder, link, connection, engine, syncedFolder, journal, turns, onProgress, onUpload, explain, close };
}
