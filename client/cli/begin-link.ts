/** Links a folder: a device at the server, its keys pinned, a journal, and at last the marker that makes all of it count. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Link, linkFolder, makeControlFolder, relinkFolder } from '../agent/folder/control-folder.ts';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { type Journal, createJournal } from '../agent/journal/journal.ts';
import { pinKeys } from '../agent/journal/meta-table.ts';
import { keysInOrder } from '../sdk/signatures.ts';
import { controlFolder } from '../../shared/core/paths/control-folder.ts';
import type { WorkspaceId } from '../../shared/core/ids.ts';
import type { Connection } from './connection.ts';
import type { CliContext } from './context.ts';

export function journalFile(folder: string): string {
  return join(folder, controlFolder, 'journal.db');
}

/** A new device of the caller and its journal, which trusts the keys that the server shows now. */
async function newIncarnation(
  context: CliContext,
  { api, server, user }: Connection,
  folder: string,
  workspaceId: WorkspaceId,
  deviceName: string,
): Promise<{ readonly link: Link; readonly journal: Journal }> {
  const token = new Uint8Array(randomBytes(16));
  const { deviceId } = await api.registerDevice({ token, name: deviceName }, context.signal);
  const keys = await api.signingKeys(context.signal);
  const { sha256 } = await api.getWorkspace(workspaceId, context.signal);
  const journal = createJournal(journalFile(folder), { workspaceId, deviceId, server, user });
  pinKeys(journal.meta, keysInOrder(keys));
  journal.meta.wantsSha256 = sha256 === true;
  return { link: { workspaceId, deviceId }, journal };
}

/** Links a folder that no workspace has yet. Interrupted, it can be repeated: until the marker is there nothing counts. */
export async function beginLink(
  context: CliContext,
  connection: Connection,
  folder: string,
  workspace: { readonly workspaceId: WorkspaceId },
  deviceName: string,
  choices: Pick<Link, 'names' | 'symlinks'> = {},
): Promise<Link> {
  const fs = createNodeFileSystem();
  makeControlFolder(fs, folder);
  const begun = await newIncarnation(context, connection, folder, workspace.workspaceId, deviceName);
  begun.journal.close();
  const link = { ...begun.link, ...choices };
  linkFolder(fs, folder, link);
  return link;
}

/**
 * After the journal was lost: the folder goes on under a new device, since the old one's counters may have been given out.
 * Nothing is deleted on either side; what is equal is recognised by its content.
 */
export async function renewLink(
  context: CliContext,
  connection: Connection,
  folder: string,
  lost: Link,
  deviceName: string,
): Promise<{ readonly link: Link; readonly journal: Journal }> {
  const renewed = await newIncarnation(context, connection, folder, lost.workspaceId, deviceName);
  // What was chosen for the folder stays: with other names, what lies there would be other files.
  const link = { ...lost, ...renewed.link };
  relinkFolder(createNodeFileSystem(), folder, link);
  return { link, journal: renewed.journal };
}
