/** Keeps `unselected` true while the workspace, the disk and the choice change: see selection.ts. Touches neither disk nor server. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import type { NodeId } from '../../../shared/core/ids.ts';
import type { Operation } from '../../../shared/core/wire/operation.ts';
import type { Journal } from '../journal/journal.ts';
import { Selection } from './selection.ts';

/** Nodes of one transaction. */
const batchNodes = 4_096;

/**
 * To be called whenever the journal has followed the workspace, or was told what is on the disk, before anything is planned. Costs
 * one query where nothing is excluded, else what the differences cost. Where links are skipped, those of the workspace that are not here
 * are unselected too.
 */
export function followSelection({ journal, folder }: FollowNeeds): void {
  const { listings, excluded } = journal;
  const { skipsLinks } = folder;
  if (excluded.list().length === 0 && !listings.hasUnselected() && !skipsLinks) return;
  const following = { journal, selection: new Selection(journal), skipsLinks };
  eachPage(following, (after) => listings.remoteChanges(after, batchNodes));
  eachPage(following, (after) => listings.localGone(after, batchNodes));
}

interface FollowNeeds {
  readonly journal: Journal;
  readonly folder: { readonly skipsLinks: boolean };
}

interface Following {
  readonly journal: Journal;
  readonly selection: Selection;
  readonly skipsLinks: boolean;
}

function eachPage(following: Following, page: (after: string) => readonly NodeId[]): void {
  const { journal } = following;
  for (let after = ''; ;) {
    const ids = page(after);
    const last = ids.at(-1);
    if (last === undefined) return;
    after = last;
    journal.transaction(() => {
      journal.trees.batch(ids, () => {
        for (const id of ids) follow(following, id);
      });
    });
  }
}

function follow({ journal, selection, skipsLinks }: Following, nodeId: NodeId): void {
  const { trees } = journal;
  const isUnselected = trees.isUnselected(nodeId);
  const remote = trees.getRemote(nodeId);
  const isSkipped = skipsLinks && remote?.entry.kind === 'symlink';
  if (remote === undefined) {
    if (isUnselected) trees.unselect(nodeId);
  } else if (selection.isUnwanted(nodeId) || isSkipped) {
    if (trees.getLocal(nodeId) !== undefined) return;
    if (isSkipped) journal.excluded.markUnselected();
    trees.unselect(nodeId);
  } else if (isUnselected) {
    selectTree(journal, selection, nodeId);
  }
}

/**
 * What is unselected in a tree of the workspace counts as never materialised from now on, so that it is fetched; but not what is
 * excluded by itself. Returns how many nodes that are. To be called in a transaction.
 */
export function selectTree({ trees, listings }: Journal, selection: Selection, top: NodeId): number {
  let selected = 0;
  const queue = [top];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (selection.excluded.has(id)) continue;
    if (trees.isUnselected(id)) {
      trees.rebase(id, undefined);
      selected++;
    }
    if (trees.getRemote(id)?.entry.kind !== 'folder') continue;
    for (const { entry } of listings.remoteChildren(id)) queue.push(entry.nodeId);
  }
  return selected;
}

/** Throws `internal` before anything of a plan is carried out that would tell the server of a node that this device chose not to have. */
export function mustLeaveUnselected({ trees }: Journal, operations: readonly Operation[]): void {
  const told = operations.find(({ nodeId }) => trees.isUnselected(nodeId));
  if (told === undefined) return;
  throw new TidemarkError('internal', 'what is excluded on this device would have been changed; please report this', {
    data: { operation: told.kind, nodeId: told.nodeId },
  });
}
