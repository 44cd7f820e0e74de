/** `tide create NAME`: a new workspace of yours. */
import { randomBytes } from 'node:crypto';
import type { WorkspaceView } from '../../shared/core/wire/workspace.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';

export function workspaceToJson(workspace: WorkspaceView): Record<string, unknown> {
  const { workspaceId, name, mode, policy, role, seq, root, createdMs } = workspace;
  return { workspaceId, name, mode, policy, role, seq, root, created: new Date(createdMs).toISOString() };
}

export const createCommand: DefineCommand = (context) =>
  newCommand('create', 'create a workspace: one folder tree that devices share', [
    'tide create photos',
    'tide create photos --json',
  ])
    .argument('<name>', 'what to call it')
    .option(...serverOption)
    .action(async (name: string, options: ServerOption) => {
      const { api } = connect(context, options.server);
      const workspace = await api.createWorkspace(
        { token: new Uint8Array(randomBytes(16)), name, mode: 'personal', policy: 'copy', region: 'local' },
        context.signal,
      );
      context.print(options, workspaceToJson(workspace), () => [
        `Created workspace ${workspace.name} (${workspace.workspaceId}).`,
        `Next: tide link FOLDER --workspace ${JSON.stringify(workspace.name)}`,
      ]);
    });
