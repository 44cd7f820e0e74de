/** `tide history FILE`: what became of one file or folder, version by version, newest first. */
import type { NodeId } from '../../shared/core/ids.ts';
import type { NodeVersion } from '../../shared/core/wire/node-versions.ts';
import type { TreePoint } from '../agent/history/history.ts';
import { PathFinder } from '../agent/history/tree-paths.ts';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import { bytesToText, emphasise, nameToText, tableToLines } from './context.ts';
import { type DeviceNames, readDeviceNames } from './device-names.ts';
import { openPathAt, type AtOption, type PathAt } from './file-at.ts';
import { findLast } from './find-last.ts';
import { timeToText } from './history-point.ts';
import { parseCount } from './ls.ts';
import { mustFindAt, pathToText } from './open-history.ts';
import { workspaceOption } from './workspace-target.ts';
import { usageError } from './usage-error.ts';

interface HistoryOptions extends AtOption {
  readonly limit: number;
  readonly before?: number;
}

const limitDefault = 50;

interface Version extends NodeVersion {
  /** Where it was after the commit (for `deleted`: before), as far as its folder is still there; else with `…` for the folder. */
  readonly path: string;
}

async function readVersions(
  { connection, workspace }: PathAt,
  nodeId: NodeId,
  { limit, before }: HistoryOptions,
  signal: AbortSignal,
): Promise<readonly NodeVersion[]> {
  const versions: NodeVersion[] = [];
  let from = before ?? null;
  do {
    const page = await connection.api.nodeVersions(workspace.workspaceId, nodeId, from, signal);
    versions.push(...page.versions);
    from = page.next;
  } while (from !== null && versions.length <= limit);
  return versions;
}

async function withPaths(found: PathAt, head: TreePoint, versions: readonly NodeVersion[]): Promise<Version[]> {
  const paths = new PathFinder(found.opened.history.nodes, head.root);
  return Promise.all(
    versions.map(async (version) => {
      const { parentId, name } = version;
      return { ...version, path: (await paths.pathOf({ parentId, name })) ?? `…/${name}` };
    }),
  );
}

/** What happened, with where it came from when it was elsewhere before. */
function changeText({ change, path }: Version, older: Version | undefined): string {
  const came = older !== undefined && older.path !== path ? ` from ${nameToText(older.path)}` : '';
  if (change === 'moved') return `moved${came}`;
  if (change === 'moved-and-edited') return `moved${came}, and edited`;
  return change === 'returned' ? 'restored' : change;
}

function toRow(version: Version, older: Version | undefined, devices: DeviceNames): string[] {
  const { seq, timeMs, deviceId, size, kind, path } = version;
  const device = nameToText(devices.get(deviceId) ?? deviceId.slice(0, 8));
  const bytes = kind === 'file' ? bytesToText(size) : '-';
  return [`@${seq}`, timeToText(timeMs), device, bytes, changeText(version, older), nameToText(path)];
}

function toJson(version: Version, devices: DeviceNames): Record<string, unknown> {
  const { timeMs, mtimeMs, deviceId } = version;
  const time = new Date(timeMs).toISOString();
  return { ...version, time, modified: new Date(mtimeMs).toISOString(), device: devices.get(deviceId) ?? null };
}

/** The node that is meant: at the point that is named; else as it is now, or was last. */
async function findMeant({ opened, path, point }: PathAt, head: TreePoint): Promise<NodeId> {
  const { history } = opened;
  if (path === '') throw usageError('of the whole workspace: `tide log` shows its commits');
  if (point !== undefined) return (await mustFindAt(history, await history.point(point), path)).nodeId;
  return (await findLast(history, head, path)).node.nodeId;
}

export const historyCommand: DefineCommand = (context) =>
  newCommand('history', 'show the versions of a file or folder, newest first; of a deleted one too', [
    'tide history ~/Notes/todo.txt',
    'tide history plan.docx --workspace office --json',
    'tide history old/name.txt --workspace office --at 2026-11-20',
  ])
    .argument('<path>', 'with --workspace a path in the workspace, else one in a linked folder; as it is now, or was')
    .option(...workspaceOption)
    .option('--at <point>', 'what was at the path then: after a commit (12) or at a time (2h, yesterday)')
    .option('--limit <count>', 'versions at most', parseCount, limitDefault)
    .option('--before <seq>', 'versions before this commit', parseCount)
    .option(...serverOption)
    .action(async (text: string, options: HistoryOptions) => {
      const found = await openPathAt(context, options, text);
      const head = await found.opened.history.head();
      const nodeId = await findMeant(found, head);
      const read = await withPaths(found, head, await readVersions(found, nodeId, options, context.signal));
      const shown = read.slice(0, options.limit);
      const devices = await readDeviceNames(found, context.signal);
      const next = read.length > shown.length ? shown.at(-1)!.seq : null;
      const data = { nodeId, path: found.path, versions: shown.map((each) => toJson(each, devices)), next };
      context.print(options, data, () =>
        tableToLines([
          ['', 'TIME', 'DEVICE', 'SIZE', 'WHAT', 'PATH'].map(emphasise),
          ...shown.map((version, i) => toRow(version, read[i + 1], devices)),
        ]),
      );
      if (next !== null) context.note(options, `There is more: go on with --before ${next}`);
      else if (shown.length === 0) context.note(options, `No versions of ${pathToText(found.path)} there.`);
    });
