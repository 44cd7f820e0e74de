/** All rules of ignoring that hold in a folder, as the disk has them now. */
import { createNodeFileSystem } from '../../agent/folder/node-file-system.ts';
import { readRules } from '../../agent/ignore/read-rules.ts';
import { rulesName } from '../../agent/ignore/rules.ts';
import { defineAction, parseParams } from './action.ts';

export interface RulesFile {
  readonly file: string;
  readonly patterns: readonly { readonly line: number; readonly pattern: string }[];
  /** Why none of them holds, and nothing new in its folder is synced; null for a good one. */
  readonly fault: string | null;
}

export interface IgnoreRulesResult {
  readonly folder: string;
  readonly files: readonly RulesFile[];
}

export const ignoreRulesAction = defineAction<Readonly<Record<string, never>>, IgnoreRulesResult>({
  name: 'ignore-rules',
  exclusive: false,
  parse: (value) => {
    parseParams(value, []);
    return {};
  },
  run: async ({ folder, journal }) => {
    const fs = createNodeFileSystem();
    const named = journal.listings.localNamed(rulesName).filter(({ name }) => name === rulesName);
    const known = named.flatMap((node) => journal.localPath(node) ?? []);
    const paths = [...new Set([rulesName, ...known])].sort((a, b) => (a < b ? -1 : 1));
    const files = paths.flatMap((file): RulesFile[] => {
      const parsed = readRules(fs, folder, file.slice(0, Math.max(0, file.length - rulesName.length - 1)));
      if (parsed === undefined) return [];
      if (!parsed.ok) return [{ file, patterns: [], fault: parsed.fault }];
      const patterns = parsed.rules.map(({ line, pattern }) => ({ line, pattern: pattern.text }));
      return [{ file, patterns, fault: null }];
    });
    return { folder, files };
  },
});
