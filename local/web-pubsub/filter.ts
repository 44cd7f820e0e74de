/**
 * The part of the service's OData filters that is served: `userId` and `connectionId` compared by `eq`, `ne` and `in (…)`, `'group' in
 * groups`, `true`, `false`, `null`, `and`, `or`, `not (…)` and parentheses. Anything else is refused, never ignored: a filter that is not
 * understood would send to the wrong people.
 */
export interface Filtered {
  readonly connectionId: string;
  readonly userId: string | undefined;
  readonly groups: ReadonlySet<string>;
}

export type Filter = (connection: Filtered) => boolean;
type Value = (connection: Filtered) => string | null;

/** Reading and choosing go down the stack with each parenthesis; people need a few. */
const depthMax = 50;
const tokenForm = /\s*(?:('(?:[^']|'')*')|([A-Za-z]+)|([(),]))/y;

class NotServed extends Error {}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  tokenForm.lastIndex = 0;
  const end = text.trimEnd().length;
  while (tokenForm.lastIndex < end) {
    const found = tokenForm.exec(text);
    if (found === null) throw new NotServed();
    tokens.push(found[1] ?? found[2] ?? found[3]!);
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  whole(): Filter {
    const filter = this.#either();
    if (this.#at < this.#tokens.length) throw new NotServed();
    return filter;
  }

  #next(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new NotServed();
    this.#at += 1;
    return token;
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#at]?.toLowerCase() !== token) return false;
    this.#at += 1;
    return true;
  }

  #must(token: string): void {
    if (!this.#takes(token)) throw new NotServed();
  }

  #either(): Filter {
    const parts = [this.#both()];
    while (this.#takes('or')) parts.push(this.#both());
    return (connection) => parts.some((part) => part(connection));
  }

  #both(): Filter {
    const parts = [this.#one()];
    while (this.#takes('and')) parts.push(this.#one());
    return (connection) => parts.every((part) => part(connection));
  }

  #one(): Filter {
    if (this.#takes('not')) {
      // It binds more tightly than a comparison, so it is served before parentheses only.
      this.#must('(');
      const inner = this.#inParentheses();
      return (connection) => !inner(connection);
    }
    if (this.#takes('(')) return this.#inParentheses();
    if (this.#takes('true')) return () => true;
    if (this.#takes('false')) return () => false;
    return this.#comparison();
  }

  #inParentheses(): Filter {
    this.#depth += 1;
    if (this.#depth > depthMax) throw new NotServed();
    const inner = this.#either();
    this.#must(')');
    this.#depth -= 1;
    return inner;
  }

  #comparison(): Filter {
    const left = this.#value();
    if (this.#takes('eq')) return compare(left, this.#value());
    if (this.#takes('ne')) {
      const equal = compare(left, this.#value());
      return (connection) => !equal(connection);
    }
    this.#must('in');
    if (this.#takes('groups')) return (connection) => connection.groups.has(left(connection) ?? '');
    this.#must('(');
    const values = [this.#value()];
    while (this.#takes(',')) values.push(this.#value());
    this.#must(')');
    return (connection) => values.some((value) => value(connection) === left(connection));
  }

  #value(): Value {
    const token = this.#next();
    if (token.startsWith("'")) {
      const text = token.slice(1, -1).replaceAll("''", "'");
      return () => text;
    }
    switch (token.toLowerCase()) {
      case 'userid':
        return (connection) => connection.userId ?? null;
      case 'connectionid':
        return (connection) => connection.connectionId;
      case 'null':
        return () => null;
      default:
        throw new NotServed();
    }
  }
}

function compare(left: Value, right: Value): Filter {
  return (connection) => left(connection) === right(connection);
}

/** Undefined: it is longer than `charactersMax`, or not of the part that is served. */
export function parseFilter(text: string, charactersMax: number): Filter | undefined {
  if (text.length > charactersMax) return undefined;
  try {
    return new Parser(tokensOf(text)).whole();
  } catch (error) {
    if (error instanceof NotServed) return undefined;
    throw error;
  }
}
