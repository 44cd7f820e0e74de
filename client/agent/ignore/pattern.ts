/**
 * One pattern of a file of rules, with git's meaning (gitignore(5), wildmatch.c). It is taken apart into the segments between slashes, and a
 * segment into what each character may be:
 *
 *     *.o             in any folder below; `*` is any run of characters within a name
 *     /build          only beside the file of rules; a slash in the middle (`docs/*.pdf`) means the same
 *     cache/          folders only, with everything in them
 *     a/** /b         (without the space) any number of folders between
 *     [a-c]?\*        one of a set, any one character, a star as such
 *     !keep.o         not ignored after all, unless a folder above is
 *
 * Matching never goes back further than to the last `*` of a segment and the last `**` of the pattern, which is enough for such
 * patterns, so it takes at most (characters of the pattern) x (characters of the path) steps. The usual way, through a regular
 * expression that backtracks, takes hours for `*a*a*a*a*a*a*a*b` and a name of many a's: and these files come from other people.
 *
 * Unlike git, which works on bytes, `?` and a set take one character, whatever its encoding.
 */
type Token =
  | { readonly kind: 'is'; readonly character: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'run' }
  | { readonly kind: 'set'; readonly negated: boolean; readonly has: (character: string) => boolean };

type Segment = readonly Token[] | '**';

export interface IgnorePattern {
  /** As written, without what is not a part of it (spaces at the end). */
  readonly text: string;
  readonly negated: boolean;
  readonly foldersOnly: boolean;
  /** Whether it is held against the whole path below its file of rules; else against the last name. */
  readonly anchored: boolean;
  readonly segments: readonly Segment[];
}

/** git's character classes, which are ASCII alone. */
const classes: Readonly<Record<string, RegExp>> = {
  alnum: /^[0-9A-Za-z]$/,
  alpha: /^[A-Za-z]$/,
  blank: /^[ \t]$/,
  cntrl: /^\p{Cc}$/u,
  digit: /^[0-9]$/,
  graph: /^[!-~]$/,
  lower: /^[a-z]$/,
  print: /^[ -~]$/,
  punct: /^[!-/:-@[-`{-~]$/,
  space: /^[ \t\n\r]$/,
  upper: /^[A-Z]$/,
  xdigit: /^[0-9A-Fa-f]$/,
};

/** A pattern that nothing matches. */
class Hopeless extends Error {}

type Member = (character: string) => boolean;

/** Reads `[…]`. */
class SetReader {
  readonly #text: readonly string[];
  #at: number;

  constructor(text: readonly string[], at: number) {
    this.#text = text;
    this.#at = at;
  }

  /** From after the `[`. Gives the token and the place after the `]`. */
  read(): { readonly token: Token; readonly next: number } {
    const members: Member[] = [];
    const negated = this.#peek() === '!' || this.#peek() === '^';
    if (negated) this.#at++;
    let from: string | undefined;
    // A `]` that comes first is a member.
    do {
      const isRange = this.#peek() === '-' && from !== undefined && this.#text[this.#at + 1] !== ']';
      if (isRange) {
        this.#at++;
        members.push(between(from!, this.#character()));
        from = undefined;
      } else if (this.#peek() === '[' && this.#text[this.#at + 1] === ':') {
        from = this.#class(members);
      } else {
        from = this.#character();
        members.push(is(from));
      }
    } while (this.#peek() !== ']');
    return {
      token: { kind: 'set', negated, has: (character) => members.some((has) => has(character)) },
      next: this.#at + 1,
    };
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #character(): string {
    if (this.#peek() === '\\') this.#at++;
    const character = this.#text[this.#at++];
    if (character === undefined) throw new Hopeless();
    return character;
  }

  /** `[:alpha:]`; without `:]` the `[` is a member as any. */
  #class(members: Member[]): string | undefined {
    const end = this.#text.indexOf(']', this.#at + 2);
    if (end < 0) throw new Hopeless();
    if (end === this.#at + 2 || this.#text[end - 1] !== ':') {
      const character = this.#character();
      members.push(is(character));
      return character;
    }
    const name = this.#text.slice(this.#at + 2, end - 1).join('');
    const pattern = Object.hasOwn(classes, name) ? classes[name] : undefined;
    if (pattern === undefined) throw new Hopeless();
    members.push((character) => pattern.test(character));
    this.#at = end + 1;
    return undefined;
  }
}

function is(member: string): Member {
  return (character) => character === member;
}

function between(from: string, to: string): Member {
  const [low, high] = [from.codePointAt(0)!, to.codePointAt(0)!];
  return (character) => character.codePointAt(0)! >= low && character.codePointAt(0)! <= high;
}

function readSegments(text: readonly string[]): Segment[] {
  const segments: Segment[] = [];
  let tokens: Token[] = [];
  let isGlobstar = false;
  const endSegment = (): void => {
    segments.push(isGlobstar ? '**' : tokens);
    tokens = [];
    isGlobstar = false;
  };
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    if (character === '/') {
      endSegment();
      at++;
    } else if (character === '*') {
      const begin = at;
      while (text[at] === '*') at++;
      const isAlone = (begin === 0 || text[begin - 1] === '/') && (at === text.length || text[at] === '/');
      if (isAlone && at - begin > 1) isGlobstar = true;
      else tokens.push({ kind: 'run' });
    } else if (character === '[') {
      const { token, next } = new SetReader(text, at + 1).read();
      tokens.push(token);
      at = next;
    } else if (character === '?') {
      tokens.push({ kind: 'any' });
      at++;
    } else {
      const literal = character === '\\' ? text[++at] : character;
      if (literal === undefined) throw new Hopeless();
      if (literal === '/') endSegment();
      else tokens.push({ kind: 'is', character: literal });
      at++;
    }
  }
  endSegment();
  return segments;
}

/** Without the spaces at the end, except one that a backslash quotes. */
function trimEnd(line: string): string {
  let end = line.length;
  while (line[end - 1] === ' ') end--;
  let quotes = 0;
  while (line[end - 1 - quotes] === '\\') quotes++;
  return line.slice(0, quotes % 2 === 1 && end < line.length ? end + 1 : end);
}

/** The pattern of a line; undefined for none: an empty line, a comment, or what nothing can match. */
export function parsePattern(line: string): IgnorePattern | undefined {
  if (line.startsWith('#')) return undefined;
  const text = trimEnd(line);
  const negated = text.startsWith('!');
  let body = negated ? text.slice(1) : text;
  const foldersOnly = body.endsWith('/');
  if (foldersOnly) body = body.slice(0, -1);
  const anchored = body.includes('/');
  if (body.startsWith('/')) body = body.slice(1);
  if (body === '') return undefined;
  try {
    const segments = readSegments(Array.from(body));
    return { text, negated, foldersOnly, anchored, segments };
  } catch (error) {
    if (error instanceof Hopeless) return undefined;
    throw error;
  }
}

function takes(token: Exclude<Token, { kind: 'run' }>, character: string): boolean {
  if (token.kind === 'any') return true;
  return token.kind === 'is' ? token.character === character : token.has(character) !== token.negated;
}

/** Counts steps, for tests of the bound. */
export interface StepCount {
  steps: number;
}

function matchesName(tokens: readonly Token[], name: readonly string[], count: StepCount): boolean {
  let [t, n] = [0, 0];
  let back: { t: number; n: number } | undefined;
  while (n < name.length || t < tokens.length) {
    count.steps++;
    const token = tokens[t];
    if (token?.kind === 'run') {
      back = { t: ++t, n };
    } else if (token !== undefined && n < name.length && takes(token, name[n]!)) {
      t++;
      n++;
    } else if (back !== undefined && back.n < name.length) {
      back.n++;
      [t, n] = [back.t, back.n];
    } else {
      return false;
    }
  }
  return true;
}

/**
 * Whether the pattern matches a path below its file of rules, given as the characters of its names. That a folder above matches is
 * not looked at.
 */
export function matchesPath(
  { segments, anchored, foldersOnly }: IgnorePattern,
  names: readonly (readonly string[])[],
  isFolder: boolean,
  count: StepCount = { steps: 0 },
): boolean {
  if (foldersOnly && !isFolder) return false;
  const path = anchored ? names : names.slice(-1);
  let [s, p] = [0, 0];
  let back: { s: number; p: number } | undefined;
  while (p < path.length || s < segments.length) {
    const segment = segments[s];
    if (segment === '**') {
      // At the end it is what is in a folder, not the folder.
      const isLast = s === segments.length - 1;
      if (isLast) return p < path.length;
      back = { s: ++s, p };
    } else if (segment !== undefined && p < path.length && matchesName(segment, path[p]!, count)) {
      s++;
      p++;
    } else if (back !== undefined && back.p < path.length) {
      back.p++;
      [s, p] = [back.s, back.p];
    } else {
      return false;
    }
  }
  return true;
}
