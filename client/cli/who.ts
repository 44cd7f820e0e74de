/** `tide who [FOLDER]`: which devices are in a workspace, and what they are doing. */
import { uploadsAction } from './actions/uploads.ts';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import type { CliContext } from './context.ts';
import { presenceToTable, toShownDevices } from './presence-lines.ts';
import { askWho } from './present.ts';
import { askAside } from './run-action.ts';
import { type Shown, intervalOption, showAgain } from './show-again.ts';
import { usageError } from './usage-error.ts';
import { type WorkspaceOption, type WorkspaceTarget, openWorkspace, workspaceOption } from './workspace-target.ts';

interface WhoOptions extends WorkspaceOption {
  readonly watch?: boolean;
  readonly interval: string;
}

async function look({ connection, workspace, linked }: WorkspaceTarget, context: CliContext): Promise<Shown> {
  const { workspaceId, name } = workspace;
  const [devices, uploads] = await Promise.all([
    askWho(() => connection.api.listPresence(workspaceId, context.signal)),
    linked === undefined ? undefined : askAside(context, linked.folder, uploadsAction),
  ]);
  const shown = toShownDevices(devices, linked?.link.deviceId, uploads);
  return { data: { workspaceId, name, devices: shown }, lines: () => presenceToTable(shown) };
}

async function runWho(context: CliContext, folder: string | undefined, options: WhoOptions): Promise<void> {
  if (folder !== undefined && options.workspace !== undefined) {
    throw usageError('name a folder or a workspace, not both');
  }
  const target = await openWorkspace(context, options, folder);
  if (options.watch === true) return showAgain(context, options, () => look(target, context));
  const { data, lines } = await look(target, context);
  context.print(options, data, lines);
}

export const whoCommand: DefineCommand = (context) =>
  newCommand('who', 'show which devices are in a workspace, and what they are doing', [
    'tide who ~/Photos',
    'tide who --workspace photos --watch',
    'tide who ~/Photos --json | jq \'.devices[] | select(.state != "offline").name\'',
  ])
    .argument('[folder]', 'a linked folder (default: the one you are in)')
    .option(...workspaceOption)
    .option('--watch', 'again and again; where standard output is no terminal, a line of JSON for each change')
    .option(...intervalOption)
    .option(...serverOption)
    .action((folder: string | undefined, options: WhoOptions) => runWho(context, folder, options));
