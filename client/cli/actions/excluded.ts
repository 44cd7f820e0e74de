/** What this device excludes, as the workspace is known to it. */
import { listExcluded } from '../../agent/select/choose.ts';
import { defineAction, parseParams } from './action.ts';

export interface ExcludedResult {
  readonly folder: string;
  /** In the workspace, sorted. */
  readonly excluded: readonly string[];
}

export const excludedAction = defineAction<Readonly<Record<string, never>>, ExcludedResult>({
  name: 'excluded',
  exclusive: false,
  parse: (value) => {
    parseParams(value, []);
    return {};
  },
  run: async ({ folder, journal }) => ({ folder, excluded: listExcluded(journal) }),
});
