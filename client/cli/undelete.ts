/** `tide undelete [WORKSPACE]`: brings a deleted workspace back; without a name it lists those that can be had back. */
import { TidemarkError } from '../../shared/core/errors.ts';
import { limits } from '../../shared/core/limits.ts';
import type { WorkspaceView } from '../../shared/core/wire/workspace.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { emphasise, nameToText, tableToLines } from './context.ts';
import { workspaceToJson } from './create.ts';

function purgedAfter({ deletedMs }: WorkspaceView): string {
  return new Date((deletedMs ?? 0) + limits.deletedWorkspaceSeconds * 1_000).toISOString();
}

function findDeleted(deleted: readonly WorkspaceView[], text: string): WorkspaceView {
  const found = deleted.filter(({ name, workspaceId }) => name === text || workspaceId === text);
  if (found.length === 1) return found[0]!;
  const ids = found.map(({ workspaceId }) => workspaceId).join(', ');
  throw found.length === 0
    ? new TidemarkError(
        'not-found',
        `you own no deleted workspace "${text}"; \`tide undelete\` lists those that can be had back`,
      )
    : new TidemarkError('conflict', `several deleted workspaces are called "${text}"; name one by its id: ${ids}`);
}

export const undeleteCommand: DefineCommand = (context) =>
  newCommand('undelete', 'bring a deleted workspace back, or list those that can be', [
    'tide undelete',
    'tide undelete photos',
  ])
    .argument('[workspace]', 'by name or id')
    .option(...serverOption)
    .action(async (text: string | undefined, options: ServerOption) => {
      const { api } = connect(context, options.server);
      const deleted = (await api.listDeletedToo(context.signal)).filter(({ deletedMs }) => deletedMs !== null);
      if (text === undefined) {
        const items = deleted.map((each) => ({ ...workspaceToJson(each), purgedAfter: purgedAfter(each) }));
        context.print(options, { deleted: items }, () => {
          if (deleted.length === 0) return ['No workspace of yours is deleted.'];
          const rows = deleted.map((each) => [nameToText(each.name), purgedAfter(each).slice(0, 10), each.workspaceId]);
          return tableToLines([['NAME', 'GONE AFTER', 'ID'].map(emphasise), ...rows]);
        });
        return;
      }
      const { workspaceId, version } = findDeleted(deleted, text);
      const workspace = await api.patchWorkspace(workspaceId, { deleted: false }, version, context.signal);
      context.print(options, workspaceToJson(workspace), () => [`${nameToText(workspace.name)} is back.`]);
    });
