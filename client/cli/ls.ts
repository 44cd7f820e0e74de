/** `tide ls`: what a workspace's folder holds, now or at a point of its history. */
import { InvalidArgumentError } from 'commander';
import type { Entry } from '../../shared/core/tree/entry.ts';
import { TidemarkError } from '../../shared/core/errors.ts';
import type { TreePoint } from '../agent/history/history.ts';
import type { History } from '../agent/history/history.ts';
import { type FoundNode, type ListedNode, isFolder, joinPath, listFolder } from '../agent/history/tree-paths.ts';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import { nameToText, tableToLines } from './context.ts';
import { parsePoint } from './history-point.ts';
import { mustFindAt, openHistory, pathToText, pointToText } from './open-history.ts';
import { type WorkspaceOption, openPath, workspaceOption } from './workspace-target.ts';

interface LsOptions extends WorkspaceOption {
  readonly at?: string;
  readonly recursive?: boolean;
  readonly limit: number;
}

/** Entries shown unless more are asked for. */
const limitDefault = 10_000;
/** Folders that are read at once. */
const foldersAtOnce = 32;

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d{1,9}$/.test(text) || count < 1) throw new InvalidArgumentError('It is a whole number from 1.');
  return count;
}

interface Listed extends ListedNode {
  /** From the folder that is listed. */
  readonly path: string;
}

/** The folder's entries, each followed by what is below it when that is wanted; at most `max`. */
async function listAll(
  { nodes }: History,
  { root }: TreePoint,
  folder: FoundNode,
  max: number,
  recursive: boolean,
): Promise<readonly Listed[]> {
  const listed: Listed[] = [];
  const list = (nodeId: FoundNode['nodeId']) => listFolder(nodes, root, nodeId, max - listed.length);
  async function add(items: readonly ListedNode[], above: string): Promise<void> {
    const folders = items.filter(({ entry }) => entry.kind === 'folder');
    const below = new Map<ListedNode, readonly ListedNode[]>();
    let ahead = 0;
    for (const item of items) {
      if (listed.length >= max) return;
      const path = joinPath(above, item.name);
      listed.push({ ...item, path });
      if (!recursive || item.entry.kind !== 'folder') continue;
      if (!below.has(item)) {
        const next = folders.slice(ahead, (ahead += foldersAtOnce));
        const lists = await Promise.all(next.map(({ entry }) => list(entry.nodeId)));
        for (const [i, each] of next.entries()) below.set(each, lists[i]!);
      }
      await add(below.get(item)!, path);
      below.delete(item);
    }
  }
  await add(await list(folder.nodeId), '');
  return listed;
}

function toJson({ name, path, entry }: Listed): Record<string, unknown> {
  const detail =
    entry.kind === 'file'
      ? { size: entry.size, root: entry.content }
      : entry.kind === 'symlink'
        ? { target: entry.target }
        : {};
  return {
    name,
    path,
    kind: entry.kind,
    nodeId: entry.nodeId,
    modified: new Date(entry.mtimeMs).toISOString(),
    mode: entry.mode,
    ...detail,
  };
}

function shownName(path: string, entry: Entry): string {
  const text = nameToText(path);
  return entry.kind === 'folder'
    ? `${text}/`
    : entry.kind === 'symlink'
      ? `${text} -> ${nameToText(entry.target)}`
      : text;
}

function toRow({ path, entry }: Listed): string[] {
  const size = entry.kind === 'file' ? String(entry.size) : '-';
  const modified = new Date(entry.mtimeMs).toISOString().slice(0, 16);
  return [entry.kind.padEnd(7), size.padStart(12), modified, shownName(path, entry)];
}

export const lsCommand: DefineCommand = (context) =>
  newCommand('ls', 'list a folder of a workspace, as the server has it', [
    'tide ls --workspace photos',
    'tide ls ~/Photos/2026 --recursive',
    'tide ls --workspace photos 2026/summer --at yesterday --json',
  ])
    .argument('[path]', 'with --workspace a folder in the workspace, else a path in a linked folder')
    .option(...workspaceOption)
    .option('--at <point>', 'as it was: after a commit (12) or at a time (2h, yesterday, "2026-11-20 14:30")', 'now')
    .option('-R, --recursive', 'with all that is below')
    .option('--limit <count>', 'entries at most', parseCount, limitDefault)
    .option(...serverOption)
    .action(async (pathText: string | undefined, options: LsOptions) => {
      const text = pathText ?? (options.workspace === undefined ? '.' : '');
      const target = await openPath(context, options, text);
      const { history } = await openHistory(context, target);
      const point = await history.point(parsePoint(options.at ?? 'now', Date.now()));
      const folder = await mustFindAt(history, point, target.path);
      if (!isFolder(folder)) {
        throw new TidemarkError('not-found', `${pathToText(target.path)} is no folder; \`tide cat\` prints a file`);
      }
      const found = await listAll(history, point, folder, options.limit + 1, options.recursive === true);
      const items = found.slice(0, options.limit);
      const truncated = found.length > items.length;
      const data = { path: target.path, seq: point.seq, root: point.root, items: items.map(toJson), truncated };
      if (options.at !== 'now') context.note(options, `After ${pointToText(point)}:`);
      context.print(options, data, () => tableToLines(items.map(toRow)));
      if (truncated) context.note(options, `There is more: --limit shows more than ${options.limit}.`);
    });
