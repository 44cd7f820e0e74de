/** `quarantine list|release|purge`: packs whose bytes were not what their names say. */
import { Command } from 'commander';
import { parseQuarantineName } from '../../shared/services/quarantine/quarantine-name.ts';
import {
  type QuarantinedPack,
  type QuarantinePage,
  listQuarantine,
} from '../../shared/services/admin/list-quarantine.ts';
import { purgeQuarantined } from '../../shared/services/admin/purge-quarantined.ts';
import { notInQuarantine, releaseQuarantined } from '../../shared/services/admin/release-quarantined.ts';
import { bytesToText } from '../../client/cli/context.ts';
import {
  type AdminContext,
  type AdminOptions,
  type DefineAdmin,
  newAdminCommand,
  timeToText,
  workspaceOption,
  workspacesOf,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';

interface ListOptions extends AdminOptions {
  readonly workspace?: string;
}

function packToLines({ blobName, reason, storedBytes, foundMs, isThere }: QuarantinedPack): string[] {
  return [
    blobName,
    `  found ${timeToText(foundMs)}, ${bytesToText(storedBytes)}${isThere ? '' : ', not in quarantine'}: ${reason}`,
  ];
}

const listCommand: DefineAdmin = (context) =>
  newAdminCommand('list', 'the packs in quarantine, and why', ['quarantine list', 'quarantine list --json | jq .packs'])
    .option(...workspaceOption)
    .action(async (options: ListOptions) => {
      const deps = await context.open(options);
      const packs: QuarantinedPack[] = [];
      for await (const { workspaceId } of workspacesOf(deps, options.workspace)) {
        let after: string | null = null;
        do {
          const page: QuarantinePage = await listQuarantine(deps, { workspaceId, after });
          packs.push(...page.packs);
          after = page.after;
        } while (after !== null);
      }
      context.print(options, { packs }, () => packs.flatMap(packToLines));
      if (packs.length === 0) context.note('Nothing is in quarantine.');
    });

/** The workspace is in the blob's name. */
function mustParseName(blobName: string) {
  const workspaceId = parseQuarantineName(blobName)?.workspaceId;
  if (workspaceId === undefined) throw notInQuarantine();
  return { workspaceId, blobName };
}

const releaseCommand: DefineAdmin = (context) =>
  newAdminCommand('release', 'judge a pack again, and put it back if it is good', ['quarantine release NAME'])
    .argument('<name>', 'as `quarantine list` shows it')
    .action(async (name: string, options: AdminOptions) => {
      const deps = await context.open(options);
      const release = await releaseQuarantined(deps, mustParseName(name));
      context.print(options, release, () => [
        release.status === 'released' ? 'released' : `refused: ${release.reason}`,
      ]);
      if (release.status === 'refused') context.exitWith(exitCodes.refused);
    });

const purgeCommand: DefineAdmin = (context) =>
  newAdminCommand('purge', 'delete a pack from quarantine, for good', ['quarantine purge NAME'])
    .argument('<name>', 'as `quarantine list` shows it')
    .action(async (name: string, options: AdminOptions) => {
      await purgeQuarantined(await context.open(options), mustParseName(name));
      context.print(options, { status: 'purged' }, () => ['purged']);
    });

export const quarantineCommand = (context: AdminContext): Command => {
  const command = new Command('quarantine').description('packs whose bytes were not what their names say');
  for (const define of [listCommand, releaseCommand, purgeCommand]) command.addCommand(define(context));
  return command;
};
