/** `fsck`: whether everything can be rebuilt from storage. Reads only. */
import type { ApiDependencies } from '../../shared/api/api.ts';
import type { WorkspaceRecord } from '../../shared/ports/metadata-store.ts';
import { type Finding, isDamage } from '../../shared/services/admin/fsck/finding.ts';
import { type FsckStep, fsckStep } from '../../shared/services/admin/fsck.ts';
import { tableToLines } from '../../client/cli/context.ts';
import {
  type AdminContext,
  type AdminOptions,
  type DefineAdmin,
  newAdminCommand,
  workspaceOption,
  standingWorkspacesOf,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';

interface FsckOptions extends AdminOptions {
  readonly workspace?: string;
  readonly deep?: boolean;
  readonly history?: boolean;
}

interface CheckedWorkspace {
  readonly workspaceId: string;
  readonly entries: number;
  readonly files: number;
  readonly packs: number;
  readonly findings: readonly Finding[];
}

/** Findings that one run keeps and prints; past it storage is in ruins, and the first ones tell enough. */
const findingsMax = 10_000;

async function checkWorkspace(
  context: AdminContext,
  deps: ApiDependencies,
  { workspaceId }: WorkspaceRecord,
  options: FsckOptions,
): Promise<CheckedWorkspace> {
  const { deep = false, history = false } = options;
  const findings = new Map<string, Finding>();
  const counts = { entries: 0, files: 0, packs: 0 };
  let cursor: string | null = null;
  do {
    context.signal.throwIfAborted();
    const step: FsckStep = await fsckStep(deps, { workspaceId, cursor, deep, history });
    for (const finding of step.findings) {
      if (findings.size < findingsMax) findings.set(`${finding.kind} ${finding.subject}`, finding);
    }
    counts.entries += step.entries;
    counts.files += step.files;
    counts.packs += step.packs;
    cursor = step.cursor;
  } while (cursor !== null);
  return { workspaceId, ...counts, findings: [...findings.values()] };
}

function toLines(checked: readonly CheckedWorkspace[]): string[] {
  return checked.flatMap(({ workspaceId, entries, files, packs, findings }) => [
    `${workspaceId}: ${entries} commits, ${files} files, ${packs} packs: ${findings.some(isDamage) ? 'DAMAGED' : 'sound'}`,
    ...tableToLines(findings.map(({ kind, subject, detail }) => [`  ${kind}`, subject, detail])),
  ]);
}

export const fsckCommand: DefineAdmin = (context) =>
  newAdminCommand('fsck', 'check that everything can be rebuilt from storage; changes nothing', [
    'fsck',
    'fsck --workspace 2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a --deep --history',
    'fsck --data .tidemark --json | jq .findings',
  ])
    .option(...workspaceOption)
    .option('--deep', 'read and hash every byte of every pack')
    .option('--history', 'check the files of every older version, too')
    .action(async (options: FsckOptions) => {
      const deps = await context.open(options);
      const checked: CheckedWorkspace[] = [];
      for await (const workspace of standingWorkspacesOf(deps, options.workspace)) {
        checked.push(await checkWorkspace(context, deps, workspace, options));
      }
      const findings = checked.flatMap(({ workspaceId, findings: found }) =>
        found.map((finding) => ({ workspaceId, ...finding })),
      );
      const sound = !findings.some(isDamage);
      const workspaces = checked.map(({ workspaceId, entries, files, packs }) => ({
        workspaceId,
        entries,
        files,
        packs,
      }));
      context.print(options, { sound, workspaces, findings }, () => toLines(checked));
      if (!sound) context.exitWith(exitCodes.damaged);
    });
