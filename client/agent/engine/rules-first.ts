/**
 * Rules of ignoring that others added hold before anything that is new here is sent: a device that is linked over a folder full of
 * build output, or that made some before it heard of the rule, does not upload it. So files of rules are fetched first, with the
 * folders that they are in, and the disk is looked at again.
 */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { rulesName } from '../ignore/rules.ts';
import type { Journal } from '../journal/journal.ts';
import { pathOf } from '../journal/paths.ts';
import { applyPlan } from './apply.ts';
import { planPage, rebasePlanned } from './converge.ts';
import type { SyncRun } from './sync-run.ts';

/** Plans of one call: one for each level of folders that turn out to be the same here and there. */
const plansMax = 64;

/** Files of rules that differ in the workspace, with the folders above them that do. */
function changedRules({ listings, trees }: Journal): NodeId[] {
  const ids = new Set<NodeId>();
  for (const nodeId of listings.remoteChangesNamed(rulesName)) {
    for (let id = nodeId; id !== rootNodeId && !ids.has(id);) {
      const placed = trees.getRemote(id);
      if (placed === undefined) break;
      ids.add(id);
      id = placed.parentId;
    }
  }
  return [...ids].filter((id) => trees.isRemoteChange(id));
}

/** What is new on this disk where those belong. */
function newAtPlacesOf({ listings, trees }: Journal, nodeIds: readonly NodeId[]): NodeId[] {
  return nodeIds.flatMap((nodeId) => {
    let parentId: NodeId | undefined = rootNodeId;
    for (const name of pathOf(nodeId, (id) => trees.getRemote(id))?.split('/') ?? []) {
      parentId = parentId === undefined ? undefined : listings.localAt({ parentId, name })?.nodeId;
    }
    return parentId !== undefined && trees.isLocalChange(parentId) ? [parentId] : [];
  });
}

/** Whether rules came, so that the disk is to be looked at again. Does nothing where nothing waits to be sent. */
export async function applyRulesFirst(run: SyncRun): Promise<boolean> {
  const { journal } = run.needs;
  for (let plans = 0; plans < plansMax && journal.listings.localChanges('', 1).length > 0; plans++) {
    const wanted = changedRules(journal);
    if (wanted.length === 0) return false;
    run.enter({ name: 'negotiating' });
    const planned = planPage(run, newAtPlacesOf(journal, wanted), wanted);
    if (planned.halts.length > 0) return false;
    if (planned.matches.length > 0) {
      rebasePlanned(journal, planned);
      continue;
    }
    return planned.applications.length > 0 && (await applyPlan(run, planned.applications)) > 0;
  }
  return false;
}
