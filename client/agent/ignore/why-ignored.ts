/** Which rule decides about a path, as the disk has the rules now. */
import type { FileSystem } from '../file-system.ts';
import { joinPath } from '../journal/paths.ts';
import { readRules } from './read-rules.ts';
import { FolderRules, rulesName } from './rules.ts';

export interface DecidingRule {
  /** From the root. */
  readonly file: string;
  readonly line: number;
  readonly pattern: string;
  /** What it matches: the path, or a folder above it. */
  readonly matches: string;
}

export interface RuleVerdict {
  readonly ignored: boolean;
  readonly rule: DecidingRule | null;
  /** A file of rules that cannot be taken: until it can, nothing new in its folder is synced. */
  readonly fault: { readonly file: string; readonly detail: string } | null;
}

/** Whether rules match a path, synced or not. `isFolder`: where nothing is at the path. */
export function whyIgnored(fs: FileSystem, root: string, path: string, isFolder: boolean): RuleVerdict {
  const names = path.split('/');
  let rules = FolderRules.none;
  let rule: DecidingRule | null = null;
  for (let depth = 0; depth < names.length; depth++) {
    const folder = names.slice(0, depth).join('/');
    const parsed = readRules(fs, root, folder);
    if (parsed?.ok === false) {
      return { ignored: true, rule: null, fault: { file: joinPath(folder, rulesName), detail: parsed.fault } };
    }
    if (parsed !== undefined) rules = rules.with(folder, parsed.rules);
    const matches = joinPath(folder, names[depth]!);
    const isLast = depth === names.length - 1;
    const kind = isLast ? fs.lstat(joinPath(root, matches))?.kind : 'folder';
    const found = rules.find(matches, kind === undefined ? isFolder : kind === 'folder');
    if (found === undefined) continue;
    const { line, pattern } = found.rule;
    rule = { file: joinPath(found.folder, rulesName), line, pattern: pattern.text, matches };
    if (!pattern.negated) return { ignored: true, rule, fault: null };
  }
  return { ignored: false, rule: rule?.matches === path ? rule : null, fault: null };
}
