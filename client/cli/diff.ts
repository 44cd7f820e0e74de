/** `tide diff`: what differs between two points of a workspace, between two versions of a file, or between this disk and the workspace. */
import { type HistoryPoint, type TreePoint } from '../agent/history/history.ts';
import { changesBetween, nameChanges, touches } from '../agent/history/tree-changes.ts';
import { planAction } from './actions/plan.ts';
import { changeToJson, changeToText } from './change-text.ts';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import { type CliContext, countToText } from './context.ts';
import { diffFile } from './diff-file.ts';
import { getPoint, systemZone } from './history-point.ts';
import { parseCount } from './ls.ts';
import { openHistory, pointToJson, pointToText } from './open-history.ts';
import { planToLines } from './plan-lines.ts';
import { runAction } from './run-action.ts';
import { type WorkspaceOption, cleanPath, openWorkspace, workspaceOption } from './workspace-target.ts';
import { usageError } from './usage-error.ts';

export interface DiffOptions extends WorkspaceOption {
  readonly limit: number;
  readonly path?: string;
}

const limitDefault = 1_000;

async function diffDisk(context: CliContext, options: DiffOptions): Promise<void> {
  if (options.workspace !== undefined) {
    throw usageError('say since when: `tide diff yesterday --workspace …` compares then and now');
  }
  const plan = await runAction(context, options, '.', planAction, { massDeletionAllowed: true });
  context.print(options, plan, () => planToLines(plan));
}

async function diffPoints(
  context: CliContext,
  options: DiffOptions,
  points: readonly [HistoryPoint, HistoryPoint],
): Promise<void> {
  const target = await openWorkspace(context, options);
  const { history, trust } = await openHistory(context, target);
  const before: TreePoint = await history.point(points[0]);
  const after: TreePoint = await history.point(points[1]);
  const { nodes } = history;
  const changes = await changesBetween(nodes, before.root, after.root);
  const path = cleanPath(options.path ?? '');
  const wanted = changes.filter(({ kind }) => kind !== 'touched');
  const named = (await nameChanges(nodes, wanted, before.root, after.root)).filter((change) => touches(change, path));
  const shown = named.slice(0, options.limit);
  const data = {
    before: pointToJson(before),
    after: pointToJson(after),
    total: named.length,
    changes: shown.map(changeToJson),
    checkedBy: trust,
  };
  context.note(options, `From ${pointToText(before)} to ${pointToText(after)}: ${countToText(named.length, 'change')}`);
  context.print(options, data, () => shown.map(changeToText));
  if (shown.length < named.length) context.note(options, `There is more: --limit shows more than ${options.limit}.`);
}

export const diffCommand: DefineCommand = (context) =>
  newCommand('diff', 'show what differs between two points, two versions of a file, or this disk and the workspace', [
    'tide diff                            # this folder and the workspace: what a sync would do',
    'tide diff yesterday                  # then and now',
    'tide diff 12 15 --workspace photos   # two commits',
    'tide diff notes.txt                  # the workspace and the file on this disk, by lines',
    'tide diff notes.txt@12 notes.txt@15  # two versions of a file, by lines',
  ])
    .argument('[a]', 'a commit (12), a time (2h, yesterday, "2026-11-20 14:30"), a FILE or a FILE@POINT')
    .argument('[b]', 'the same; without it: now')
    .option(...workspaceOption)
    .option('--path <path>', 'between points: only this file or folder of the workspace')
    .option('--limit <count>', 'changes at most', parseCount, limitDefault)
    .option(...serverOption)
    .action(async (a: string | undefined, b: string | undefined, options: DiffOptions) => {
      if (a === undefined) return diffDisk(context, options);
      const nowMs = Date.now();
      const from = getPoint(a, nowMs, systemZone);
      const to = b === undefined ? 'now' : getPoint(b, nowMs, systemZone);
      if (from === undefined) return diffFile(context, options, a, b);
      if (to === undefined) throw usageError(`"${b}" is no point of the history, and "${a}" is one`);
      return diffPoints(context, options, [from, to]);
    });
