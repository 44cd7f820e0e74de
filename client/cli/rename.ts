/** `tide rename WORKSPACE NEW`: another name for a workspace, for all its members. */
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { nameToText } from './context.ts';
import { workspaceToJson } from './create.ts';
import { findWorkspace } from './find-workspace.ts';

export const renameCommand: DefineCommand = (context) =>
  newCommand('rename', 'give a workspace another name; folders stay where and as they are', [
    'tide rename photos "Photos of 2026"',
  ])
    .argument('<workspace>', 'by name or id')
    .argument('<name>', 'what to call it from now on')
    .option(...serverOption)
    .action(async (text: string, name: string, options: ServerOption) => {
      const { api } = connect(context, options.server);
      const { workspaceId, name: before, version } = await findWorkspace(api, text, context.signal);
      const workspace = await api.patchWorkspace(workspaceId, { name }, version, context.signal);
      context.print(options, workspaceToJson(workspace), () => [
        `${nameToText(before)} is called ${nameToText(workspace.name)} now.`,
      ]);
    });
