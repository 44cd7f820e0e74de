/** What must hold of devices and server, whatever happened. Each throws `Broken`. */
import { controlFolder } from '../../shared/core/paths/control-folder.ts';
import { aliasKey } from '../../shared/core/paths/alias-key.ts';
import type { SyncReport } from '../../client/agent/engine/report.ts';
import { fileErrorCode } from '../../client/agent/folder/file-problem.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { type Agent, Killed } from './agent.ts';
import { Broken } from './broken.ts';
import type { Contents } from './contents.ts';
import type { ServerView } from './server-view.ts';
import type { Tally } from './tally.ts';
import { type Tree, differences, filesOf, outside, readTree, root } from './tree.ts';
import type { User } from './user.ts';

export interface Checked {
  readonly agent: Agent;
  readonly user: User;
}

/** What devices are checked against. */
export interface Truth {
  readonly view: ServerView;
  readonly contents: Contents;
  readonly tally: Tally;
}

function treeOf({ agent, user }: Checked): Tree {
  return user.quietly(() => readTree(agent.fs));
}

/** I3, I17: every file in view holds something that a user wrote, whole. */
export function checkView(checked: Checked, { contents, tally }: Pick<Truth, 'contents' | 'tally'>): void {
  for (const [path, item] of treeOf(checked)) {
    if (item.kind !== 'file') continue;
    tally.check('I3');
    if (contents.isKnown(item.bytes)) continue;
    const detail = `${checked.agent.name} shows bytes at ${path} that nobody wrote (${item.bytes.length} bytes)`;
    throw new Broken('I3', detail);
  }
}

/** I20: a sync that calls itself up to date, and was not disturbed, left the folder as the workspace is. */
export async function checkUpToDate(
  checked: Checked,
  { view, contents, tally }: Truth,
  report: SyncReport,
): Promise<void> {
  tally.check('I20');
  const there = await view.treeAt(report.seq);
  const lines = differences(treeOf(checked), there, (bytes) => contents.labelOf(bytes));
  if (lines.length > 0)
    throw new Broken('I20', `${checked.agent.name} is not up to date, and says so:\n${lines.join('\n')}`);
}

/** At the end: nothing is lost; and, at rest, everybody has the same, which is what the server has. */
export async function checkRest(devices: readonly Checked[], truth: Truth, isAtRest: boolean): Promise<void> {
  const { view, contents, tally } = truth;
  const head = await view.head();
  const there = await view.treeAt(head.seq);
  tally.check('I18');
  if (view.root !== head.root) throw new Broken('I18', 'replaying the journal gives another root than the head');
  const trees = devices.map(treeOf);
  for (const bytes of filesOf(there)) {
    tally.check('I3');
    if (!contents.isKnown(bytes)) throw new Broken('I3', 'the workspace has bytes that nobody wrote');
  }
  for (const checked of devices) {
    checkView(checked, truth);
    checkControlFolder(checked, tally);
    checkOutside(checked, tally);
  }
  tally.check('I2');
  const lost = contents.missingFrom([...filesOf(there), ...trees.flatMap(filesOf)]);
  if (lost.length > 0) throw new Broken('I2', `lost, and nobody took it away: ${lost.join(', ')}`);
  if (!isAtRest) return;
  if (hasAliases(there) && devices.some(({ agent }) => agent.folds)) return;
  for (const [i, tree] of trees.entries()) await checkDeviceAtRest(devices[i]!, tree, there, truth);
}

async function checkDeviceAtRest({ agent }: Checked, tree: Tree, there: Tree, truth: Truth): Promise<void> {
  const { view, contents, tally } = truth;
  tally.check('I5');
  const lines = differences(tree, there, (bytes) => contents.labelOf(bytes));
  if (lines.length > 0) throw new Broken('I5', `${agent.name} differs from the server:\n${lines.join('\n')}`);
  const { marks, upToDate, problems } = await agent.status();
  if (marks.local !== view.root || marks.synced !== view.root || marks.remote !== view.root) {
    throw new Broken('I5', `the marks of ${agent.name} are not the head's: ${JSON.stringify(marks)}`);
  }
  tally.check('I20');
  if (!upToDate) throw new Broken('I20', `${agent.name} is up to date, and says no: ${JSON.stringify(problems)}`);
}

/** Names that a device which folds case cannot hold side by side. */
function hasAliases(tree: Tree): boolean {
  const keys = [...tree.keys()].map((path) => path.split('/').map(aliasKey).join('/'));
  return new Set(keys).size < keys.length;
}

function checkControlFolder({ agent, user }: Checked, tally: Tally): void {
  tally.check('I17');
  const left = user.quietly(() => agent.fs.list(`${root}/${controlFolder}/tmp`).names);
  if (left.length > 0) throw new Broken('I17', `${agent.name} left temp files: ${left.join(', ')}`);
}

/** I16: what lies beside the root is as it was. */
function checkOutside({ agent, user }: Checked, tally: Tally): void {
  tally.check('I16');
  const tree = user.quietly(() => readTree(agent.fs, outside));
  const secret = tree.get('secret');
  if (tree.size !== 1 || secret?.kind !== 'file' || secret.bytes.length !== 17) {
    throw new Broken('I16', `${agent.name} changed something outside its root`);
  }
}

/** What is never the world's fault, however broken it is. */
const ourCodes: ReadonlySet<string> = new Set([
  'internal',
  'bad-signature',
  'malformed',
  'too-large',
  'stale-base',
  'conflict',
]);

/** I23: a sync ends with an error of the world while it is broken, never with one of ours, and with none once faults have ended. */
export function checkFailure(
  name: string,
  error: unknown,
  world: { readonly isCalm: boolean; readonly hasDiskErrors: boolean; readonly tally: Tally },
): void {
  if (error instanceof Killed) return;
  world.tally.check('I23');
  if (!isTidemarkError(error)) {
    if (fileErrorCode(error) !== undefined && world.hasDiskErrors && !world.isCalm) return;
    throw error instanceof Error ? error : new Error(String(error));
  }
  if (!ourCodes.has(error.code) && !world.isCalm) return;
  const { code, message, data, stack } = error;
  throw new Broken('I23', `${name} ended with ${code}: ${message} ${JSON.stringify(data)}\n${stack}`, { cause: error });
}
