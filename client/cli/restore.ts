/** `tide restore`: brings a file, a folder or everything back to what it was, as a new commit; or a file of then to this disk. */
import { randomBytes } from 'node:crypto';
import { TidemarkError } from '../../shared/core/errors.ts';
import { bytesToRequestId } from '../../shared/core/ids.ts';
import { findNode } from '../agent/history/tree-paths.ts';
import { type DefineCommand, newCommand, serverOption } from './command.ts';
import { commandLineDevice } from './command-line-device.ts';
import { type ConfirmOptions, confirm, yesOption } from './confirm.ts';
import { type CliContext, countToText, nameToText } from './context.ts';
import { type AtOption, type PathAt, mustBeFile, openPathAt } from './file-at.ts';
import { findLast } from './find-last.ts';
import { mustFindAt, pathToText, pointToJson, pointToText } from './open-history.ts';
import { type RestoreTarget, planRestore, printPlan } from './restore-plan.ts';
import { writeToDisk } from './write-to-disk.ts';
import { workspaceOption } from './workspace-target.ts';
import { usageError } from './usage-error.ts';

interface RestoreOptions extends AtOption, ConfirmOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly to?: string;
  readonly force?: boolean;
}

/** To when, and what. Throws `malformed` where the command line does not say when. */
async function findTarget({ opened, path, point }: PathAt): Promise<RestoreTarget> {
  const { history } = opened;
  const head = await history.head();
  if (point !== undefined) {
    const at = await history.point(point);
    return { head, at, path, node: path === '' ? undefined : await mustFindAt(history, at, path) };
  }
  if (path !== '') {
    const { node, at, stands } = await findLast(history, head, path);
    if (!stands) return { head, at, path, node };
  }
  throw usageError(
    `say to when: --at 12, --at yesterday, or ${path === '' ? '--all --at …' : 'PATH@12'}; \`tide history\` and \`tide log\` show what there was`,
  );
}

interface Counts {
  readonly restored: number;
  readonly moved: number;
  readonly deleted: number;
  readonly refused: number;
}

/** Commit after commit until all is as it was. Each is sent again under its own key, so a lost answer restores nothing twice. */
async function restoreAll(
  context: CliContext,
  { connection, workspace, linked }: PathAt,
  { at, node }: RestoreTarget,
): Promise<Counts & { readonly commits: number; readonly seq: number | null }> {
  const deviceId = linked?.link.deviceId ?? (await commandLineDevice(context, connection));
  const request = { deviceId, seq: at.seq, timeMs: null, nodeId: node?.nodeId ?? null, path: null };
  const counts = { restored: 0, moved: 0, deleted: 0, refused: 0 };
  let seq: number | null = null;
  for (let commits = 1; ; commits++) {
    const requestId = bytesToRequestId(new Uint8Array(randomBytes(16)));
    const answer = await connection.api.restore(workspace.workspaceId, request, requestId, context.signal);
    for (const name of ['restored', 'moved', 'deleted'] as const) counts[name] += answer[name];
    counts.refused = answer.refused;
    seq = answer.head?.seq ?? seq;
    if (!answer.more) return { ...counts, commits, seq };
    if (answer.restored + answer.moved + answer.deleted === 0) {
      throw new TidemarkError('internal', 'the server says that there is more to restore, and restores nothing');
    }
  }
}

async function toDisk(
  context: CliContext,
  options: RestoreOptions,
  found: PathAt,
  target: RestoreTarget,
): Promise<void> {
  const file = mustBeFile(target.node?.entry, target.path);
  const pieces = found.opened.read(file);
  const name = target.node?.place?.name ?? 'restored';
  const written = await writeToDisk({ to: options.to!, name, file, pieces, force: options.force === true });
  const data = { path: target.path, at: pointToJson(target.at), to: written, size: file.size, root: file.content };
  context.print(options, data, () => [`Wrote ${written}: ${pathToText(target.path)} after ${pointToText(target.at)}.`]);
}

function summary({ restored, moved, deleted, refused }: Counts): string {
  const parts = [`${restored} restored`, `${moved} moved back`, `${deleted} removed`];
  return [...parts, ...(refused > 0 ? [`${refused} could not be brought back`] : [])].join(', ');
}

function whatToText({ path }: RestoreTarget, workspaceName: string): string {
  return path === '' ? `all of ${nameToText(workspaceName)}` : nameToText(path);
}

/** The head that was replaced is a point like any other; but what was not there then is taken back by deleting it. */
async function undoLines({ opened }: PathAt, { head, path, node }: RestoreTarget): Promise<readonly string[]> {
  if (node === undefined) return [`To take it back: tide restore --all --at ${head.seq}`];
  const stood = await findNode(opened.history.nodes, head.root, node.nodeId);
  return stood === undefined ? [] : [`To take it back: tide restore ${JSON.stringify(path)} --at ${head.seq}`];
}

async function restoreInWorkspace(
  context: CliContext,
  options: RestoreOptions,
  found: PathAt,
  target: RestoreTarget,
): Promise<void> {
  const { at, head, path } = target;
  const what = whatToText(target, found.workspace.name);
  const plan = path === '' || options.dryRun === true ? await planRestore(found.opened.history, target) : [];
  if (options.dryRun === true) {
    context.note(options, `To bring ${what} back to ${pointToText(at)}, this would change:`);
    printPlan(context, options, target, plan);
    return;
  }
  if (path === '') {
    const question = `Bring ${what} back to ${pointToText(at)} (${countToText(plan.length, 'change')})? It can be taken back.`;
    await confirm(context, options, question);
  }
  const done = await restoreAll(context, found, target);
  const data = { path, at: pointToJson(at), before: pointToJson(head), ...done };
  const undo = await undoLines(found, target);
  context.print(options, data, () => [
    `Brought ${what} back to ${pointToText(at)}: ${summary(done)}.`,
    ...(found.linked === undefined ? [] : ['The next sync brings it to this disk.']),
    ...undo,
  ]);
}

export const restoreCommand: DefineCommand = (context) =>
  newCommand('restore', 'bring back a file, a folder or everything as it was; nothing of the history is lost by it', [
    'tide restore ~/Notes/deleted.txt               # as it was last',
    'tide restore ~/Notes/todo.txt@12',
    'tide restore ~/Photos/2026 --at yesterday --dry-run',
    'tide restore --all --at "2026-11-20 14:30" --workspace photos',
    'tide restore ~/Notes/todo.txt@12 --to old-todo.txt',
  ])
    .argument('[path]', 'with --workspace a path in the workspace, else one in a linked folder; PATH@POINT as --at')
    .option(...workspaceOption)
    .option('--at <point>', 'back to when: after a commit (12) or at a time (2h, yesterday, "2026-11-20 14:30")')
    .option('--all', 'the whole workspace')
    .option('-n, --dry-run', 'show what would change, and change nothing')
    .option('--to <path>', 'write the file of then here, and leave the workspace as it is')
    .option('--force', 'with --to: over a file that is there')
    .option(...yesOption)
    .option(...serverOption)
    .action(async (text: string | undefined, options: RestoreOptions) => {
      if ((text === undefined) === (options.all !== true)) {
        throw usageError('say what to restore: a PATH, or --all for the whole workspace');
      }
      const found = await openPathAt(context, options, text ?? (options.workspace === undefined ? '.' : ''));
      const whole = options.all === true ? { ...found, path: '' } : found;
      if (options.all !== true && whole.path === '') {
        throw usageError('that is the whole workspace; if it is meant, say --all');
      }
      const target = await findTarget(whole);
      if (options.to === undefined) await restoreInWorkspace(context, options, whole, target);
      else await toDisk(context, options, whole, target);
    });
