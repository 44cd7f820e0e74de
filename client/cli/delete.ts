/** `tide delete WORKSPACE`: away for everybody, and for a while to be had back. */
import { limits } from '../../shared/core/limits.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { type ConfirmOptions, confirm, yesOption } from './confirm.ts';
import { connect } from './connection.ts';
import { nameToText } from './context.ts';
import { findWorkspace } from './find-workspace.ts';

export const undoDays: number = limits.deletedWorkspaceSeconds / 86_400;

export const deleteCommand: DefineCommand = (context) =>
  newCommand('delete', `delete a workspace; for ${undoDays} days \`tide undelete\` brings it back`, [
    'tide delete photos',
    'tide delete photos --yes --json',
  ])
    .argument('<workspace>', 'by name or id')
    .option(...yesOption)
    .option(...serverOption)
    .action(async (text: string, options: ServerOption & ConfirmOptions) => {
      const { api } = connect(context, options.server);
      const { workspaceId, name, version, files } = await findWorkspace(api, text, context.signal);
      const what = files === null ? nameToText(name) : `${nameToText(name)} (${files} files)`;
      await confirm(context, options, `Delete ${what} for everybody? It can be had back for ${undoDays} days.`);
      // Of the version that was shown: not one that has become something else while the question stood there.
      const { deletedMs } = await api.deleteWorkspace(workspaceId, version, context.signal);
      const deleted = deletedMs ?? Date.now();
      const until = new Date(deleted + limits.deletedWorkspaceSeconds * 1_000).toISOString();
      const data = { workspaceId, name, deleted: new Date(deleted).toISOString(), purgedAfter: until };
      context.print(options, data, () => [
        `Deleted ${nameToText(name)}. The files in linked folders stay where they are.`,
        `Until ${until.slice(0, 10)}: tide undelete ${workspaceId}`,
      ]);
    });
