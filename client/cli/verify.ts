/** `tide verify FOLDER`: reads everything again, and trusts neither a stat nor the journal. */
import { type VerifyResult, verifyAction } from './actions/verify.ts';
import { type DefineCommand, newCommand } from './command.ts';
import { type CliContext, type OutputOptions, bytesToText, nameToText } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { createProgressView } from './progress.ts';
import { runAction } from './run-action.ts';
import { problemsToLines } from './status-lines.ts';

interface VerifyOptions extends OutputOptions {
  readonly repair?: boolean;
}

const markTexts: Readonly<Record<VerifyResult['mark']['state'], string>> = {
  same: 'the mark, computed anew, is the one that the server signed',
  differs: 'the mark, computed anew, is NOT the one that the server signed; `tide verify --repair`, then `tide sync`',
  waiting: 'changes wait to be synced, so there is no mark to compare; sync and verify again',
};

function toLines(result: VerifyResult): string[] {
  const { damaged, repaired, waiting, mark, journalFaults, problems } = result;
  return [
    `${result.sound ? 'Sound' : 'Not sound'}: ${result.files} files, ${bytesToText(result.bytes)} read and compared`,
    markTexts[mark.state],
    ...(waiting > 0 ? [`${waiting} files were changed here and not synced yet; they were not compared`] : []),
    ...journalFaults.map((fault) => `journal: ${fault}`),
    ...damaged
      .filter(({ path }) => !repaired.some((file) => file.path === path))
      .map(
        ({ path, size }) =>
          `  damaged: ${nameToText(path)} (${bytesToText(size)}); its bytes changed and its times did not`,
      ),
    ...repaired.map(({ path, aside, fetched }) => {
      const now = fetched ? 'fetched again' : 'NOT fetched yet; the next sync tries again';
      return `  repaired: ${nameToText(path)}: ${now}; what was there is now ${nameToText(aside)}`;
    }),
    ...problemsToLines(problems),
    ...(damaged.length > repaired.length
      ? ['Fetch them again with `tide verify --repair`; the damaged ones are kept beside.']
      : []),
  ];
}

async function verify(context: CliContext, folder: string, options: VerifyOptions): Promise<void> {
  const view = createProgressView(context, options, { scanning: 'reading every file' });
  const params = { repair: options.repair === true };
  const result = await runAction(context, options, folder, verifyAction, params, view.show).finally(view.end);
  context.print(options, result, () => toLines(result));
  if (!result.sound) process.exitCode = exitCodes.incomplete;
}

export const verifyCommand: DefineCommand = (context) =>
  newCommand('verify', 'read every file of a linked folder and compare it with what the server signed', [
    'tide verify ~/Photos',
    'tide verify ~/Photos --repair',
    'tide verify ~/Photos --json | jq .damaged',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .option('--repair', 'fetch damaged files again; what is there is kept beside as "NAME (damaged copy DATE)"')
    .action((folder: string, options: VerifyOptions) => verify(context, folder, options));
