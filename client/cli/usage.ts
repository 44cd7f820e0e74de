/** `tide usage [WORKSPACE]`: how much a workspace holds, and how much it may. */
import type { WorkspaceView } from '../../shared/core/wire/workspace.ts';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import { bytesToText, countToText, nameToText, tableToLines } from './context.ts';
import { type WorkspaceOption, openWorkspace } from './workspace-target.ts';

function part(used: number | null, max: number | null, toText: (value: number) => string): string {
  if (used === null) return 'not counted yet: the next commit counts';
  if (max === null) return `${toText(used)}, no limit`;
  const share = max === 0 ? 100 : (used / max) * 100;
  return `${toText(used)} of ${toText(max)} (${share.toFixed(share < 10 ? 1 : 0)} %)`;
}

function toLines({ name, files, filesMax, bytes, bytesMax, seq }: WorkspaceView): string[] {
  return [
    nameToText(name),
    ...tableToLines([
      ['files', part(files, filesMax, String)],
      ['bytes', part(bytes, bytesMax, bytesToText)],
      ['history', countToText(seq, 'commit')],
    ]),
  ];
}

export const usageCommand: DefineCommand = (context) =>
  newCommand('usage', 'show how much a workspace holds and how much it may', [
    'tide usage photos',
    'tide usage --json | jq .bytes',
  ])
    .argument('[workspace]', 'by name or id (default: that of the linked folder you are in)')
    .option(...serverOption)
    .action(async (name: string | undefined, options: WorkspaceOption) => {
      const target = await openWorkspace(context, { ...options, ...(name === undefined ? {} : { workspace: name }) });
      const { workspace } = target;
      const { workspaceId, files, filesMax, bytes, bytesMax, seq } = workspace;
      const data = { workspaceId, name: workspace.name, files, filesMax, bytes, bytesMax, commits: seq };
      context.print(options, data, () => toLines(workspace));
    });
