/** A dry run as lines for people. */
import type { PlannedSync } from './actions/plan.ts';
import { bytesToText, nameToText, tableToLines } from './context.ts';
import type { PlannedChange } from './planned-changes.ts';

const words: Readonly<Record<PlannedChange['what'], string>> = {
  upload: 'upload',
  download: 'download',
  'make-folder': 'make folder',
  'make-symlink': 'make link',
  'set-mode': 'set executable',
  move: 'move',
  rename: 'rename',
  delete: 'delete',
};

function toRow(change: PlannedChange): string[] {
  const { what, path, from, bytes, replaces, isConflict } = change;
  const place = from === null ? nameToText(path) : `${nameToText(from)} -> ${nameToText(path)}`;
  const notes = [
    ...(replaces ? ['new version'] : []),
    ...(isConflict ? ['both sides changed it: nothing is lost'] : []),
  ];
  const size = what === 'upload' || what === 'download' ? bytesToText(bytes) : '';
  return [`  ${words[what]}`, size.padStart(10), notes.length === 0 ? place : `${place}  (${notes.join('; ')})`];
}

function sideToLines(title: string, changes: readonly PlannedChange[], bytes: number, verb: string): string[] {
  if (changes.length === 0) return [];
  const much = bytes === 0 ? '' : `, at most ${bytesToText(bytes)} to ${verb}`;
  return [`${title}: ${changes.length} changes${much}`, ...tableToLines(changes.map(toRow))];
}

export function planToLines(plan: PlannedSync): string[] {
  const { changes, halts, recognised, problems } = plan;
  const ofSide = (side: PlannedChange['side']) => changes.filter((change) => change.side === side);
  const lines = [
    ...sideToLines('To the workspace', ofSide('workspace'), plan.bytesToSend, 'send'),
    ...sideToLines('To this folder', ofSide('folder'), plan.bytesToFetch, 'fetch'),
    ...(plan.isPartial ? ['… and more: this is the first part of it'] : []),
    ...(recognised > 0 ? [`${recognised} files and folders are the same on both sides already`] : []),
    ...problems.map((problem) => `  ${problem.code}: ${nameToText(problem.path || '.')}: ${problem.detail}`),
    ...halts.map(
      ({ side, deletions, files }) =>
        `A sync would stop and ask: ${deletions} of ${files} files would be deleted ${side === 'local' ? 'in the workspace' : 'in this folder'} (--allow-mass-delete)`,
    ),
  ];
  return lines.length === 0
    ? ['Nothing to do: folder and workspace are the same.']
    : [...lines, 'Nothing was changed.'];
}
