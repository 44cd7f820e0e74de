/** `tide policy WORKSPACE`: how a workspace settles conflicts, and how to change that. */
import type { WorkspaceView } from '../../shared/core/wire/workspace.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { type ConflictOptions, modeOption, parseConflictOptions, policyOption } from './conflict-options.ts';
import { connect } from './connection.ts';
import { nameToText } from './context.ts';
import { workspaceToJson } from './create.ts';
import { findWorkspace } from './find-workspace.ts';

type PolicyOptions = ServerOption & ConflictOptions;

const policies = {
  copy: 'the later of two edits of one file becomes a conflict copy beside it',
  latest: 'the later of two edits of one file stands; the other is in its history',
  merge:
    'two edits of one text or JSON file are merged where they fit together, else the later becomes a conflict copy',
} as const;

const modes = {
  personal: 'a device always gets through, whatever it has not seen yet',
  shared: 'a device commits only on what it has seen, and settles conflicts itself before that',
} as const;

function toLines({ name, mode, policy }: WorkspaceView): string[] {
  return [`${nameToText(name)}: mode ${mode}, policy ${policy}`, `  ${modes[mode]};`, `  ${policies[policy]}.`];
}

export const policyCommand: DefineCommand = (context) =>
  newCommand('policy', 'show or set how a workspace settles conflicts', [
    'tide policy notes',
    'tide policy notes --policy merge',
    'tide policy plans --mode shared --policy copy',
  ])
    .argument('<workspace>', 'by name or id')
    .option(...modeOption)
    .option(...policyOption)
    .option(...serverOption)
    .action(async (text: string, options: PolicyOptions) => {
      const { mode, policy } = parseConflictOptions(options);
      const { api } = connect(context, options.server);
      const found = await findWorkspace(api, text, context.signal);
      const change = { ...(mode === undefined ? {} : { mode }), ...(policy === undefined ? {} : { policy }) };
      const workspace =
        Object.keys(change).length === 0
          ? found
          : await api.patchWorkspace(found.workspaceId, change, found.version, context.signal);
      context.print(options, workspaceToJson(workspace), () => toLines(workspace));
    });
