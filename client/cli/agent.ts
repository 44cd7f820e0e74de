/** The composition of the agent for one linked folder: journal, folder, transfer and engine over this machine and the network. */
import { existsSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { type Engine, createEngine } from '../agent/engine/engine.ts';
import type { ProgressEvent } from '../agent/engine/report.ts';
import { type Link, readLink } from '../agent/folder/control-folder.ts';
import { lockFolder } from '../agent/folder/folder-lock.ts';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { createSyncedFolder } from '../agent/folder/synced-folder.ts';
import { isJournalDamage } from '../agent/journal/database.ts';
import { type Journal, openJournal } from '../agent/journal/journal.ts';
import { createTransferCount } from '../agent/transfer/services.ts';
import { createTransfer } from '../agent/transfer/transfer.ts';
import { createWorkerPool } from '../agent/workers/worker-pool.ts';
import { createSignatureVerifier } from '../sdk/signatures.ts';
import { installNativeBlake3 } from '../../shared/adapters/node/native-blake3.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { systemRandomness } from '../../shared/adapters/node/system-randomness.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { silentLog } from '../../shared/ports/log.ts';
import { journalFile, renewLink } from './begin-link.ts';
import { type Connection, connect } from './connection.ts';
import { type CliContext, type OutputOptions } from './context.ts';

export interface Agent {
  readonly folder: string;
  readonly link: Link;
  readonly connection: Connection;
  readonly engine: Engine;
  readonly journal: Journal;
  /** The error to show for one that was caught. Damage of the journal is noted: closing sets it aside. */
  explain(error: unknown): unknown;
  close(): Promise<void>;
}

/** The folder as one path, and its link. Throws `not-found`, saying what to do, when it is not linked. */
export function mustFindLink(folderText: string): { readonly folder: string; readonly link: Link } {
  const path = resolve(folderText);
  if (!existsSync(path)) throw new TidemarkError('halted', `${path} does not exist: is its disk mounted?`);
  const folder = realpathSync(path);
  const link = readLink(createNodeFileSystem(), folder);
  if (link === undefined) {
    throw new TidemarkError(
      'not-found',
      `${folder} is not linked; use \`tide link ${folderText} --workspace NAME\`. If it was linked: is its disk mounted?`,
    );
  }
  return { folder, link };
}

interface OpenedLink {
  readonly link: Link;
  readonly journal: Journal;
  readonly connection: Connection;
}

async function openLink(context: CliContext, options: OutputOptions, folder: string, link: Link): Promise<OpenedLink> {
  const opened = openJournal(journalFile(folder), link.deviceId);
  if (opened.state === 'ready') {
    const server = opened.journal.meta.getIdentity()?.server;
    return { link, journal: opened.journal, connection: connect(context, server) };
  }
  const connection = connect(context);
  const what =
    opened.state === 'lost' && opened.reason === 'copied' ? 'is a copy of another folder' : 'lost its journal';
  context.note(options, `${folder} ${what}; it goes on as a new device. Nothing is deleted.`);
  return { ...(await renewLink(context, connection, folder, link, hostname())), connection };
}

/** Opens everything and takes the folder's lock. Throws `halted` when another agent has it. Close it in any case. */
export async function openAgent(
  context: CliContext,
  options: OutputOptions,
  folderText: string,
  progress: (event: ProgressEvent) => void,
): Promise<Agent> {
  await installNativeBlake3();
  const { folder, link: found } = mustFindLink(folderText);
  // Before the journal: nobody else may be using it, or setting it aside.
  const held = lockFolder(folder);
  const { link, journal, connection } = await openLink(context, options, folder, found).catch((error: unknown) => {
    held.release();
    throw error;
  });
  const executor = createWorkerPool();
  const { api, blobs } = connection;
  const setting = { api, blobs, executor, ...link, root: folder, count: createTransferCount() };
  const fs = createNodeFileSystem();
  const randomness = systemRandomness;
  const syncedFolder = createSyncedFolder({
    fs,
    executor,
    root: folder,
    link,
    transfer: setting,
    randomness,
  });
  const engine = createEngine({
    journal,
    folder: syncedFolder,
    transfer: createTransfer(setting),
    api,
    verifier: createSignatureVerifier(new Map(journal.meta.pinnedKeys.map((key) => [key.keyId, key.publicKey]))),
    clock: systemClock,
    randomness,
    log: silentLog,
    progress,
  });
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
    await executor.close();
    if (isDamaged) journal.giveUp();
    else journal.close();
    held.release();
  };
  try {
    await syncedFolder.open();
  } catch (error) {
    await close();
    throw error;
  }
  return { folder, link, connection, engine, journal, explain, close };
}
