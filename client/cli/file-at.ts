/** A file of a workspace at a point of its history, by its path. */
import { TidemarkError } from '../../shared/core/errors.ts';
import type { FileEntry } from '../../shared/core/tree/entry.ts';
import type { HistoryPoint, TreePoint } from '../agent/history/history.ts';
import type { CliContext } from './context.ts';
import { parsePoint, splitPoint } from './history-point.ts';
import { type OpenedHistory, mustFindAt, openHistory, pathToText } from './open-history.ts';
import { type PathTarget, type WorkspaceOption, openPath } from './workspace-target.ts';

export interface AtOption extends WorkspaceOption {
  readonly at?: string;
}

export interface PathAt extends PathTarget {
  readonly opened: OpenedHistory;
  /** Undefined where neither `--at` nor `@` says when. */
  readonly point: HistoryPoint | undefined;
}

/** A path with its point: by `--at`, else by what follows its last `@` if that is one. */
export async function openPathAt(context: CliContext, options: AtOption, text: string): Promise<PathAt> {
  const nowMs = Date.now();
  const asked =
    options.at === undefined ? splitPoint(text, nowMs) : { path: text, point: parsePoint(options.at, nowMs) };
  const target = await openPath(context, options, asked.path);
  return { ...target, opened: await openHistory(context, target), point: asked.point };
}

export interface FileAt extends PathTarget {
  readonly opened: OpenedHistory;
  readonly at: TreePoint;
  readonly file: FileEntry;
}

/** Throws `not-found` when nothing is there then, `malformed` when it is no file. Without a point: now. */
export async function openFileAt(context: CliContext, options: AtOption, text: string): Promise<FileAt> {
  const { point = 'now', opened, ...target } = await openPathAt(context, options, text);
  const at = await opened.history.point(point);
  const { entry } = await mustFindAt(opened.history, at, target.path);
  return { ...target, opened, at, file: mustBeFile(entry, target.path) };
}

export function mustBeFile(entry: { readonly kind: string } | undefined, path: string): FileEntry {
  if (isFile(entry)) return entry;
  const kind = entry?.kind === 'symlink' ? 'a link' : 'a folder';
  throw new TidemarkError('malformed', `${pathToText(path)} is ${kind}, not a file; \`tide ls\` shows what there is`);
}

function isFile(entry: { readonly kind: string } | undefined): entry is FileEntry {
  return entry?.kind === 'file';
}
