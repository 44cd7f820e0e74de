/** Which workspace a command is about: the one it names, else that of the linked folder it is in. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';
import type { WorkspaceView } from '../../shared/core/wire/workspace.ts';
import { type LinkState, readLinkState } from '../agent/journal/link-state.ts';
import { type FoundLink, mustFindLink } from './agent.ts';
import { journalFile } from './begin-link.ts';
import type { ServerOption } from './command.ts';
import { type Connection, connect } from './connection.ts';
import type { CliContext } from './context.ts';
import { findWorkspace } from './find-workspace.ts';

export const workspaceOption = [
  '-w, --workspace <name>',
  'the workspace, by name or id (default: that of the linked folder you are in)',
] as const;

export interface WorkspaceOption extends ServerOption {
  readonly workspace?: string;
}

export interface LinkedFolder extends FoundLink {
  readonly state: LinkState;
}

export interface WorkspaceTarget {
  readonly connection: Connection;
  readonly workspace: WorkspaceView;
  /** The folder of this workspace that the command is in; its journal says which keys are trusted. */
  readonly linked: LinkedFolder | undefined;
}

function findLinkAt(pathText: string): LinkedFolder {
  const found = mustFindLink(pathText);
  return { ...found, state: readLinkState(journalFile(found.folder), found.link.deviceId) };
}

/** Undefined where there is no linked folder; and where its journal cannot be read, which is told: the keys in it are missed. */
function getLinkHere(context: CliContext, options: WorkspaceOption): LinkedFolder | undefined {
  try {
    return findLinkAt('.');
  } catch (error) {
    if (isTidemarkError(error, 'halted')) context.note(options, `${error.message}. Going on without it.`);
    else if (!isTidemarkError(error, 'not-found')) throw error;
    return undefined;
  }
}

/**
 * Throws `not-found` when no workspace is named and `pathText` is in no linked folder, or when there is none of that name.
 * @param pathText an existing path
 */
export async function openWorkspace(
  context: CliContext,
  options: WorkspaceOption,
  pathText = '.',
): Promise<WorkspaceTarget> {
  if (options.workspace !== undefined) {
    const connection = connect(context, options.server);
    const workspace = await findWorkspace(connection.api, options.workspace, context.signal);
    const here = getLinkHere(context, options);
    return { connection, workspace, linked: here?.link.workspaceId === workspace.workspaceId ? here : undefined };
  }
  const linked = mustFindWorkspaceAt(pathText);
  const { server } = linked.state.identity;
  const { deviceId, workspaceId } = linked.link;
  const connection = connect(context, server, deviceId, linked.state.sessionToken);
  return { connection, workspace: await connection.api.getWorkspace(workspaceId, context.signal), linked };
}

function mustFindWorkspaceAt(pathText: string): LinkedFolder {
  try {
    return findLinkAt(pathText);
  } catch (cause) {
    if (!isTidemarkError(cause, 'not-found')) throw cause;
    const place = resolve(pathText);
    throw new TidemarkError(
      'not-found',
      `which workspace? ${place} is in no linked folder; name it with --workspace NAME (\`tide list\` shows yours)`,
      { cause },
    );
  }
}

export interface PathTarget extends WorkspaceTarget {
  /** In the workspace; empty for its root. */
  readonly path: string;
}

/**
 * A workspace and a path in it. With `--workspace` the text is that path; without, it is a path of this disk, which need not exist any
 * more, in a linked folder.
 */
export async function openPath(context: CliContext, options: WorkspaceOption, pathText: string): Promise<PathTarget> {
  if (options.workspace !== undefined) {
    return { ...(await openWorkspace(context, options)), path: cleanPath(pathText) };
  }
  const { existing, rest } = splitExisting(resolve(pathText));
  const target = await openWorkspace(context, options, existing);
  return { ...target, path: pathInFolder(target.linked!.folder, existing, rest) };
}

/** `a//b/./c/` as `a/b/c`. */
export function cleanPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/**
 * The deepest folder of a path that is there, and the names below it. A link in a linked folder is what is synced, not what it leads to;
 * any other link is followed, so that a linked folder can be reached by one.
 */
function splitExisting(path: string): { readonly existing: string; readonly rest: readonly string[] } {
  const rest: string[] = [];
  let existing = path;
  const isItself = isFolder(path) && !(isLink(path) && isInLinkedFolder(dirname(path)));
  while (dirname(existing) !== existing && (rest.length === 0 ? !isItself : !isFolder(existing))) {
    rest.unshift(basename(existing));
    existing = dirname(existing);
  }
  return { existing, rest };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function isInLinkedFolder(path: string): boolean {
  try {
    mustFindLink(path);
    return true;
  } catch (error) {
    if (isTidemarkError(error, 'not-found')) return false;
    throw error;
  }
}

function pathInFolder(folder: string, existing: string, rest: readonly string[]): string {
  const inside = relative(folder, realpathSync(existing));
  return [...inside.split(sep), ...rest].filter((name) => name !== '').join('/');
}
