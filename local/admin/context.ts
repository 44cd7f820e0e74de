/** What the operators' commands share: the service of the environment or of a data folder, and where to write. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { buildService } from '../../functions/compose/service.ts';
import { type Config, readConfig } from '../../functions/config.ts';
import type { Environment } from '../../functions/settings.ts';
import type { ApiDependencies } from '../../shared/api/api.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import { type WorkspaceId, parseWorkspaceId } from '../../shared/core/ids.ts';
import type { WorkspaceRecord } from '../../shared/ports/metadata-store.ts';
import { isPastReturn } from '../../shared/services/patch-workspace.ts';
import { mustGetWorkspace } from '../../shared/services/admin/must-get-workspace.ts';
import { settingsOfStorage } from '../stack-storage.ts';

export interface AdminContext {
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** What open() goes by. Throws as it does. */
  config(options: AdminOptions): Config;
  /** Opens the stores. Throws `not-found` when the data folder is none of a stack's. */
  open(options: AdminOptions): Promise<ApiDependencies>;
  /** The data of the command: one JSON object with `--json`, else these lines. */
  print(options: AdminOptions, data: unknown, lines: () => readonly string[]): void;
  /** A message for the person, beside the data. */
  note(text: string): void;
  /** What the process exits with, when nothing is thrown. */
  exitWith(code: number): void;
}

export interface AdminOptions {
  readonly data?: string;
  readonly json?: boolean;
}

/** Each command file exports one of these. */
export type DefineAdmin = (context: AdminContext) => Command;

/** The folder of a local stack, when nothing says where the service is. */
const dataDefault = '.tidemark';

/**
 * All stores of a folder are in it, whatever else the environment says: packs of one deployment and an index of another would be taken
 * for damage, and be repaired.
 */
const storesOfFolder: Environment = {
  TIDEMARK_METADATA: 'sqlite',
  TIDEMARK_METADATA_FILE: '',
  TIDEMARK_BLOBS: 'disk',
  TIDEMARK_BLOB_FOLDER: '',
  TIDEMARK_BLOB_KEY_FILE: '',
  TIDEMARK_QUEUES: 'sqlite',
  TIDEMARK_QUEUE_FILE: '',
  TIDEMARK_CHANGE_FEED: 'disk',
  TIDEMARK_STORAGE_CONNECTION: '',
  TIDEMARK_SIGNING_KEYS: 'file',
  TIDEMARK_SIGNING_KEY_FILE: '',
  TIDEMARK_REALTIME: 'none',
};

/**
 * With `--data`, or where no deployment is configured, the stores of a local stack: they are read beside a running stack, whose lock is
 * left alone, since SQLite and the blob folder may be open in any number of processes. Tokens and URLs are none of ours.
 */
function environmentOf(env: Environment, { data }: AdminOptions): Environment {
  if (data === undefined && env['TIDEMARK_ISSUER'] !== undefined) return { TIDEMARK_LOG: 'warn', ...env };
  const folder = resolve(data ?? env['TIDEMARK_DATA'] ?? dataDefault);
  if (!existsSync(join(folder, 'metadata.sqlite'))) {
    throw new TidemarkError('not-found', `${folder} holds no state of a stack; name its folder with --data`);
  }
  const nowhere = 'http://127.0.0.1:1';
  return {
    TIDEMARK_LOG: 'warn',
    TIDEMARK_ISSUER: nowhere,
    TIDEMARK_BLOB_ENDPOINT: nowhere,
    ...env,
    ...storesOfFolder,
    TIDEMARK_DATA: folder,
    ...settingsOfStorage(folder),
  };
}

export function createAdminContext(env: Environment, signal: AbortSignal): AdminContext {
  return {
    env,
    signal,
    config: (options) => readConfig(environmentOf(env, options)),
    open: async (options) => (await buildService(readConfig(environmentOf(env, options)))).deps,
    print: (options, data, lines) => {
      const text = options.json === true ? JSON.stringify(data) : lines().join('\n');
      if (text !== '') process.stdout.write(text + '\n');
    },
    note: (text) => void process.stderr.write(text + '\n'),
    exitWith: (code) => {
      process.exitCode = code;
    },
  };
}

/** A command with the options that all have, and examples at the end of its help. */
export function newAdminCommand(usage: string, summary: string, examples: readonly string[]): Command {
  return new Command(usage)
    .description(summary)
    .option(
      '--data <dir>',
      'the data folder of a local stack, running or not (default: what the environment configures)',
    )
    .option('--json', 'print one JSON object and nothing else on standard output')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ npm run admin -- ${example}`).join('\n')}`);
}

export const workspaceOption = ['--workspace <id>', 'only this workspace, 32 hex characters'] as const;

/** Workspaces read at once when all are gone through. */
const pageWorkspaces = 500;

/** The workspace that was named, or one after another all, deleted ones too. */
export async function* workspacesOf(deps: ApiDependencies, id: string | undefined): AsyncGenerator<WorkspaceRecord> {
  if (id !== undefined) {
    yield await mustGetWorkspace(deps, parseWorkspaceId(id));
    return;
  }
  let after: WorkspaceId | null = null;
  for (;;) {
    const page: readonly WorkspaceRecord[] = await deps.metadata.workspaces.listAll(after, pageWorkspaces);
    yield* page;
    if (page.length < pageWorkspaces) return;
    after = page.at(-1)!.workspaceId;
  }
}

/** As `workspacesOf`, without those that are being purged, of which parts may be gone. */
export async function* standingWorkspacesOf(
  deps: ApiDependencies,
  id: string | undefined,
): AsyncGenerator<WorkspaceRecord> {
  for await (const workspace of workspacesOf(deps, id)) {
    if (id !== undefined || !isPastReturn(workspace, deps.clock.now())) yield workspace;
  }
}

/** `2026-11-22 10:00:00`, in UTC. */
export function timeToText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
}
