/**
 * Selective sync: what of the workspace this device does not want on its disk. It is never a deletion.
 *
 *     excluded    nodes that the user chose not to have here (a table). With each all that is under it in the workspace: unwanted
 *     unselected  unwanted and not on this disk (a row of `local`): no difference, ever
 *     to leave    unwanted and still on this disk exactly as it was synced: it is removed here, and then unselected
 *     kept        unwanted and on this disk otherwise: the user's changes are told to the workspace first, as any; then it is to leave
 *
 * Invariants:
 *
 * 1. The merge base of an unselected node is what the workspace holds. So the mark of `synced` is the workspace's, and at rest
 *    every device has the same, whatever it selected.
 * 2. Nothing is sent to the server about an unselected node: the planner takes it for settled whoever asks (plan/decider.ts), and a plan that
 *    says otherwise is thrown away (`mustLeaveUnselected`).
 * 3. Absence of what is unwanted proves nothing. If it is found to be gone from this disk, however that came, it is unselected:
 *    this device excluded it, was stopped in the middle of removing it, or the user was quicker.
 * 4. The choice is durable before the first file is removed, and files are removed as any that others deleted: with an intent
 *    written down, and only while the file is to its stat what was synced.
 * 5. A node that becomes wanted again (included, or moved out of what is excluded) counts as never materialised, and is fetched.
 *
 * Not guaranteed: that what is excluded is off this disk at once. A file that is not as it was synced stays until it is.
 */
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { limits } from '../../../shared/core/limits.ts';
import { samePlace } from '../../../shared/core/tree/keys.ts';
import type { Journal } from '../journal/journal.ts';
import { holdsEntry } from '../plan/decide.ts';
import type { PlanSelection } from '../plan/plan-trees.ts';

type SelectionJournal = Pick<Journal, 'trees' | 'excluded'>;

/** The selection as the journal has it at this moment: to be made anew when the workspace's tree or the choice changed. */
export class Selection implements PlanSelection {
  readonly #trees: Journal['trees'];
  readonly #excluded: ReadonlySet<NodeId>;
  /** By folder. */
  readonly #unwanted = new Map<NodeId, boolean>();

  constructor({ trees, excluded }: SelectionJournal) {
    this.#trees = trees;
    this.#excluded = new Set(excluded.list());
  }

  get excluded(): ReadonlySet<NodeId> {
    return this.#excluded;
  }

  /** Whether the node, or a folder above it in the workspace, is excluded. */
  isUnwanted(nodeId: NodeId): boolean {
    if (this.#excluded.size === 0) return false;
    const passed: NodeId[] = [];
    let isUnwanted = false;
    for (let id = nodeId; id !== rootNodeId && passed.length <= limits.treeDepthMax;) {
      const known = this.#unwanted.get(id) ?? (this.#excluded.has(id) ? true : undefined);
      if (known !== undefined) {
        isUnwanted = known;
        break;
      }
      passed.push(id);
      const placed = this.#trees.getRemote(id);
      if (placed === undefined) break;
      id = placed.parentId;
    }
    for (const id of passed) this.#unwanted.set(id, isUnwanted);
    return isUnwanted;
  }

  isUnselected(nodeId: NodeId): boolean {
    return this.#trees.isUnselected(nodeId);
  }

  isToLeave(nodeId: NodeId): boolean {
    if (!this.isUnwanted(nodeId)) return false;
    const trees = this.#trees;
    const local = trees.getLocal(nodeId);
    const synced = trees.getSynced(nodeId);
    const remote = trees.getRemote(nodeId);
    if (local === undefined || synced === undefined || remote === undefined) return false;
    if (!trees.isLocalChange(nodeId)) return true;
    return samePlace(local, synced) && holdsEntry(local, remote.entry);
  }

  /** Excluded nodes that the workspace has. */
  excludedHere(): NodeId[] {
    return [...this.#excluded].filter((id) => this.#trees.getRemote(id) !== undefined);
  }

  /** Excluded nodes that are on this disk yet: with all that is under them, they are to leave. */
  pending(): NodeId[] {
    return this.excludedHere().filter((id) => this.#trees.getLocal(id) !== undefined);
  }
}
