/**
 * The service's session tokens: `<range>:<version>#<lsn>[#<region>=<lsn>…]`, of one partition key range each, several joined by
 * commas. The newer of two tokens of a range has the greater version, then the greater position.
 */
export type RangeTokens = Map<string, string>;

const form = /^(\d{1,9}):(-?\d{1,9}#\d{1,19}(?:#\d{1,9}=-?\d{1,19}){0,64}|\d{1,19})$/;

interface Position {
  readonly version: number;
  readonly lsn: number;
}

function positionOf(token: string): Position {
  const [first = '', second] = token.split('#');
  return second === undefined ? { version: -1, lsn: Number(first) } : { version: Number(first), lsn: Number(second) };
}

function isNewer(a: string, b: string): boolean {
  const [left, right] = [positionOf(a), positionOf(b)];
  return left.version === right.version ? left.lsn > right.lsn : left.version > right.version;
}

/** Takes up what is newer of a token; a range that changes becomes the last of the map. What is of another form is left out. */
export function mergeTokens(tokens: RangeTokens, text: string): void {
  for (const part of text.split(',')) {
    const [, range, token] = form.exec(part) ?? [];
    if (range === undefined || token === undefined) continue;
    const known = tokens.get(range);
    if (known !== undefined && !isNewer(token, known)) continue;
    tokens.delete(range);
    tokens.set(range, token);
  }
}

/** As the service takes it; undefined when there is nothing to say. */
export function joinTokens(tokens: RangeTokens | undefined): string | undefined {
  if (tokens === undefined || tokens.size === 0) return undefined;
  return [...tokens].map(([range, token]) => `${range}:${token}`).join(',');
}
