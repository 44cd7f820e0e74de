/**
 * `tide unlink FOLDER`: ends the link. Every file stays. The order is such that a crash leaves the folder linked, or not linked: first
 * what must be so (all is synced), then what can be repeated (the device is revoked), then the marker, and what is without meaning last.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { unlinkFolder } from '../agent/folder/control-folder.ts';
import { type HeldLock, lockFolder } from '../agent/folder/folder-lock.ts';
import { fileSystemOfLink } from '../agent/folder/mapped-file-system.ts';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { releaseReadOnly } from '../agent/folder/read-only.ts';
import { openJournal } from '../agent/journal/journal.ts';
import { readLinkState } from '../agent/journal/link-state.ts';
import { controlFolder } from '../../shared/core/paths/control-folder.ts';
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import { type FoundLink, mustFindLink, openAgent } from './agent.ts';
import { journalFile } from './begin-link.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { connect } from './connection.ts';
import { type CliContext, type OutputOptions, nameToText } from './context.ts';
import { holderToText, readHolder } from './control/holder.ts';
import { errorToText } from './errors.ts';
import { forgetLinkedFolder } from './linked-folders.ts';

interface UnlinkOptions extends OutputOptions {
  readonly keepDevice?: boolean;
  readonly force?: boolean;
}

/** Throws `halted` when something in the folder is not in the workspace, or nobody can tell. Asks no server. */
async function checkAllIsSent(context: CliContext, options: UnlinkOptions, { folder, link }: FoundLink): Promise<void> {
  const otherwise = 'sync it first, or add --force: the files stay here in any case';
  // Before the agent is opened: one without its journal would go on as a new device.
  readLinkState(journalFile(folder), link.deviceId);
  const agent = await openAgent(context, options, folder);
  try {
    await agent.engine.look(context.signal);
    const { pending, problems } = await agent.engine.status();
    const waiting = agent.journal.outbox.first() === undefined ? pending.local : Math.max(1, pending.local);
    if (waiting > 0) {
      throw new TidemarkError('halted', `${folder} has ${waiting} changes that are not in the workspace; ${otherwise}`);
    }
    const [problem] = problems;
    if (problem !== undefined) {
      const first = `${nameToText(problem.path)}: ${problem.detail}`;
      throw new TidemarkError('halted', `${problems.length} files could not be synced (${first}); ${otherwise}`);
    }
  } catch (error) {
    throw agent.explain(error);
  } finally {
    await agent.close();
  }
}

function serverOf({ folder, link }: FoundLink): string | undefined {
  try {
    return readLinkState(journalFile(folder), link.deviceId).identity.server;
  } catch {
    return undefined;
  }
}

/** Whether the device syncs no more, as far as the server is concerned. Never throws: the link ends all the same. */
async function revokeDevice(context: CliContext, options: UnlinkOptions, found: FoundLink): Promise<boolean> {
  const { deviceId } = found.link;
  try {
    await connect(context, serverOf(found)).api.revokeDevice(deviceId, context.signal);
    return true;
  } catch (error) {
    // As in a run before that was stopped.
    if (isTidemarkError(error, 'revoked')) return true;
    const later = `\`tide devices revoke ${deviceId}\` does so later`;
    context.note(options, `The device could not be revoked (${errorToText(error)}); ${later}.`);
    return false;
  }
}

/** Files that are read-only because the server was away: nobody could give that back later. Without a sound journal nothing is known of it. */
function giveBackPermissions({ folder, link }: FoundLink): void {
  const opened = openJournal(journalFile(folder), link.deviceId);
  if (opened.state !== 'ready') return;
  const { journal } = opened;
  try {
    releaseReadOnly({ fs: fileSystemOfLink(createNodeFileSystem(), folder, link), root: folder, journal });
  } finally {
    journal.close();
  }
}

/** The folder's lock. Throws `halted`, naming who has it and what to do. */
function takeFolder(folder: string): HeldLock {
  try {
    return lockFolder(folder);
  } catch (cause) {
    if (!isTidemarkError(cause, 'halted')) throw cause;
    const holder = readHolder(folder);
    const who = holder === undefined ? 'another agent' : holderToText(holder);
    const next = 'end it first: Ctrl-C, or `tide service remove FOLDER`';
    throw new TidemarkError('halted', `${folder} is in use by ${who}; ${next}`, { cause });
  }
}

async function unlink(context: CliContext, folderText: string, options: UnlinkOptions): Promise<void> {
  const found = mustFindLink(folderText);
  const { folder, link } = found;
  takeFolder(folder).release();
  if (options.force !== true) await checkAllIsSent(context, options, found);
  const held = takeFolder(folder);
  let deviceRevoked: boolean;
  let recovered: readonly string[];
  try {
    deviceRevoked = options.keepDevice === true ? false : await revokeDevice(context, options, found);
    context.signal.throwIfAborted();
    giveBackPermissions(found);
    recovered = unlinkFolder(createNodeFileSystem(), folder);
  } finally {
    held.release();
  }
  rmSync(join(folder, controlFolder), { recursive: true, force: true });
  forgetLinkedFolder(context.stateFolder, folder);
  context.print(options, { folder, ...link, deviceRevoked, recovered }, () => [
    `${folder} is linked no more. Its files stay as they are.`,
    ...(deviceRevoked ? ['This device was revoked at the server.'] : []),
    ...recovered.map((name) => `A file that was on its way to another place is now ${name}`),
  ]);
}

export const unlinkCommand: DefineCommand = (context) =>
  newCommand('unlink', 'end the link of a folder; its files stay', [
    'tide unlink ~/Photos',
    'tide unlink ~/Photos --keep-device',
    'tide unlink ~/Photos --force',
  ])
    .argument('<folder>', 'a linked folder')
    .option('--keep-device', 'do not revoke the device at the server, as where it cannot be reached')
    .option('--force', 'also when something in the folder is not in the workspace')
    .action((folder: string, options: UnlinkOptions) => unlink(context, folder, options));
