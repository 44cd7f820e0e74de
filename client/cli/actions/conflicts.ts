/** The conflict copies of a folder, as it is known; a copy that was deleted since is left out. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenConflict, listOpenConflicts, listSettledConflicts } from '../../agent/conflicts/list-conflicts.ts';
import type { LocalNode } from '../../agent/model.ts';
import { defineAction, parseFlag, parseParams } from './action.ts';

export interface ConflictSide {
  /** In the workspace, `/`-separated. */
  readonly path: string;
  readonly kind: LocalNode['kind'];
  readonly size: number;
  /** ISO 8601 */
  readonly modified: string;
}

export interface ConflictView {
  readonly state: 'open';
  /** The later edit, under the conflict name. */
  readonly copy: ConflictSide;
  /** What is at the place; null when nothing is there any more. */
  readonly original: ConflictSide | null;
  /** The device whose edit the copy is. */
  readonly device: string;
  /** The day of the edit by that device's clock, in UTC: `2026-11-22` */
  readonly date: string;
}

export interface SettledView {
  readonly state: 'renamed' | 'deleted';
  readonly name: string;
  readonly path: string | null;
  readonly noted: string;
}

export interface ConflictsResult {
  readonly folder: string;
  readonly conflicts: readonly ConflictView[];
  /** Empty unless asked for. */
  readonly settled: readonly SettledView[];
}

function toSide(path: string, { kind, stat }: LocalNode): ConflictSide {
  return { path, kind, size: kind === 'folder' ? 0 : stat.size, modified: new Date(stat.mtimeMs).toISOString() };
}

export function conflictToView({ copy, copyPath, original, originalPath, name }: OpenConflict): ConflictView {
  return {
    state: 'open',
    copy: toSide(copyPath, copy),
    original: original === null || originalPath === null ? null : toSide(originalPath, original),
    device: name.deviceName,
    date: name.date,
  };
}

export const conflictsAction = defineAction<{ readonly settledToo: boolean }, ConflictsResult>({
  name: 'conflicts',
  exclusive: false,
  parse: (value) => ({ settledToo: parseFlag(parseParams(value, ['settledToo'])['settledToo'], 'settledToo') }),
  run: async ({ folder, journal }, { settledToo }) => {
    const open = listOpenConflicts(journal).filter(({ copyPath }) => existsSync(join(folder, copyPath)));
    const settled = settledToo ? listSettledConflicts(journal) : [];
    return {
      folder,
      conflicts: open.map(conflictToView),
      settled: settled.map(({ state, copyName, copyPath, notedMs }) => {
        return { state, name: copyName, path: copyPath, noted: new Date(notedMs).toISOString() };
      }),
    };
  },
});
