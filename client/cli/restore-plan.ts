/** What a restore would change, found by comparing the tree of now with that of then, as the server does (docs/protocol.md, section 12.8). */
import type { History, TreePoint } from '../agent/history/history.ts';
import { type NamedChange, changesBetween, nameChanges } from '../agent/history/tree-changes.ts';
import { type FoundNode, PathFinder, findNode, isFolder } from '../agent/history/tree-paths.ts';
import { changeToJson, changeToText } from './change-text.ts';
import type { CliContext, OutputOptions } from './context.ts';
import { pointToJson } from './open-history.ts';

export interface RestoreTarget {
  readonly head: TreePoint;
  readonly at: TreePoint;
  /** As it was asked for; empty for everything. */
  readonly path: string;
  /** As it was then; undefined for everything. */
  readonly node: FoundNode | undefined;
}

function isBelow(path: string | undefined, folder: string | undefined): boolean {
  return path !== undefined && folder !== undefined && path.startsWith(`${folder}/`);
}

/** The changes from now to then. A move of the target itself is none: it stays where it is now. */
export async function planRestore(
  { nodes }: History,
  { head, at, node }: RestoreTarget,
): Promise<readonly NamedChange[]> {
  const between = await changesBetween(nodes, head.root, at.root);
  const changes = between.filter(({ kind }) => kind !== 'touched');
  const target = node?.nodeId;
  const isOfTarget = (change: { readonly nodeId: string; readonly kind: string }): boolean =>
    change.nodeId === target && change.kind !== 'moved';
  if (node === undefined) return nameChanges(nodes, changes, head.root, at.root);
  if (!isFolder(node)) return nameChanges(nodes, changes.filter(isOfTarget), head.root, at.root);
  const now = await findNode(nodes, head.root, node.nodeId);
  const folderThen = node.place === undefined ? undefined : await new PathFinder(nodes, at.root).pathOf(node.place);
  const folderNow = now?.place === undefined ? undefined : await new PathFinder(nodes, head.root).pathOf(now.place);
  const named = await nameChanges(nodes, changes, head.root, at.root);
  return named.filter(
    (change) => isOfTarget(change) || isBelow(change.to, folderThen) || isBelow(change.from, folderNow),
  );
}

export function printPlan(
  context: CliContext,
  options: OutputOptions,
  { at, head, path }: RestoreTarget,
  plan: readonly NamedChange[],
): void {
  const data = { dryRun: true, path, at: pointToJson(at), before: pointToJson(head), changes: plan.map(changeToJson) };
  context.print(options, data, () => (plan.length === 0 ? ['nothing'] : plan.map(changeToText)));
}
