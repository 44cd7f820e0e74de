/** Adds rules to the root's file of rules, and tells what of the synced files they match: those stay synced. */
import { createNodeFileSystem } from '../../agent/folder/node-file-system.ts';
import { tempPath } from '../../agent/folder/control-folder.ts';
import type { FileSystem } from '../../agent/file-system.ts';
import { addRules } from '../../agent/ignore/edit-rules.ts';
import { isPresetName, presetNames } from '../../agent/ignore/presets.ts';
import { FolderRules, parseRules, ruleLimits, rulesName } from '../../agent/ignore/rules.ts';
import { joinPath } from '../../agent/journal/paths.ts';
import { utf8, utf8ToText } from '../../../shared/core/bytes.ts';
import { TidemarkError } from '../../../shared/core/errors.ts';
import { rootNodeId } from '../../../shared/core/ids.ts';
import type { Agent } from '../agent.ts';
import { defineAction, parseParams, parseTexts } from './action.ts';
import { usageError } from '../usage-error.ts';

export interface IgnoreParams {
  readonly patterns: readonly string[];
  readonly presets: readonly string[];
}

export interface IgnoreResult {
  readonly folder: string;
  /** Patterns that were not there. */
  readonly added: readonly string[];
  /** Files that are synced and that the new patterns match, and the paths that match, at most ten of them. */
  readonly synced: { readonly files: number; readonly paths: readonly string[] };
}

const pathsMax = 10;

function readText(fs: FileSystem, at: string): string {
  const stat = fs.lstat(at);
  if (stat === undefined) return '';
  if (stat.kind !== 'file') throw new TidemarkError('conflict', `${at} is a ${stat.kind}, not a file of rules`);
  if (stat.size > ruleLimits.fileBytesMax) throw new TidemarkError('too-large', `${at} is too large to be taken`);
  const bytes = new Uint8Array(stat.size);
  const handle = fs.openRead(at);
  try {
    return utf8ToText(bytes.subarray(0, fs.read(handle, bytes, 0)));
  } finally {
    fs.close(handle);
  }
}

/** Whole or not at all. */
function writeText(fs: FileSystem, root: string, text: string): void {
  const temp = joinPath(root, tempPath('rules'));
  if (fs.lstat(temp) !== undefined) fs.removeFile(temp);
  const handle = fs.openNew(temp, 0);
  try {
    fs.write(handle, utf8(text), 0);
    fs.flush(handle);
  } finally {
    fs.close(handle);
  }
  const at = joinPath(root, rulesName);
  if (fs.lstat(at) !== undefined) fs.copyPermissions?.(at, temp);
  fs.rename(temp, at);
  fs.flushFolder(root);
}

/** What is synced and matches. What is in a folder that matches counts as its files. */
function findSynced({ journal }: Agent, patterns: readonly string[]): IgnoreResult['synced'] {
  const parsed = parseRules(utf8(patterns.join('\n')));
  const rules = FolderRules.none.with('', parsed.ok ? parsed.rules : []);
  const paths: string[] = [];
  let files = 0;
  const queue = [{ folder: '', nodeId: rootNodeId, isIn: false }];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const { nodeId, name, kind } of journal.listings.localChildren(next.nodeId)) {
      if (!journal.knowledge.isTracked(nodeId)) continue;
      const path = joinPath(next.folder, name);
      const isMatch = !next.isIn && rules.isIgnored(path, kind === 'folder');
      if (isMatch && paths.length < pathsMax) paths.push(path);
      const isIn = next.isIn || isMatch;
      if (kind === 'folder') queue.push({ folder: path, nodeId, isIn });
      else if (isIn) files++;
    }
  }
  return { files, paths };
}

export const ignoreAction = defineAction<IgnoreParams, IgnoreResult>({
  name: 'ignore',
  parse: (value) => {
    const { patterns, presets } = parseParams(value, ['patterns', 'presets']);
    const isNone = (list: unknown): boolean => Array.isArray(list) && list.length === 0;
    return {
      patterns: isNone(patterns) ? [] : parseTexts(patterns, 'patterns'),
      presets: isNone(presets) ? [] : parseTexts(presets, 'presets'),
    };
  },
  run: async (agent, params) => {
    const { folder } = agent;
    const names = params.presets.includes('all') ? presetNames : params.presets;
    const chosen = names.filter(isPresetName);
    const unknown = names.find((name) => !isPresetName(name));
    if (unknown !== undefined) {
      throw usageError(`there is no preset "${unknown}"; there are ${presetNames.join(', ')}, all`);
    }
    const fs = createNodeFileSystem();
    const before = readText(fs, joinPath(folder, rulesName));
    const { text, added } = addRules(before, params.patterns, chosen);
    if (text !== before) writeText(fs, folder, text);
    return { folder, added, synced: findSynced(agent, added) };
  },
});
