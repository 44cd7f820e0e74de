/** A plan in the words of people: what would change where, by paths. */
import type { Trees } from '../agent/journal/trees.ts';
import { joinPath, pathOf } from '../agent/journal/paths.ts';
import type { Plan } from '../agent/plan/plan.ts';
import type { ApplyAction } from '../agent/ports.ts';
import type { NodeId } from '../../shared/core/ids.ts';
import type { Place } from '../../shared/core/tree/keys.ts';
import type { Operation } from '../../shared/core/wire/operation.ts';

export interface PlannedChange {
  /** Where it would be made. */
  readonly side: 'workspace' | 'folder';
  readonly what: 'upload' | 'download' | 'make-folder' | 'make-symlink' | 'set-mode' | 'move' | 'rename' | 'delete';
  readonly path: string;
  /** Where it is now, for a move or rename. */
  readonly from: string | null;
  /** Of the file to send or to fetch; zero for everything else. */
  readonly bytes: number;
  /** Whether something of this name is there already and is replaced. */
  readonly replaces: boolean;
  /** Both sides changed it: the workspace's rules decide, and no bytes are lost. */
  readonly isConflict: boolean;
}

export type PlanTreesOfJournal = Pick<Trees, 'getLocal' | 'getRemote' | 'getSynced'>;

type Described = Omit<PlannedChange, 'side' | 'isConflict'>;

function moved(from: string, path: string): Described {
  const folderOf = (text: string) => text.slice(0, text.lastIndexOf('/') + 1);
  return { what: folderOf(from) === folderOf(path) ? 'rename' : 'move', path, from, bytes: 0, replaces: false };
}

/** A path for people: where a folder on the way is not known, as in a journal that follows behind, its name stands alone. */
function pathIn(placeOf: (id: NodeId) => Place | undefined, { parentId, name }: Place): string {
  const folder = pathOf(parentId, placeOf);
  return folder === undefined ? name : joinPath(folder, name);
}

function describeOperation(trees: PlanTreesOfJournal, operation: Operation): Described {
  const here = (id: NodeId) => trees.getLocal(id) ?? trees.getRemote(id);
  const before = (id: NodeId) => trees.getSynced(id) ?? trees.getRemote(id) ?? trees.getLocal(id);
  const simple = { from: null, bytes: 0, replaces: false };
  switch (operation.kind) {
    case 'delete': {
      const place = before(operation.nodeId);
      return { what: 'delete', path: place === undefined ? '' : pathIn(before, place), ...simple };
    }
    case 'move':
      return moved(pathIn(before, operation.basePlace), pathIn(here, operation));
    case 'mkdir':
      return { what: 'make-folder', path: pathIn(here, operation), ...simple };
    case 'symlink':
      return { what: 'make-symlink', path: pathIn(here, operation), ...simple, replaces: operation.baseTarget != null };
    case 'put': {
      const isModeOnly = operation.baseContent === operation.content;
      return {
        what: isModeOnly ? 'set-mode' : 'upload',
        path: pathIn(here, operation),
        from: null,
        bytes: isModeOnly ? 0 : operation.size,
        replaces: operation.baseContent != null,
      };
    }
  }
}

function describeAction(action: ApplyAction): Described {
  const simple = { path: action.path, from: null, bytes: 0, replaces: false };
  switch (action.kind) {
    case 'write-file':
      return { ...simple, what: 'download', bytes: action.size, replaces: action.expected !== null };
    case 'make-symlink':
      return { ...simple, what: 'make-symlink', replaces: action.expected !== null };
    case 'move':
      return moved(action.from, action.path);
    case 'remove-file':
    case 'remove-folder':
      return { ...simple, what: 'delete' };
    case 'make-folder':
    case 'set-mode':
      return { ...simple, what: action.kind };
  }
}

/** In the order in which a sync would make them. */
export function planToChanges(trees: PlanTreesOfJournal, plan: Plan): PlannedChange[] {
  const conflicts = new Set<NodeId>(plan.conflicts);
  return [
    ...plan.operations.map((operation) => ({
      side: 'workspace' as const,
      ...describeOperation(trees, operation),
      isConflict: conflicts.has(operation.nodeId),
    })),
    ...plan.applications.map(({ action }) => ({
      side: 'folder' as const,
      ...describeAction(action),
      isConflict: conflicts.has(action.nodeId),
    })),
  ];
}
