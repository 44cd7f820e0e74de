/** `tide create NAME`: a new workspace of yours. */
import { randomBytes } from 'node:crypto';
import type { WorkspaceView } from '../../shared/core/wire/workspace.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { type ConflictOptions, modeOption, parseConflictOptions, policyOption } from './conflict-options.ts';
import { connect } from './connection.ts';

interface CreateOptions extends ServerOption, ConflictOptions {
  readonly sha256?: boolean;
}

export function workspaceToJson(workspace: WorkspaceView): Record<string, unknown> {
  const { workspaceId, name, mode, policy, role, seq, root, createdMs, sha256 } = workspace;
  return {
    workspaceId,
    name,
    mode,
    policy,
    role,
    seq,
    root,
    sha256: sha256 === true,
    created: new Date(createdMs).toISOString(),
  };
}

export const createCommand: DefineCommand = (context) =>
  newCommand('create', 'create a workspace: one folder tree that devices share', [
    'tide create photos',
    'tide create photos --json',
    'tide create notes --policy merge',
    'tide create plans --mode shared',
    'tide create evidence --sha256',
  ])
    .argument('<name>', 'what to call it')
    .option(...serverOption)
    .option(...modeOption)
    .option(...policyOption)
    .option('--sha256', 'keep the SHA-256 of each file beside its hash, for those who know files by it elsewhere')
    .action(async (name: string, options: CreateOptions) => {
      const { mode = 'personal', policy = 'copy' } = parseConflictOptions(options);
      const { api } = connect(context, options.server);
      const workspace = await api.createWorkspace(
        {
          token: new Uint8Array(randomBytes(16)),
          name,
          mode,
          policy,
          region: 'local',
          sha256: options.sha256 === true,
        },
        context.signal,
      );
      context.print(options, workspaceToJson(workspace), () => [
        `Created workspace ${workspace.name} (${workspace.workspaceId}).`,
        `Next: tide link FOLDER --workspace ${JSON.stringify(workspace.name)}`,
      ]);
    });
