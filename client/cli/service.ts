/** `tide service install|remove|status`: `tide watch` as a service of this user, over a list of folders. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { TidemarkError } from '../../shared/core/errors.ts';
import { mustFindLink } from './agent.ts';
import { type DefineCommand, newCommand } from './command.ts';
import type { CliContext, OutputOptions } from './context.ts';
import {
  isServiceInstalled,
  removeUnit,
  runQuietly,
  runUntilFailure,
  serviceCommandOf,
  thisServiceHost,
  writeUnit,
} from './service-host.ts';
import { type ServiceKind, serviceKinds, serviceUnit } from './service-units.ts';
import { readWatchList, writeWatchList } from './watch-list.ts';
import { usageError } from './usage-error.ts';

interface InstallOptions extends OutputOptions {
  readonly print?: string;
}

/** The advice that systemd needs to run a user's services without a session. */
const lingerAdvice = 'To have it run while you are not logged in: loginctl enable-linger';

function parseKind(text: string): ServiceKind {
  const kind = serviceKinds.find((known) => known === text);
  if (kind === undefined) throw usageError(`--print is one of ${serviceKinds.join(', ')}, not "${text}"`);
  return kind;
}

function todoToLines(todo: readonly string[]): string[] {
  return todo.length === 0
    ? []
    : ['Left to do by hand, since the system refused it here:', ...todo.map((line) => `  $ ${line}`)];
}

function install(context: CliContext, names: readonly string[], options: InstallOptions): void {
  if (options.print !== undefined) {
    process.stdout.write(serviceUnit(parseKind(options.print), serviceCommandOf(context)));
    return;
  }
  const added = names.map((name) => mustFindLink(name).folder);
  const folders = [...new Set([...readWatchList(context.configFolder), ...added])];
  if (folders.length === 0) throw usageError('name at least one linked folder to be watched');
  writeWatchList(context.configFolder, folders);
  const host = thisServiceHost(context);
  writeUnit(host, serviceCommandOf(context));
  const isRunning = runQuietly(host.isActive, context.env);
  const todo = runUntilFailure(isRunning ? host.restart : host.start, context.env);
  const data = { folders, file: host.file, started: todo.length === 0, todo };
  context.print(options, data, () => [
    `The service watches: ${folders.join(', ')}`,
    `Its unit is ${host.file}`,
    ...todoToLines(todo),
    ...(host.kind === 'systemd' ? [lingerAdvice] : []),
  ]);
}

function remove(context: CliContext, names: readonly string[], options: OutputOptions): void {
  const before = readWatchList(context.configFolder);
  const gone = new Set(names.map((name) => resolve(name)));
  const unknown = [...gone].find((folder) => !before.includes(folder));
  if (unknown !== undefined)
    throw new TidemarkError('not-found', `the service does not watch ${unknown}; see \`tide service status\``);
  const folders = names.length === 0 ? [] : before.filter((folder) => !gone.has(folder));
  writeWatchList(context.configFolder, folders);
  const host = thisServiceHost(context);
  const todo = isServiceInstalled(host)
    ? runUntilFailure(folders.length === 0 ? host.stop : host.restart, context.env)
    : [];
  if (folders.length === 0) removeUnit(host);
  context.print(options, { folders, removed: folders.length === 0, todo }, () => [
    folders.length === 0
      ? 'The service is removed; folders and their links stay.'
      : `The service watches: ${folders.join(', ')}`,
    ...todoToLines(todo),
  ]);
}

function show(context: CliContext, options: OutputOptions): void {
  const host = thisServiceHost(context);
  const folders = readWatchList(context.configFolder);
  const installed = isServiceInstalled(host);
  const running = installed && runQuietly(host.isActive, context.env);
  context.print(options, { installed, running, file: host.file, folders }, () => [
    installed
      ? `The service is installed (${host.file}) and ${running ? 'runs' : 'does not run'}.`
      : 'The service is not installed: tide service install FOLDER',
    ...folders.map((folder) => `  ${folder}`),
  ]);
}

export const serviceCommand: DefineCommand = (context) => {
  // Without options of its own: they belong to the commands below it.
  const service = new Command('service').description('watch folders whenever you are logged in to this machine');
  service.addCommand(
    newCommand('install', 'watch these folders from now on, also after the next login', [
      'tide service install ~/Photos',
    ])
      .argument('[folders...]', 'linked folders, added to those that are watched already')
      .option('--print <kind>', `print the unit for ${serviceKinds.join(', ')}, and change nothing`)
      .action((names: string[], options: InstallOptions) => install(context, names, options)),
  );
  service.addCommand(
    newCommand('remove', 'watch these folders no more; without any, remove the service', [
      'tide service remove ~/Notes',
      'tide service remove',
    ])
      .argument('[folders...]', 'folders on the list')
      .action((names: string[], options: OutputOptions) => remove(context, names, options)),
  );
  service.addCommand(
    newCommand('status', 'whether the service is installed and runs, and for which folders', [
      'tide service status',
    ]).action((options: OutputOptions) => show(context, options)),
  );
  return service;
};
