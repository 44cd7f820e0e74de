/** This device is to have again what it excluded: written down, and then fetched by a sync. */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { include, listExcluded, mustFindNode } from '../../agent/select/choose.ts';
import { defineAction, parseParams, parseTexts } from './action.ts';
import { type SyncResult, syncAction } from './sync.ts';

export interface IncludeParams {
  /** In the workspace, `/`-separated. */
  readonly paths: readonly string[];
}

export interface IncludeResult {
  readonly folder: string;
  /** `nodes`: files, folders and links that are to come. */
  readonly paths: readonly { readonly path: string; readonly nodes: number }[];
  /** What is excluded after it. */
  readonly excluded: readonly string[];
  /** Null when the server cannot be reached: the next sync does it. */
  readonly sync: SyncResult | null;
}

export const includeAction = defineAction<IncludeParams, IncludeResult>({
  name: 'include',
  parse: (value) => ({ paths: parseTexts(parseParams(value, ['paths'])['paths'], 'paths') }),
  run: async (agent, { paths }, control) => {
    const { journal, folder } = agent;
    const done = journal.transaction(() =>
      paths.map((path) => ({ path, nodes: include(journal, mustFindNode(journal, path), path) })),
    );
    const excluded = listExcluded(journal);
    try {
      const sync = await syncAction.run(agent, { massDeletionAllowed: false }, control);
      return { folder, paths: done, excluded, sync };
    } catch (error) {
      if (!isTidemarkError(error, 'unavailable')) throw error;
      return { folder, paths: done, excluded, sync: null };
    }
  },
});
