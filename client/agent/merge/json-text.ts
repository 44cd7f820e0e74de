/**
 * JSON with its text: every value knows where it stands, so that what is not touched stays as it was written, to the byte. Numbers are
 * their text (1.0 is not 1, and 12345678901234567890 stays that). What cannot be merged by key without guessing is not taken:
 * a key twice in one object, nesting past `depthMax`, and anything that RFC 8259 does not allow (comments, trailing commas).
 */
export type JsonNode = JsonObject | JsonArray | JsonScalar;

interface Spanned {
  readonly from: number;
  readonly to: number;
}

export interface JsonMember {
  readonly name: string;
  /** From its key to the end of its value. */
  readonly from: number;
  readonly value: JsonNode;
  /** White space before the key and behind the value, up to the next `,` or the end of the object. */
  readonly before: string;
  readonly after: string;
}

export interface JsonObject extends Spanned {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, JsonMember>;
}

export interface JsonArray extends Spanned {
  readonly kind: 'array';
  readonly items: readonly JsonNode[];
}

export interface JsonScalar extends Spanned {
  readonly kind: 'scalar';
  /** A string's decoded text, or the literal as it was written. */
  readonly value: string;
  readonly isString: boolean;
}

export interface JsonText {
  readonly text: string;
  readonly root: JsonNode;
}

const depthMax = 200;

class NotJson extends Error {}

/** Undefined for what is not JSON, or not to be merged as such. */
export function parseJsonText(text: string): JsonText | undefined {
  try {
    return { text, root: new Parser(text).whole() };
  } catch (error) {
    if (error instanceof NotJson || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const space = /[ \t\n\r]*/y;
const literal = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): JsonNode {
    this.#take(space);
    const node = this.#value(0);
    this.#take(space);
    if (this.#at !== this.#text.length) throw new NotJson();
    return node;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw new NotJson();
    this.#at += found.length;
    return found;
  }

  #takeIf(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #value(depth: number): JsonNode {
    if (depth > depthMax) throw new NotJson();
    const from = this.#at;
    if (this.#takeIf('{')) return this.#object(from, depth);
    if (this.#takeIf('[')) return this.#array(from, depth);
    const isString = this.#text[from] === '"';
    const value = isString ? this.#string() : this.#take(literal);
    return { kind: 'scalar', value, isString, from, to: this.#at };
  }

  #string(): string {
    const from = this.#at;
    if (!this.#takeIf('"')) throw new NotJson();
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"')
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    this.#at++;
    // Throws a SyntaxError on what a string may not hold, or when there was no end.
    return String(JSON.parse(this.#text.slice(from, this.#at)));
  }

  #object(from: number, depth: number): JsonObject {
    const members = new Map<string, JsonMember>();
    let before = this.#take(space);
    if (this.#takeIf('}')) return { kind: 'object', members, from, to: this.#at };
    do {
      if (members.size > 0) before = this.#take(space);
      const start = this.#at;
      const name = this.#string();
      this.#take(space);
      if (!this.#takeIf(':') || members.has(name)) throw new NotJson();
      this.#take(space);
      const value = this.#value(depth + 1);
      members.set(name, { name, from: start, value, before, after: this.#take(space) });
    } while (this.#takeIf(','));
    if (!this.#takeIf('}')) throw new NotJson();
    return { kind: 'object', members, from, to: this.#at };
  }

  #array(from: number, depth: number): JsonArray {
    const items: JsonNode[] = [];
    this.#take(space);
    if (this.#takeIf(']')) return { kind: 'array', items, from, to: this.#at };
    do {
      this.#take(space);
      items.push(this.#value(depth + 1));
      this.#take(space);
    } while (this.#takeIf(','));
    if (!this.#takeIf(']')) throw new NotJson();
    return { kind: 'array', items, from, to: this.#at };
  }
}

/** Whether two values say the same. Neither white space nor the order of an object's keys counts; how a number is written does. */
export function sameJson(a: JsonNode, b: JsonNode): boolean {
  if (a.kind === 'scalar') return b.kind === 'scalar' && a.isString === b.isString && a.value === b.value;
  if (a.kind === 'array') {
    return (
      b.kind === 'array' && a.items.length === b.items.length && a.items.every((item, i) => sameJson(item, b.items[i]!))
    );
  }
  if (b.kind !== 'object' || a.members.size !== b.members.size) return false;
  return [...a.members.values()].every(({ name, value }) => {
    const other = b.members.get(name);
    return other !== undefined && sameJson(value, other.value);
  });
}
