/** The service of this machine: where its unit lies, and the commands of the system that start and stop it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CliContext } from './context.ts';
import {
  type ServiceCommand,
  type ServiceKind,
  launchdLabel,
  serviceUnit,
  systemdUnit,
  taskName,
} from './service-units.ts';

type Words = readonly [string, ...string[]];

export interface ServiceHost {
  readonly kind: ServiceKind;
  /** The unit's file. */
  readonly file: string;
  readonly start: readonly Words[];
  readonly restart: readonly Words[];
  readonly stop: readonly Words[];
  /** Succeeds when the service runs. */
  readonly isActive: Words;
}

export function thisServiceKind(): ServiceKind {
  if (process.platform === 'darwin') return 'launchd';
  return process.platform === 'win32' ? 'task-scheduler' : 'systemd';
}

export function serviceCommandOf({ env, configFolder, stateFolder }: CliContext): ServiceCommand {
  return {
    node: process.execPath,
    script: fileURLToPath(new URL('../../bin/tide.js', import.meta.url)),
    home: env['TIDE_HOME'] === undefined ? undefined : configFolder,
    logFile: join(stateFolder, 'watch.log'),
  };
}

function systemdHost(env: NodeJS.ProcessEnv): ServiceHost {
  const config = env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config');
  const systemctl = (...words: string[]): Words => ['systemctl', '--user', ...words];
  return {
    kind: 'systemd',
    file: join(config, 'systemd', 'user', systemdUnit),
    start: [systemctl('daemon-reload'), systemctl('enable', '--now', systemdUnit)],
    restart: [systemctl('daemon-reload'), systemctl('restart', systemdUnit)],
    stop: [systemctl('disable', '--now', systemdUnit)],
    isActive: systemctl('is-active', '--quiet', systemdUnit),
  };
}

function launchdHost(env: NodeJS.ProcessEnv): ServiceHost {
  const file = join(env['HOME'] ?? homedir(), 'Library', 'LaunchAgents', `${launchdLabel}.plist`);
  const domain = `gui/${userInfo().uid}`;
  const target = `${domain}/${launchdLabel}`;
  return {
    kind: 'launchd',
    file,
    start: [['launchctl', 'bootstrap', domain, file]],
    restart: [['launchctl', 'kickstart', '-k', target]],
    stop: [['launchctl', 'bootout', target]],
    isActive: ['launchctl', 'print', target],
  };
}

function taskSchedulerHost({ configFolder }: CliContext): ServiceHost {
  const file = join(configFolder, 'tidemark-task.xml');
  const begin: Words = ['schtasks', '/Run', '/TN', taskName];
  return {
    kind: 'task-scheduler',
    file,
    start: [['schtasks', '/Create', '/F', '/TN', taskName, '/XML', file], begin],
    restart: [['schtasks', '/End', '/TN', taskName], begin],
    stop: [['schtasks', '/Delete', '/F', '/TN', taskName]],
    isActive: ['schtasks', '/Query', '/TN', taskName],
  };
}

export function thisServiceHost(context: CliContext): ServiceHost {
  const kind = thisServiceKind();
  if (kind === 'systemd') return systemdHost(context.env);
  return kind === 'launchd' ? launchdHost(context.env) : taskSchedulerHost(context);
}

export function isServiceInstalled({ file }: ServiceHost): boolean {
  return existsSync(file);
}

export function writeUnit(host: ServiceHost, command: ServiceCommand): void {
  mkdirSync(dirname(host.file), { recursive: true });
  mkdirSync(dirname(command.logFile), { recursive: true });
  writeFileSync(host.file, serviceUnit(host.kind, command));
}

export function removeUnit({ file }: ServiceHost): void {
  rmSync(file, { force: true });
}

/** Whether the command ran and succeeded. What it says goes nowhere: the caller tells the command instead. */
export function runQuietly([command, ...words]: Words, env: NodeJS.ProcessEnv): boolean {
  return spawnSync(command, words, { env, stdio: 'ignore', timeout: 30_000 }).status === 0;
}

/** Runs the commands in order. Returns those that are left to do, from the first that did not succeed. */
export function runUntilFailure(commands: readonly Words[], env: NodeJS.ProcessEnv): readonly string[] {
  const failed = commands.findIndex((words) => !runQuietly(words, env));
  return failed < 0 ? [] : commands.slice(failed).map((words) => words.join(' '));
}
