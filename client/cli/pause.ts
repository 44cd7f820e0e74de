/** `tide pause [FOLDER] [--for 2h]`: no more syncing by itself, for a while or until `tide resume`. */
import { pauseAction } from './actions/pause.ts';
import { type DefineCommand, newCommand } from './command.ts';
import type { OutputOptions } from './context.ts';
import { parseDuration, pauseToText } from './pause-text.ts';
import { runAction } from './run-action.ts';

interface PauseOptions extends OutputOptions {
  readonly for?: string;
}

export const pauseCommand: DefineCommand = (context) =>
  newCommand('pause', 'stop syncing a folder by itself, for a while or until tide resume', [
    'tide pause ~/Photos --for 2h',
    'tide pause ~/Photos',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .option('--for <duration>', 'how long, such as 30m, 2h or 1h30m; without it until `tide resume`')
    .action(async (folder: string, options: PauseOptions) => {
      const forMs = options.for === undefined ? null : parseDuration(options.for);
      const result = await runAction(context, options, folder, pauseAction, { forMs });
      context.print(options, result, () => [`${result.folder} is paused ${pauseToText(result)}`]);
    });
