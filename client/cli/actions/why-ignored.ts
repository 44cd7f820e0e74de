/** Whether a path is ignored, and which rule says so. */
import { createNodeFileSystem } from '../../agent/folder/node-file-system.ts';
import { type RuleVerdict, whyIgnored } from '../../agent/ignore/why-ignored.ts';
import type { Journal } from '../../agent/journal/journal.ts';
import { type NodeId, rootNodeId } from '../../../shared/core/ids.ts';
import { defineAction, parseFlag, parseParams, parseText } from './action.ts';

export interface WhyIgnoredParams {
  /** From the root, `/`-separated. */
  readonly path: string;
  /** What it would be, where nothing is there. */
  readonly isFolder: boolean;
}

export interface WhyIgnoredResult extends RuleVerdict {
  readonly folder: string;
  readonly path: string;
  /** It is synced already: then no rule concerns it, and `ignored` is false. */
  readonly synced: boolean;
}

function isInWorkspace({ listings }: Journal, path: string): boolean {
  let nodeId: NodeId | undefined = rootNodeId;
  for (const name of path.split('/')) {
    nodeId = nodeId === undefined ? undefined : listings.remoteAt({ parentId: nodeId, name })?.entry.nodeId;
  }
  return nodeId !== undefined;
}

export const whyIgnoredAction = defineAction<WhyIgnoredParams, WhyIgnoredResult>({
  name: 'why-ignored',
  exclusive: false,
  parse: (value) => {
    const { path, isFolder } = parseParams(value, ['path', 'isFolder']);
    return { path: parseText(path, 'path'), isFolder: parseFlag(isFolder, 'isFolder') };
  },
  run: async ({ folder, journal }, { path, isFolder }) => {
    const synced = isInWorkspace(journal, path);
    const verdict = whyIgnored(createNodeFileSystem(), folder, path, isFolder);
    return { folder, path, ...verdict, synced, ignored: verdict.ignored && !synced };
  },
});
