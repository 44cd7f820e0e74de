/** `tide list`: the workspaces you are a member of. */
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { emphasise, nameToText, tableToLines } from './context.ts';
import { workspaceToJson } from './create.ts';

export const listCommand: DefineCommand = (context) =>
  newCommand('list', 'list your workspaces', ['tide list', 'tide list --json'])
    .option(...serverOption)
    .action(async (options: ServerOption) => {
      const workspaces = await connect(context, options.server).api.listWorkspaces(context.signal);
      context.print(options, { workspaces: workspaces.map(workspaceToJson) }, () => {
        if (workspaces.length === 0) return ['No workspaces yet. Make one: tide create NAME'];
        const rows = workspaces.map((each) => [nameToText(each.name), each.role, `seq ${each.seq}`, each.workspaceId]);
        return tableToLines([['NAME', 'ROLE', 'HEAD', 'ID'].map(emphasise), ...rows]);
      });
    });
