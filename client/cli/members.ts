/** `tide members list|set|remove`: who is in a workspace, and as what. */
import { TidemarkError } from '../../shared/core/errors.ts';
import type { MemberList, WorkspaceRole } from '../../shared/core/wire/workspace.ts';
import { Command, Option } from 'commander';
import { type DefineCommand, addDefaultCommand, newCommand, serverOption } from './command.ts';
import { type ConfirmOptions, confirm, yesOption } from './confirm.ts';
import { type CliContext, emphasise, nameToText, tableToLines } from './context.ts';
import { openCredentials } from './credentials.ts';
import { textToUserId, userIdOf } from './user-id.ts';
import { type WorkspaceOption, type WorkspaceTarget, openWorkspace } from './workspace-target.ts';

const roles = ['owner', 'editor', 'viewer'] as const satisfies readonly WorkspaceRole[];

export function roleOption(): Option {
  const meaning = 'owner: changes members and settings; editor: changes files; viewer: reads';
  return new Option('-r, --role <role>', `${meaning} (default: editor, or the role they have)`).choices(roles);
}

interface RoleOption extends WorkspaceOption {
  readonly role?: WorkspaceRole;
}

function printMembers(context: CliContext, options: WorkspaceOption, target: WorkspaceTarget, list: MemberList): void {
  const { workspaceId, name } = target.workspace;
  context.print(options, { workspaceId, name, members: list.members }, () =>
    tableToLines([
      ['ROLE', 'USER'].map(emphasise),
      ...list.members.map(({ userId, role }) => [role, nameToText(userId)]),
    ]),
  );
}

const listMembers: DefineCommand = (context) =>
  newCommand('list', 'list who is in a workspace', ['tide members photos', 'tide members list photos --json'])
    .argument('[workspace]', 'by name or id (default: that of the linked folder you are in)')
    .option(...serverOption)
    .action(async (workspace: string | undefined, options: WorkspaceOption) => {
      const target = await openWorkspace(context, { ...options, ...(workspace === undefined ? {} : { workspace }) });
      const list = await target.connection.api.listMembers(target.workspace.workspaceId, context.signal);
      printMembers(context, options, target, list);
    });

/** Gives a user a role in a workspace, whether they are in it already or not. */
export function defineSetMember(context: CliContext, usage: string, summary: string, examples: string[]): Command {
  return newCommand(usage, summary, examples)
    .argument('<workspace>', 'by name or id')
    .argument('<user>', "a user of your own identity provider, or a whole id as `tide whoami` shows it: 'host|name'")
    .addOption(roleOption())
    .option(...serverOption)
    .action(async (workspace: string, user: string, options: RoleOption) => {
      const target = await openWorkspace(context, { ...options, workspace });
      const { server, api } = target.connection;
      const userId = textToUserId(user, openCredentials(context.configFolder).get(server).credential);
      const { workspaceId, name } = target.workspace;
      const { members } = await api.listMembers(workspaceId, context.signal);
      // Sharing again what is shared takes nobody a role that they have.
      const role = options.role ?? members.find((member) => member.userId === userId)?.role ?? 'editor';
      const list = await api.putMember(workspaceId, { userId, role }, null, context.signal);
      context.note(options, `${nameToText(userId)} is ${role} of ${nameToText(name)}.`);
      printMembers(context, options, target, list);
    });
}

const setMember: DefineCommand = (context) =>
  defineSetMember(context, 'set', 'take somebody in, or give them another role', [
    'tide members set photos bob --role viewer',
    "tide members set photos 'login.example.com|bob' --role owner",
  ]);

const removeMember: DefineCommand = (context) =>
  newCommand('remove', 'take somebody, or yourself, out of a workspace', [
    'tide members remove photos bob',
    'tide members remove photos bob --yes',
  ])
    .argument('<workspace>', 'by name or id')
    .argument('<user>', 'as for set')
    .option(...yesOption)
    .option(...serverOption)
    .action(async (workspace: string, user: string, options: WorkspaceOption & ConfirmOptions) => {
      const target = await openWorkspace(context, { ...options, workspace });
      const { server, api } = target.connection;
      const mine = openCredentials(context.configFolder).get(server).credential;
      const userId = textToUserId(user, mine);
      const { workspaceId, name } = target.workspace;
      const isMe = userId === userIdOf(mine);
      const { members } = await api.listMembers(workspaceId, context.signal);
      if (!members.some((member) => member.userId === userId)) {
        throw new TidemarkError('not-found', `${nameToText(userId)} is not in ${nameToText(name)}`);
      }
      const whom = isMe ? 'yourself' : nameToText(userId);
      await confirm(
        context,
        options,
        `Take ${whom} out of ${nameToText(name)}? What is on their devices stays there, and syncs no more.`,
      );
      const list = await api.removeMember(workspaceId, userId, null, context.signal);
      context.note(options, `${nameToText(userId)} is not in ${nameToText(name)} any more.`);
      printMembers(context, options, target, list);
    });

export const membersCommand: DefineCommand = (context) =>
  addDefaultCommand(new Command('members').description('who is in a workspace, and as what'), listMembers(context))
    .addCommand(setMember(context))
    .addCommand(removeMember(context));
