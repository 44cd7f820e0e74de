/** `tide link FOLDER --workspace NAME`: from now on this folder is the workspace's on this device. */
import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { type Link, readLink } from '../agent/folder/control-folder.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { excludeAction } from './actions/exclude.ts';
import { readOnlyOfflineAction } from './actions/read-only-offline.ts';
import { beginLink } from './begin-link.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { nameToText } from './context.ts';
import { findWorkspace } from './find-workspace.ts';
import { noteLinkedFolder } from './linked-folders.ts';
import { runAction } from './run-action.ts';

interface LinkOptions extends ServerOption {
  readonly workspace: string;
  readonly device: string;
  readonly skipSymlinks?: boolean;
  readonly mapNames?: boolean;
  readonly exclude?: readonly string[];
  readonly readOnlyOffline?: boolean;
}

/** Paths of a workspace as people give them. */
function cleanPath(text: string): string {
  return text
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function choicesOf({ skipSymlinks, mapNames }: LinkOptions): Pick<Link, 'names' | 'symlinks'> {
  return { ...(mapNames === true && { names: 'mapped' }), ...(skipSymlinks === true && { symlinks: 'skip' }) };
}

/** With those above it. Node's own way goes on for ever where a disk takes no folders and says that there is none, such as in /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}

/** Throws `conflict` when the folder lies in a linked one: two workspaces would sync what is in it. */
function checkAbove(folder: string): void {
  const fs = createNodeFileSystem();
  for (let below = folder, above = dirname(below); above !== below; below = above, above = dirname(below)) {
    if (readLink(fs, above) === undefined) continue;
    throw new TidemarkError('conflict', `${folder} lies in ${above}, which is linked; choose a folder outside of it`);
  }
}

/** Throws `conflict` when the folder is linked otherwise than it is asked for. */
function checkLinked(folder: string, linked: Link, choices: Pick<Link, 'names' | 'symlinks'>): void {
  const isOther =
    (choices.names ?? linked.names) !== linked.names || (choices.symlinks ?? linked.symlinks) !== linked.symlinks;
  if (!isOther) return;
  throw new TidemarkError('conflict', `${folder} is linked without these options; use \`tide unlink\` first`);
}

export const linkCommand: DefineCommand = (context) =>
  newCommand('link', 'make a folder of this device the folder of a workspace', [
    'tide link ~/Photos --workspace photos',
    'tide link ~/Photos --workspace photos --device "Ann\'s laptop"',
    'tide link ~/Photos --workspace photos --exclude raw 2019/videos',
  ])
    .argument('<folder>', 'the folder; made if it is missing. What is in it is kept and merged with the workspace')
    .requiredOption('-w, --workspace <name>', 'the workspace, by name or id')
    .option('-d, --device <name>', 'what to call this device, for instance in names of conflict copies', hostname())
    .option('--skip-symlinks', 'leave symbolic links out, on both sides; they are listed')
    .option('--map-names', 'keep names that Windows cannot hold under escaped ones on this disk')
    .option(
      '--read-only-offline',
      'make files read-only while the server cannot be reached; for consistency-first workspaces',
    )
    .option('--no-read-only-offline', 'the opposite, which is the default; also for a folder that is linked already')
    .option('--exclude <paths...>', 'what this device is not to have, as paths in the workspace')
    .option(...serverOption)
    .action(async (folderText: string, options: LinkOptions) => {
      const connection = connect(context, options.server);
      const workspace = await findWorkspace(connection.api, options.workspace, context.signal);
      makeFolder(resolve(folderText));
      const folder = realpathSync(resolve(folderText));
      const linked = readLink(createNodeFileSystem(), folder);
      if (linked !== undefined && linked.workspaceId !== workspace.workspaceId) {
        throw new TidemarkError('conflict', `${folder} is linked to another workspace (${linked.workspaceId})`);
      }
      const choices = choicesOf(options);
      if (linked === undefined) checkAbove(folder);
      else checkLinked(folder, linked, choices);
      const link = linked ?? (await beginLink(context, connection, folder, workspace, options.device, choices));
      noteLinkedFolder(context.stateFolder, { folder, workspaceId: workspace.workspaceId });
      const paths = (options.exclude ?? []).map(cleanPath);
      // The link counts from here on: if a path is not there, it is excluded by hand.
      if (paths.length > 0) await runAction(context, options, folder, excludeAction, { paths, carryOut: false });
      const { readOnlyOffline } = options;
      if (readOnlyOffline !== undefined) {
        await runAction(context, options, folder, readOnlyOfflineAction, { readOnlyOffline });
      }
      const excluded = { excluded: paths };
      const data = { folder, workspace: workspace.name, ...link, alreadyLinked: linked !== undefined, ...excluded };
      context.print(options, data, () => [
        linked === undefined
          ? `Linked ${folder} to ${nameToText(workspace.name)}.`
          : `${folder} is linked to ${nameToText(workspace.name)} already.`,
        ...paths.map((path) => `Excluded on this device: ${nameToText(path)}`),
        `Next: tide sync ${JSON.stringify(folderText)}`,
      ]);
    });
