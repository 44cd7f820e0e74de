/** `tide doctor FOLDER`: what could be wrong is looked at in turn, and each finding says what to do. */
import { type DefineCommand, newCommand } from './command.ts';
import type { CliContext, OutputOptions } from './context.ts';
import type { Checked } from './doctor/check.ts';
import { examine } from './doctor/doctor.ts';
import { exitCodes } from './exit-codes.ts';

const marks: Readonly<Record<Checked['state'], string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' };

function toLines({ check, state, detail, advice }: Checked): string[] {
  const line = `${marks[state]}  ${check.padEnd(12)}  ${detail}`;
  return advice === null ? [line] : [line, `${' '.repeat(20)}-> ${advice}`];
}

async function examineAll(context: CliContext, folder: string | undefined, options: OutputOptions): Promise<void> {
  const checks: Checked[] = [];
  for await (const checked of examine(context, options, folder)) {
    context.signal.throwIfAborted();
    checks.push(checked);
    // Each as it is found: some take a while.
    if (options.json !== true) process.stdout.write(`${toLines(checked).join('\n')}\n`);
  }
  const count = (state: Checked['state']) => checks.filter((checked) => checked.state === state).length;
  const healthy = count('fail') === 0;
  if (options.json === true) context.print(options, { healthy, checks }, () => []);
  else context.note(options, `${checks.length} checks: ${count('fail')} failed, ${count('warn')} warnings`);
  if (!healthy) process.exitCode = exitCodes.incomplete;
}

export const doctorCommand: DefineCommand = (context) =>
  newCommand('doctor', 'check this machine, the login, the server and a linked folder, and say what to do', [
    'tide doctor',
    'tide doctor ~/Photos',
    'tide doctor ~/Photos --json | jq \'.checks[] | select(.state != "ok")\'',
  ])
    .argument('[folder]', 'a linked folder (default: the one you are in, if it is one)')
    .action((folder: string | undefined, options: OutputOptions) => examineAll(context, folder, options));
