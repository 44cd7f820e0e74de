/** `tide resume [FOLDER]`: ends a pause. */
import { resumeAction } from './actions/resume.ts';
import { type DefineCommand, newCommand } from './command.ts';
import type { OutputOptions } from './context.ts';
import { runAction } from './run-action.ts';

export const resumeCommand: DefineCommand = (context) =>
  newCommand('resume', 'end the pause of a folder', ['tide resume ~/Photos'])
    .argument('[folder]', 'a linked folder', '.')
    .action(async (folderText: string, options: OutputOptions) => {
      const result = await runAction(context, options, folderText, resumeAction, {});
      const { folder, wasPaused, watched } = result;
      const next = watched ? 'it syncs now' : 'no agent runs; `tide watch` starts one, `tide sync` syncs once';
      context.print(options, result, () => [wasPaused ? `${folder} goes on: ${next}` : `${folder} was not paused`]);
    });
