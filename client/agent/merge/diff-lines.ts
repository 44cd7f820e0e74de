/**
 * The difference of two sequences of numbers (lines, interned): which runs of `a` were replaced by which runs of `b`. It is always a
 * difference that leads from `a` to `b`; it is the shortest one where that is cheap to find.
 *
 * What both begin and end with is taken off; lines that are unique on both sides anchor the rest (Bram Cohen's patience diff); between
 * anchors Myers's algorithm looks for the shortest way ("An O(ND) Difference Algorithm and Its Variations", 1986, the greedy one).
 * All of it together takes at most `workMax` steps: a stretch for which none are left counts as replaced whole.
 *
 *     diffLines([1, 2, 3, 4], [1, 5, 3, 4, 6]) = [{aFrom: 1, aTo: 2, bFrom: 1, bTo: 2}, {aFrom: 4, aTo: 4, bFrom: 4, bTo: 5}]
 */

/** `a` from `aFrom` to before `aTo` became `b` from `bFrom` to before `bTo`. One of the two may be empty. */
export interface Hunk {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

/** Steps of Myers's inner loops in one difference: some tenths of a second. */
const workMax = 8_000_000;
/** Edits that one stretch between anchors is searched for: what its trace may hold is the square of it, in numbers. */
const editsMax = 1_000;

interface Stretch {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

export function diffLines(a: Uint32Array, b: Uint32Array): Hunk[] {
  return new Differ(a, b).run();
}

class Differ {
  readonly #a: Uint32Array;
  readonly #b: Uint32Array;
  /** Which line of `b` a line of `a` is; -1 for none. Ascending. */
  readonly #match: Int32Array;
  #work = 0;

  constructor(a: Uint32Array, b: Uint32Array) {
    this.#a = a;
    this.#b = b;
    this.#match = new Int32Array(a.length).fill(-1);
  }

  run(): Hunk[] {
    const open: Stretch[] = [{ aFrom: 0, aTo: this.#a.length, bFrom: 0, bTo: this.#b.length }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const inner = this.#trim(next);
      if (inner.aFrom === inner.aTo || inner.bFrom === inner.bTo || this.#work > workMax) continue;
      this.#work += inner.aTo - inner.aFrom + inner.bTo - inner.bFrom;
      const anchors = this.#anchors(inner);
      if (anchors.length === 0) this.#shortest(inner);
      else for (const part of this.#between(inner, anchors)) open.push(part);
    }
    return this.#hunks();
  }

  #trim({ aFrom, aTo, bFrom, bTo }: Stretch): Stretch {
    const [a, b] = [this.#a, this.#b];
    while (aFrom < aTo && bFrom < bTo && a[aFrom] === b[bFrom]) this.#match[aFrom++] = bFrom++;
    while (aFrom < aTo && bFrom < bTo && a[aTo - 1] === b[bTo - 1]) this.#match[--aTo] = --bTo;
    return { aFrom, aTo, bFrom, bTo };
  }

  /** Lines that are in each side of the stretch once, in the longest run that ascends on both. */
  #anchors({ aFrom, aTo, bFrom, bTo }: Stretch): { readonly a: number; readonly b: number }[] {
    const twice = -1;
    const inA = new Map<number, number>();
    for (let i = aFrom; i < aTo; i++) inA.set(this.#a[i]!, inA.has(this.#a[i]!) ? twice : i);
    const inB = new Map<number, number>();
    for (let i = bFrom; i < bTo; i++) inB.set(this.#b[i]!, inB.has(this.#b[i]!) ? twice : i);
    const pairs: { a: number; b: number }[] = [];
    for (const [line, at] of inA) {
      const there = inB.get(line);
      if (at !== twice && there !== undefined && there !== twice) pairs.push({ a: at, b: there });
    }
    return longestAscending(pairs);
  }

  #between(stretch: Stretch, anchors: readonly { readonly a: number; readonly b: number }[]): Stretch[] {
    const parts: Stretch[] = [];
    let { aFrom, bFrom } = stretch;
    for (const { a, b } of anchors) {
      this.#match[a] = b;
      parts.push({ aFrom, aTo: a, bFrom, bTo: b });
      [aFrom, bFrom] = [a + 1, b + 1];
    }
    parts.push({ aFrom, aTo: stretch.aTo, bFrom, bTo: stretch.bTo });
    return parts;
  }

  /** Myers's greedy search, forwards; `reach[k]` is the furthest place in `a` on diagonal k. The trace leads back. */
  #shortest({ aFrom, aTo, bFrom, bTo }: Stretch): void {
    const [n, m] = [aTo - aFrom, bTo - bFrom];
    const max = Math.min(n + m, editsMax);
    const reach = new Int32Array(2 * max + 3);
    const middle = max + 1;
    const trace: Int32Array[] = [];
    for (let edits = 0; edits <= max; edits++) {
      trace.push(reach.slice(middle - edits - 1, middle + edits + 2));
      this.#work += 2 * edits + 3;
      for (let k = -edits; k <= edits; k += 2) {
        const down = k === -edits || (k !== edits && reach[middle + k - 1]! < reach[middle + k + 1]!);
        let x = down ? reach[middle + k + 1]! : reach[middle + k - 1]! + 1;
        const start = x;
        while (x < n && x - k < m && this.#a[aFrom + x] === this.#b[bFrom + x - k]) x++;
        this.#work += 1 + x - start;
        reach[middle + k] = x;
        if (x >= n && x - k >= m) {
          this.#retrace(trace, { aFrom, aTo, bFrom, bTo });
          return;
        }
      }
      if (this.#work > workMax) return;
    }
  }

  #retrace(trace: readonly Int32Array[], { aFrom, aTo, bFrom, bTo }: Stretch): void {
    let [x, y] = [aTo - aFrom, bTo - bFrom];
    for (let edits = trace.length - 1; edits >= 0; edits--) {
      // The reach before this edit, around its own middle.
      const before = trace[edits]!;
      const middle = edits + 1;
      const k = x - y;
      const down = k === -edits || (k !== edits && before[middle + k - 1]! < before[middle + k + 1]!);
      const previousK = down ? k + 1 : k - 1;
      const previousX = edits === 0 ? 0 : before[middle + previousK]!;
      const previousY = edits === 0 ? 0 : previousX - previousK;
      while (x > previousX && y > previousY) this.#match[aFrom + --x] = bFrom + --y;
      [x, y] = [previousX, previousY];
    }
  }

  #hunks(): Hunk[] {
    const hunks: Hunk[] = [];
    let [i, j] = [0, 0];
    while (i < this.#a.length || j < this.#b.length) {
      if (i < this.#a.length && this.#match[i] === j) {
        i++;
        j++;
        continue;
      }
      const [aFrom, bFrom] = [i, j];
      while (i < this.#a.length && this.#match[i] === -1) i++;
      j = i < this.#a.length ? this.#match[i]! : this.#b.length;
      hunks.push({ aFrom, aTo: i, bFrom, bTo: j });
    }
    return hunks;
  }
}

/** Pairs come ascending by `a`; of them the most that ascend by `b` too (patience sorting). */
function longestAscending(pairs: readonly { readonly a: number; readonly b: number }[]) {
  const piles: number[] = [];
  const previous = new Int32Array(pairs.length).fill(-1);
  for (const [i, { b }] of pairs.entries()) {
    let [low, high] = [0, piles.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[piles[middle]!]!.b < b) low = middle + 1;
      else high = middle;
    }
    if (low > 0) previous[i] = piles[low - 1]!;
    piles[low] = i;
  }
  const longest: { readonly a: number; readonly b: number }[] = [];
  for (let i = piles.at(-1) ?? -1; i >= 0; i = previous[i]!) longest.push(pairs[i]!);
  return longest.reverse();
}
