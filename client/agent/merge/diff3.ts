/**
 * Merging two edits of one text by lines. Each side's difference from the base is a list of hunks; hunks of the two sides that share or
 * touch a place of the base are one region. A region that one side alone changed becomes what that side made of it; one that both
 * changed to the same becomes that; any other is a conflict, and then there is no merge at all. So two edits need an unchanged line
 * between them, as in git: of neighbouring lines nobody can tell whether they belong together.
 *
 *     base  a b c d      one  a B c d      other  a b c D      merged  a B c D
 *     base  a b c d      one  a B c d      other  a b C d      conflict: b and c are neighbours
 *
 * Lines are compared without their ends where each of the three texts has one kind of them (`\n` or `\r\n`); who changed the kind has it
 * changed in the merge. A text that mixes them is compared with them. The end of the last line, or none, counts as a line's.
 */
import { type Hunk, diffLines } from './diff-lines.ts';

/** Lines of one text: more are not text that people edit in two places at once. */
export const mergeLinesMax = 200_000;

export type LineEnd = '\n' | '\r\n' | 'none' | 'mixed';

export function lineEndOf(text: string): LineEnd {
  let plain = 0;
  let windows = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (at > 0 && text[at - 1] === '\r') windows++;
    else plain++;
  }
  if (plain > 0) return windows > 0 ? 'mixed' : '\n';
  return windows > 0 ? '\r\n' : 'none';
}

/** What a value with two edits becomes; undefined when both changed it, and not to the same. */
function choose<T>(base: T, one: T, other: T): T | undefined {
  if (one === other || other === base) return one;
  return one === base ? other : undefined;
}

/** A text of one line has no line ends, and goes along with the others. */
function chooseLineEnd(ends: readonly [LineEnd, LineEnd, LineEnd]): LineEnd | undefined {
  const known = ends.filter((end) => end !== 'none');
  const [first = '\n'] = known;
  if (new Set(known).size <= 1) return first;
  return ends.includes('none') ? undefined : choose(...ends);
}

/** The merged text, or undefined when the two edits do not fit together. Either order of the edits gives the same. */
export function mergeText(base: string, one: string, other: string): string | undefined {
  if (one === other || other === base) return one;
  if (one === base) return other;
  const texts = [base, one, other] as const;
  const ends = texts.map(lineEndOf) as [LineEnd, LineEnd, LineEnd];
  const isExact = ends.includes('mixed');
  const end = isExact ? '' : chooseLineEnd(ends);
  if (end === undefined) return undefined;
  const lines = texts.map((text) => (isExact ? text.split(/(?<=\n)/) : text.split(/\r?\n/)));
  if (lines.some(({ length }) => length > mergeLinesMax)) return undefined;
  return mergeLines(lines[0]!, lines[1]!, lines[2]!)?.join(end);
}

/** Lines as numbers: equal lines, equal numbers. */
export function internLines(...texts: readonly (readonly string[])[]): Uint32Array[] {
  const numbers = new Map<string, number>();
  return texts.map((lines) =>
    Uint32Array.from(lines, (line) => {
      const known = numbers.get(line) ?? numbers.size;
      numbers.set(line, known);
      return known;
    }),
  );
}

function mergeLines(
  base: readonly string[],
  one: readonly string[],
  other: readonly string[],
): readonly string[] | undefined {
  const [baseIds, oneIds, otherIds] = internLines(base, one, other) as [Uint32Array, Uint32Array, Uint32Array];
  const sides = [new Side(one, diffLines(baseIds, oneIds)), new Side(other, diffLines(baseIds, otherIds))] as const;
  const merged: string[] = [];
  let at = 0;
  for (;;) {
    const from = Math.min(sides[0].nextFrom, sides[1].nextFrom);
    if (from === Infinity) break;
    for (; at < from; at++) merged.push(base[at]!);
    at = takeRegion(sides, from);
    const texts = sides.map((side) => side.endRegion(from, at));
    const [a, b] = texts as [string[] | undefined, string[] | undefined];
    if (a !== undefined && b !== undefined && !sameLines(a, b)) return undefined;
    for (const line of a ?? b ?? []) merged.push(line);
  }
  for (; at < base.length; at++) merged.push(base[at]!);
  return merged;
}

/** Takes all hunks that share or touch the region that begins at `from`, and each other; returns its end. */
function takeRegion(sides: readonly [Side, Side], from: number): number {
  let to = from;
  for (let grown = true; grown;) {
    grown = false;
    for (const side of sides) {
      for (; side.nextFrom <= to; grown = true) to = Math.max(to, side.take());
    }
  }
  return to;
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

/** One edit: its hunks in the order of the base, and what of them belongs to the present region. */
class Side {
  readonly #lines: readonly string[];
  readonly #hunks: readonly Hunk[];
  #next = 0;
  #first = 0;

  constructor(lines: readonly string[], hunks: readonly Hunk[]) {
    this.#lines = lines;
    this.#hunks = hunks;
  }

  get nextFrom(): number {
    return this.#hunks[this.#next]?.aFrom ?? Infinity;
  }

  /** Takes the next hunk; returns where it ends in the base. */
  take(): number {
    return this.#hunks[this.#next++]!.aTo;
  }

  /** What this side has instead of the base from `from` to before `to`; undefined when it did not change it. */
  endRegion(from: number, to: number): string[] | undefined {
    if (this.#first === this.#next) return undefined;
    const first = this.#hunks[this.#first]!;
    const last = this.#hunks[this.#next - 1]!;
    this.#first = this.#next;
    return this.#lines.slice(first.bFrom - (first.aFrom - from), last.bTo + (to - last.aTo));
  }
}
