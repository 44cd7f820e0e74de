/** `tide link FOLDER --workspace NAME`: from now on this folder is the workspace's on this device. */
import { mkdirSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { createNodeFileSystem } from '../agent/folder/node-file-system.ts';
import { readLink } from '../agent/folder/control-folder.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { beginLink } from './begin-link.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { findWorkspace } from './find-workspace.ts';

interface LinkOptions extends ServerOption {
  readonly workspace: string;
  readonly device: string;
}

export const linkCommand: DefineCommand = (context) =>
  newCommand('link', 'make a folder of this device the folder of a workspace', [
    'tide link ~/Photos --workspace photos',
    'tide link ~/Photos --workspace photos --device "Ann\'s laptop"',
  ])
    .argument('<folder>', 'the folder; made if it is missing. What is in it is kept and merged with the workspace')
    .requiredOption('-w, --workspace <name>', 'the workspace, by name or id')
    .option('-d, --device <name>', 'what to call this device, for instance in names of conflict copies', hostname())
    .option(...serverOption)
    .action(async (folderText: string, options: LinkOptions) => {
      const connection = connect(context, options.server);
      const workspace = await findWorkspace(connection.api, options.workspace, context.signal);
      mkdirSync(resolve(folderText), { recursive: true });
      const folder = realpathSync(resolve(folderText));
      const linked = readLink(createNodeFileSystem(), folder);
      if (linked !== undefined && linked.workspaceId !== workspace.workspaceId) {
        throw new TidemarkError('conflict', `${folder} is linked to another workspace (${linked.workspaceId})`);
      }
      const link = linked ?? (await beginLink(context, connection, folder, workspace, options.device));
      const data = { folder, workspace: workspace.name, ...link, alreadyLinked: linked !== undefined };
      context.print(options, data, () => [
        linked === undefined
          ? `Linked ${folder} to ${workspace.name}.`
          : `${folder} is linked to ${workspace.name} already.`,
        `Next: tide sync ${JSON.stringify(folderText)}`,
      ]);
    });
