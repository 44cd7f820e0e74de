/** Adding to the text of a file of rules. Adding the same again changes nothing; what people wrote in it stays as it is. */
import { TidemarkError } from '../../../shared/core/errors.ts';
import { utf8 } from '../../../shared/core/bytes.ts';
import { parsePattern } from './pattern.ts';
import { type PresetName, presets } from './presets.ts';
import { parseRules } from './rules.ts';

export interface EditedRules {
  readonly text: string;
  /** Patterns that were not in it. */
  readonly added: readonly string[];
}

function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/\r$/, ''));
}

/** Throws `malformed` for what is no pattern. */
function checkPattern(pattern: string): void {
  if (pattern.includes('\n') || parsePattern(pattern) === undefined) {
    throw new TidemarkError('malformed', `"${pattern}" is not a pattern: see "Ignoring" in docs/cli.md`, {
      data: { pattern },
    });
  }
}

function withLines(text: string, lines: readonly string[]): string {
  const end = text === '' || text.endsWith('\n') ? '' : '\n';
  return text + end + lines.map((line) => `${line}\n`).join('');
}

/** A preset is a block between two comments; an older one of the same name is replaced where it is. */
function withPreset(text: string, name: PresetName): string {
  const [begin, end] = [`# tide preset ${name}`, `# end of tide preset ${name}`];
  const block = [begin, ...presets[name], end];
  const lines = linesOf(text);
  const first = lines.indexOf(begin);
  const last = lines.indexOf(end, first);
  if (first < 0 || last < 0) return withLines(text, block);
  return [...lines.slice(0, first), ...block, ...lines.slice(last + 1)].join('\n');
}

/** Throws `malformed` for what is no pattern, `too-large` when the file would be beyond what devices take. */
export function addRules(text: string, patterns: readonly string[], names: readonly PresetName[]): EditedRules {
  for (const pattern of patterns) checkPattern(pattern);
  const before = new Set(linesOf(text));
  const missing = [...new Set(patterns)].filter((pattern) => !before.has(pattern));
  let next = missing.length === 0 ? text : withLines(text, missing);
  for (const name of names) next = withPreset(next, name);
  const parsed = parseRules(utf8(next));
  if (!parsed.ok) throw new TidemarkError('too-large', `.tideignore cannot be written: ${parsed.fault}`);
  const wanted = [...missing, ...names.flatMap((name) => presets[name])];
  return { text: next, added: wanted.filter((pattern) => !before.has(pattern)) };
}
