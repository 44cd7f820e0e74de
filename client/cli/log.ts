/** `tide log`: the commits of a workspace, newest first. */
import type { JournalEntry } from '../../shared/core/wire/journal-entry.ts';
import type { History } from '../agent/history/history.ts';
import {
  type ChangeKind,
  type NamedChange,
  type NodeChange,
  changesOfCommit,
  nameChanges,
  touches,
} from '../agent/history/tree-changes.ts';
import { type CliContext, nameToText } from './context.ts';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import { changeToJson, changeToText } from './change-text.ts';
import { type Credential, openCredentials } from './credentials.ts';
import { type DeviceNames, readDeviceNames } from './device-names.ts';
import { parseTime, timeToText } from './history-point.ts';
import { parseCount } from './ls.ts';
import { userIdToText } from './user-id.ts';
import { type OpenedHistory, openHistory } from './open-history.ts';
import {
  type WorkspaceOption,
  type WorkspaceTarget,
  cleanPath,
  openWorkspace,
  workspaceOption,
} from './workspace-target.ts';

interface LogOptions extends WorkspaceOption {
  readonly limit: number;
  readonly since?: string;
  readonly before?: number;
  readonly path?: string;
  readonly names?: boolean;
}

const limitDefault = 20;
/** Commits that are looked at for a path before the command stops and says how to go on. */
export const searchedMax = 2_000;
/** Commits that are read and compared at once. */
const atOnce = 50;

type KindCounts = Readonly<Partial<Record<ChangeKind, number>>>;

/** Without the commit's edits: there may be many of both. */
interface Told extends Pick<JournalEntry, 'seq' | 'timeMs' | 'userId' | 'deviceId' | 'root'> {
  readonly counts: KindCounts;
  /** With `--names` or `--path`. */
  readonly named: readonly NamedChange[] | undefined;
}

interface Search {
  readonly from: number;
  readonly limit: number;
  readonly sinceMs: number;
  readonly path: string | undefined;
  readonly names: boolean;
}

interface Found {
  readonly told: readonly Told[];
  /** The commit before which a next search goes on; null at the end of the history, or of what was asked for. */
  readonly next: number | null;
}

async function tell({ nodes }: History, entry: JournalEntry, { names, path }: Search): Promise<Told> {
  const { seq, timeMs, userId, deviceId, root } = entry;
  const changes = await changesOfCommit(nodes, entry);
  const told = { seq, timeMs, userId, deviceId, root, counts: countKinds(changes) };
  if (!names && path === undefined) return { ...told, named: undefined };
  const named = await nameChanges(nodes, changes, entry.previousRoot, root);
  return { ...told, named: path === undefined ? named : named.filter((change) => touches(change, path)) };
}

async function search(history: History, options: Search): Promise<Found> {
  const told: Told[] = [];
  let batch: JournalEntry[] = [];
  let searched = 0;
  const flush = async (): Promise<void> => {
    for (const each of await Promise.all(batch.map((entry) => tell(history, entry, options)))) {
      if (options.path === undefined || each.named?.length !== 0) told.push(each);
    }
    batch = [];
  };
  const batchMax = Math.min(atOnce, options.path === undefined ? options.limit : atOnce);
  for await (const entry of history.backwards(options.from, batchMax)) {
    if (entry.timeMs < options.sinceMs) break;
    batch.push(entry);
    searched++;
    if (batch.length < batchMax) continue;
    await flush();
    if (told.length >= options.limit || searched >= searchedMax) break;
  }
  await flush();
  const shown = told.slice(0, options.limit);
  const isFull = told.length > shown.length || shown.length === options.limit;
  const last = isFull ? shown.at(-1)!.seq : options.from - searched + 1;
  const isCut = isFull || searched >= searchedMax;
  return { told: shown, next: isCut && last > 1 ? last : null };
}

const kindOrder: readonly ChangeKind[] = ['added', 'edited', 'moved', 'moved-and-edited', 'removed', 'touched'];

function countKinds(changes: readonly NodeChange[]): KindCounts {
  const counts: Partial<Record<ChangeKind, number>> = {};
  for (const { kind } of changes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function countsToText(counts: KindCounts): string {
  const parts = kindOrder.flatMap((kind) => (counts[kind] === undefined ? [] : [`${counts[kind]} ${kind}`]));
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

function toJson(told: Told, devices: DeviceNames): Record<string, unknown> {
  const { seq, timeMs, userId, deviceId, root, counts, named } = told;
  const device = devices.get(deviceId) ?? null;
  const time = new Date(timeMs).toISOString();
  const names = named === undefined ? {} : { changes: named.map(changeToJson) };
  return { seq, time, userId, deviceId, device, root, counts, ...names };
}

function toLines(
  { seq, timeMs, userId, deviceId, counts, named }: Told,
  devices: DeviceNames,
  mine: Pick<Credential, 'issuer'>,
): string[] {
  const who = `${nameToText(userIdToText(userId, mine))} on ${nameToText(devices.get(deviceId) ?? deviceId.slice(0, 8))}`;
  const head = `${String(seq).padStart(6)}  ${timeToText(timeMs)}  ${who}: ${countsToText(counts)}`;
  return [head, ...(named ?? []).map((change) => `        ${changeToText(change)}`)];
}

async function startOf({ history }: OpenedHistory, before: number | undefined): Promise<number> {
  const { seq } = await history.head();
  return before === undefined ? seq : Math.min(seq, before - 1);
}

async function printLog(
  context: CliContext,
  options: LogOptions,
  target: WorkspaceTarget,
  opened: OpenedHistory,
): Promise<void> {
  const path = options.path === undefined ? undefined : cleanPath(options.path);
  const found = await search(opened.history, {
    from: await startOf(opened, options.before),
    limit: options.limit,
    sinceMs: options.since === undefined ? Number.NEGATIVE_INFINITY : parseTime(options.since, Date.now()),
    path,
    names: options.names === true,
  });
  const devices = await readDeviceNames(target, context.signal);
  const { workspaceId, name } = target.workspace;
  const commits = found.told.map((each) => toJson(each, devices));
  const data = { workspaceId, name, commits, next: found.next, checkedBy: opened.trust };
  const mine = openCredentials(context.configFolder).get(target.connection.server).credential;
  context.print(options, data, () => found.told.flatMap((each) => toLines(each, devices, mine)));
  if (found.told.length === 0) context.note(options, 'No such commit.');
  if (found.next !== null) context.note(options, `There is more: go on with --before ${found.next}`);
}

export const logCommand: DefineCommand = (context) =>
  newCommand('log', 'show the commits of a workspace, newest first: who changed what, and when', [
    'tide log ~/Photos',
    'tide log --workspace photos --since yesterday --names',
    'tide log ~/Photos --path 2026/summer --limit 5 --json',
  ])
    .argument('[folder]', 'a linked folder', '.')
    .option(...workspaceOption)
    .option('--limit <count>', 'commits at most', parseCount, limitDefault)
    .option('--since <time>', 'not older than this: 2h, yesterday, 2026-11-20, …')
    .option('--before <seq>', 'commits before this one', parseCount)
    .option(
      '--path <path>',
      `only commits that touched this file or folder of the workspace; looks at ${searchedMax} commits at a time`,
    )
    .option('--names', 'name each file and folder that changed')
    .option(...serverOption)
    .action(async (folder: string, options: LogOptions) => {
      const target = await openWorkspace(context, options, folder);
      await printLog(context, options, target, await openHistory(context, target));
    });
