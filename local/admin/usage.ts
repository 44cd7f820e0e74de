/** `usage`, `quota`, `workspaces`: what workspaces hold, and may hold. */
import { InvalidArgumentError } from 'commander';
import { type WorkspaceId, parseWorkspaceId } from '../../shared/core/ids.ts';
import type { WorkspaceRecord } from '../../shared/ports/metadata-store.ts';
import { setQuota } from '../../shared/services/admin/set-quota.ts';
import { type UsagePage, type WorkspaceUsage, getUsage, listUsage } from '../../shared/services/admin/usage.ts';
import { bytesToText, nameToText, tableToLines } from '../../client/cli/context.ts';
import {
  type AdminOptions,
  type DefineAdmin,
  newAdminCommand,
  timeToText,
  workspaceOption,
  workspacesOf,
} from './context.ts';

interface UsageOptions extends AdminOptions {
  readonly workspace?: string;
}

function boundToText(used: number | null, max: number | null, toText: (value: number) => string): string {
  return `${used === null ? 'not counted' : toText(used)}${max === null ? '' : ` of ${toText(max)}`}`;
}

function usageToLines(usages: readonly WorkspaceUsage[]): string[] {
  if (usages.length === 0) return [];
  const rows = usages.map((usage) => [
    usage.workspaceId,
    boundToText(usage.files, usage.filesMax, String),
    boundToText(usage.bytes, usage.bytesMax, bytesToText),
    String(usage.packs),
    bytesToText(usage.storedBytes),
    String(usage.quarantined),
    nameToText(usage.name),
  ]);
  return tableToLines([['workspace', 'files', 'bytes', 'packs', 'stored', 'quarantined', 'name'], ...rows]);
}

export const usageCommand: DefineAdmin = (context) =>
  newAdminCommand('usage', 'what workspaces hold, may hold, and take in storage', [
    'usage',
    'usage --json | jq .workspaces',
  ])
    .option(...workspaceOption)
    .action(async (options: UsageOptions) => {
      const deps = await context.open(options);
      const usages: WorkspaceUsage[] = [];
      if (options.workspace !== undefined) usages.push(await getUsage(deps, parseWorkspaceId(options.workspace)));
      else {
        let after: WorkspaceId | null = null;
        do {
          const page: UsagePage = await listUsage(deps, { after });
          usages.push(...page.workspaces);
          after = page.after;
        } while (after !== null);
      }
      context.print(options, { workspaces: usages }, () => usageToLines(usages));
    });

type Bound = number | 'none';

interface QuotaOptions extends AdminOptions {
  readonly files: Bound;
  readonly bytes: Bound;
}

/** `none`, or a whole number, with KiB, MiB, GiB or TiB after it where bytes are meant. */
function parseBound(text: string): Bound {
  // Not null yet: commander takes that for an empty text.
  if (text === 'none') return text;
  const [, digits, unit = ''] = /^(\d{1,15})(KiB|MiB|GiB|TiB)?$/.exec(text) ?? [];
  const value = Number(digits) * 1_024 ** ['', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit);
  if (digits === undefined || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('It is a whole number, such as 5000 or 20GiB, or none.');
  }
  return value;
}

function boundOf(bound: Bound): number | null {
  return bound === 'none' ? null : bound;
}

export const quotaCommand: DefineAdmin = (context) =>
  newAdminCommand('quota', 'say what a workspace may hold; both bounds are set', [
    'quota 2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a --files 100000 --bytes 20GiB',
    'quota 2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a --files none --bytes none',
  ])
    .argument('<workspace>', 'its id, 32 hex characters')
    .requiredOption('--files <n>', 'files, or none', parseBound)
    .requiredOption('--bytes <n>', 'bytes of all files, such as 20GiB, or none', parseBound)
    .action(async (workspace: string, options: QuotaOptions) => {
      const quota = { filesMax: boundOf(options.files), bytesMax: boundOf(options.bytes) };
      const deps = await context.open(options);
      const usage = await setQuota(deps, { workspaceId: parseWorkspaceId(workspace), quota });
      context.print(options, usage, () => usageToLines([usage]));
    });

export const workspacesCommand: DefineAdmin = (context) =>
  newAdminCommand('workspaces', 'all workspaces with their members, deleted ones too', ['workspaces']).action(
    async (options: AdminOptions) => {
      const deps = await context.open(options);
      const found: WorkspaceRecord[] = [];
      for await (const workspace of workspacesOf(deps, undefined)) found.push(workspace);
      context.print(options, { workspaces: found }, () =>
        found.flatMap(({ workspaceId, name, mode, policy, createdMs, deletedMs, members }) => [
          `${workspaceId}  ${nameToText(name)}`,
          `  ${mode}, ${policy}, created ${timeToText(createdMs)}${deletedMs === null ? '' : `, deleted ${timeToText(deletedMs)}`}`,
          ...members.map(({ userId, role }) => `  ${role} ${nameToText(userId)}`),
        ]),
      );
    },
  );
