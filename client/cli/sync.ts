/** `tide sync FOLDER`: once, until the folder, the workspace and what was last equal are the same. */
import { planAction } from './actions/plan.ts';
import { type SyncResult, syncAction } from './actions/sync.ts';
import { bwlimitOption, withBandwidthOption } from './bwlimit-option.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type CliContext, type OutputOptions, bytesToText, nameToText } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { planToLines } from './plan-lines.ts';
import { createProgressView } from './progress.ts';
import { runAction } from './run-action.ts';

interface SyncOptions extends OutputOptions {
  readonly allowMassDelete?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly bwlimit?: string;
}

function toLines(result: SyncResult): string[] {
  const verdict = result.upToDate ? 'Up to date' : 'Not all could be synced';
  const moved = `sent ${bytesToText(result.bytesSent)}, received ${bytesToText(result.bytesReceived)}`;
  return [
    `${verdict}: ${result.files} files, ${bytesToText(result.bytesScanned)}; ${moved}; ${result.seconds.toFixed(2)} s`,
    ...(result.merged > 0 ? [`${result.merged} files were merged with edits of other devices`] : []),
    ...(result.conflicts > 0 ? [`${result.conflicts} conflict copies were made; nothing is lost: tide conflicts`] : []),
    ...result.problems.map((problem) => `  ${problem.code}: ${nameToText(problem.path || '.')}: ${problem.detail}`),
    `mark ${result.root} at ${result.seq}`,
  ];
}

async function showPlan(context: CliContext, folder: string, options: SyncOptions): Promise<void> {
  const params = { massDeletionAllowed: options.allowMassDelete === true };
  const view = createProgressView(context, options);
  const plan = await runAction(context, options, folder, planAction, params, view.show).finally(view.end);
  context.print(options, plan, () => planToLines(plan));
  if (plan.halts.length > 0) process.exitCode = exitCodes.halted;
}

async function syncOnce(context: CliContext, folder: string, options: SyncOptions): Promise<void> {
  const view = createProgressView(context, options);
  const params = { massDeletionAllowed: options.allowMassDelete === true, force: options.force === true };
  const limited = withBandwidthOption(context, options);
  const result = await runAction(limited, options, folder, syncAction, params, view.show).finally(view.end);
  context.print(options, result, () => toLines(result));
  if (!result.upToDate) process.exitCode = exitCodes.incomplete;
}

export const syncCommand: DefineCommand = (context) =>
  newCommand('sync', 'sync a linked folder once, until nothing is left to do', [
    'tide sync ~/Photos',
    'tide sync ~/Photos --dry-run',
    'tide sync ~/Photos --json | jq .bytesSent',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .option('-n, --dry-run', 'show what a sync would do, and do nothing')
    .option('--force', 'sync also when the folder is paused; it stays paused')
    .option(...bwlimitOption)
    .option('--allow-mass-delete', 'carry out a deletion of most of the folder, which is refused otherwise')
    .action((folder: string, options: SyncOptions) =>
      options.dryRun === true ? showPlan(context, folder, options) : syncOnce(context, folder, options),
    );
