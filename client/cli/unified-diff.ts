/**
 * The difference of two texts as `diff -u` writes it, so that `patch` reads it: hunks with three lines around them.
 *
 *     unifiedDiff('a\nb\n', 'a\nc\n') = ['@@ -1,2 +1,2 @@', ' a', '-b', '+c']
 */
import { type Hunk, diffLines } from '../agent/merge/diff-lines.ts';
import { internLines } from '../agent/merge/diff3.ts';

const contextLines = 3;
const noNewline = '\\ No newline at end of file';

/** With their ends, so that a changed end is a change. */
function toLines(text: string): readonly string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/** Hunks whose surroundings meet, together. */
function group(hunks: readonly Hunk[]): readonly (readonly Hunk[])[] {
  const groups: Hunk[][] = [];
  for (const hunk of hunks) {
    const last = groups.at(-1);
    if (last !== undefined && hunk.aFrom - last.at(-1)!.aTo <= 2 * contextLines) last.push(hunk);
    else groups.push([hunk]);
  }
  return groups;
}

/** `diff -u`: the line before an empty range, and no count where it is one. */
function range(from: number, to: number): string {
  const count = to - from;
  const first = count === 0 ? from : from + 1;
  return count === 1 ? `${first}` : `${first},${count}`;
}

function show(sign: string, lines: readonly string[]): string[] {
  return lines.flatMap((line) => (line.endsWith('\n') ? [sign + line.slice(0, -1)] : [sign + line, noNewline]));
}

/** No lines when the texts are equal. */
export function unifiedDiff(before: string, after: string): string[] {
  const [a, b] = [toLines(before), toLines(after)];
  const [aIds, bIds] = internLines(a, b) as [Uint32Array, Uint32Array];
  return group(diffLines(aIds, bIds)).flatMap((hunks) => {
    const [first, last] = [hunks[0]!, hunks.at(-1)!];
    const above = Math.min(contextLines, first.aFrom);
    const below = Math.min(contextLines, a.length - last.aTo);
    const head = `@@ -${range(first.aFrom - above, last.aTo + below)} +${range(first.bFrom - above, last.bTo + below)} @@`;
    const lines = [head];
    let at = first.aFrom - above;
    for (const { aFrom, aTo, bFrom, bTo } of hunks) {
      lines.push(
        ...show(' ', a.slice(at, aFrom)),
        ...show('-', a.slice(aFrom, aTo)),
        ...show('+', b.slice(bFrom, bTo)),
      );
      at = aTo;
    }
    return [...lines, ...show(' ', a.slice(at, at + below))];
  });
}
