/** `feed status`, `incidents`, `poison list`: how the service itself is. */
import { Command } from 'commander';
import { type LeaseStatus, feedStatus } from '../../shared/services/admin/feed-status.ts';
import { type IncidentPage, listIncidentPage } from '../../shared/services/admin/list-incidents.ts';
import { listPoison } from '../../shared/services/admin/list-poison.ts';
import { bytesToText, nameToText, tableToLines } from '../../client/cli/context.ts';
import {
  type AdminContext,
  type AdminOptions,
  type DefineAdmin,
  newAdminCommand,
  timeToText,
  workspaceOption,
  workspacesOf,
} from './context.ts';

/** Characters of a cursor that a person wants to see. */
const cursorShown = 40;

function leaseToRow({ name, isHeld, epoch, cursor }: LeaseStatus): string[] {
  const shown =
    cursor === null ? 'not begun' : cursor.length > cursorShown ? `${cursor.slice(0, cursorShown)}…` : cursor;
  return [name, isHeld ? 'at work' : 'idle', `epoch ${epoch}`, nameToText(shown)];
}

const feedStatusCommand: DefineAdmin = (context) =>
  newAdminCommand('status', 'how far each shard has been followed, and which indexes wait for repair', [
    'feed status',
  ]).action(async (options: AdminOptions) => {
    const status = await feedStatus(await context.open(options));
    context.print(options, status, () => tableToLines([...status.shards, ...status.repairs].map(leaseToRow)));
  });

export const feedCommand = (context: AdminContext): Command =>
  new Command('feed').description('the change feed of storage').addCommand(feedStatusCommand(context));

const poisonListCommand: DefineAdmin = (context) =>
  newAdminCommand('list', 'messages that their functions could not handle, the oldest', ['poison list']).action(
    async (options: AdminOptions) => {
      const messages = await listPoison(await context.open(options));
      context.print(options, { messages }, () =>
        messages.flatMap(({ queue, id, insertedMs, body }) => [
          `${queue} ${nameToText(id)}, since ${timeToText(insertedMs)}`,
          `  ${nameToText(body)}`,
        ]),
      );
      if (messages.length === 0) context.note('No message is poisoned.');
    },
  );

export const poisonCommand = (context: AdminContext): Command =>
  new Command('poison').description('messages that were given up').addCommand(poisonListCommand(context));

interface IncidentOptions extends AdminOptions {
  readonly workspace?: string;
}

export const incidentsCommand: DefineAdmin = (context) =>
  newAdminCommand('incidents', 'what storage did to verified packs, and nobody ordered', ['incidents'])
    .option(...workspaceOption)
    .action(async (options: IncidentOptions) => {
      const deps = await context.open(options);
      const incidents: IncidentPage['incidents'][number][] = [];
      for await (const { workspaceId } of workspacesOf(deps, options.workspace)) {
        let after: string | null = null;
        do {
          const page: IncidentPage = await listIncidentPage(deps, { workspaceId, after });
          incidents.push(...page.incidents);
          after = page.after;
        } while (after !== null);
      }
      context.print(options, { incidents }, () =>
        incidents.map(
          ({ workspaceId, packId, kind, storedBytes, noticedMs }) =>
            `${timeToText(noticedMs)}  ${kind}  ${workspaceId} ${packId} (${bytesToText(storedBytes)})`,
        ),
      );
      if (incidents.length === 0) context.note('Nothing has happened that nobody ordered.');
    });
