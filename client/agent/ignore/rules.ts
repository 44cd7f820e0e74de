/**
 * Rules of ignoring: files `.tideignore`, in the root or any folder, as git's `.gitignore`. The last pattern that matches decides, a
 * file deeper down before one above it; and what is in an ignored folder is ignored, whatever else matches it.
 *
 * They concern only what the workspace does not know. A rule never deletes anything, nor hides it: what is synced stays synced.
 */
import { utf8ToText } from '../../../shared/core/bytes.ts';
import { type IgnorePattern, matchesPath, parsePattern } from './pattern.ts';

export const rulesName = '.tideignore';

/** More than any project has; with these a name is looked up in milliseconds at worst, whatever the patterns are. */
export const ruleLimits = { fileBytesMax: 64 * 1024, patternsMax: 1_000, patternCharactersMax: 1_024 } as const;

export interface Rule {
  readonly pattern: IgnorePattern;
  /** In its file, from 1. */
  readonly line: number;
}

export type ParsedRules =
  | { readonly ok: true; readonly rules: readonly Rule[] }
  | { readonly ok: false; readonly fault: string };

/** The rules of a file. A file that is not text, or beyond the limits, is not taken at all. */
export function parseRules(bytes: Uint8Array): ParsedRules {
  if (bytes.length > ruleLimits.fileBytesMax)
    return { ok: false, fault: `it is over ${ruleLimits.fileBytesMax} bytes` };
  let text: string;
  try {
    text = utf8ToText(bytes);
  } catch {
    return { ok: false, fault: 'it is not text in UTF-8' };
  }
  if (text.includes('\0')) return { ok: false, fault: 'it is not text in UTF-8' };
  const rules: Rule[] = [];
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    if (line.length > ruleLimits.patternCharactersMax) {
      return { ok: false, fault: `line ${i + 1} is over ${ruleLimits.patternCharactersMax} characters` };
    }
    const pattern = parsePattern(line.replace(/\r$/, ''));
    if (pattern !== undefined) rules.push({ pattern, line: i + 1 });
    if (rules.length > ruleLimits.patternsMax)
      return { ok: false, fault: `it has over ${ruleLimits.patternsMax} patterns` };
  }
  return { ok: true, rules };
}

/** What decides about a path. */
export interface RuleFound {
  /** The folder of the file of rules; empty for the root. */
  readonly folder: string;
  readonly rule: Rule;
}

/** The rules that hold in one folder: those of its own file, and those above. */
export class FolderRules {
  /** None anywhere. */
  static readonly none = new FolderRules(undefined, '', []);

  readonly #above: FolderRules | undefined;
  readonly #folder: string;
  readonly #rules: readonly Rule[];

  private constructor(above: FolderRules | undefined, folder: string, rules: readonly Rule[]) {
    this.#above = above;
    this.#folder = folder;
    this.#rules = rules;
  }

  /** With those of a file in a folder at or below this one's. */
  with(folder: string, rules: readonly Rule[]): FolderRules {
    return rules.length === 0 ? this : new FolderRules(this, folder, rules);
  }

  get isEmpty(): boolean {
    return this.#above === undefined;
  }

  /** All of them, the root's first. */
  list(): { readonly folder: string; readonly rules: readonly Rule[] }[] {
    return this.#above === undefined ? [] : [...this.#above.list(), { folder: this.#folder, rules: this.#rules }];
  }

  /** The last pattern that matches a path in this folder; folders above it are not looked at. Paths are from the root. */
  find(path: string, isFolder: boolean): RuleFound | undefined {
    if (this.#above === undefined) return undefined;
    const below = this.#folder === '' ? path : path.slice(this.#folder.length + 1);
    const names = below.split('/').map((name) => Array.from(name));
    const rule = this.#rules.findLast(({ pattern }) => matchesPath(pattern, names, isFolder));
    return rule === undefined ? this.#above.find(path, isFolder) : { folder: this.#folder, rule };
  }

  isIgnored(path: string, isFolder: boolean): boolean {
    return this.find(path, isFolder)?.rule.pattern.negated === false;
  }
}
