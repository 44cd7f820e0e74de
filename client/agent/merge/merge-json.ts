/**
 * Merging two edits of one JSON text by structure. Objects are merged key by key; arrays of equal length that hold nothing but objects,
 * item by item; everything else is one value, which only one side may have changed. A key that one side removed and the other
 * changed, or that both added with different values, is a conflict, and then there is no merge at all.
 *
 *     base  {"a": 1, "b": 2}    one  {"a": 9, "b": 2}    other  {"a": 1, "b": 2, "c": 3}    merged  {"a": 9, "b": 2, "c": 3}
 *
 * The merged text is `one`'s with what `other` changed put into it as `other` wrote it. Nothing goes through a JavaScript number, and
 * what neither changed keeps its order, indentation and spelling. What `other` changed of white space and order alone is not taken over.
 */
import { lineEndOf } from './diff3.ts';
import {
  type JsonArray,
  type JsonMember,
  type JsonNode,
  type JsonObject,
  type JsonText,
  parseJsonText,
  sameJson,
} from './json-text.ts';

/** `not-json`: one of the three is not JSON that can be merged by key. `conflict`: the edits do not fit together. */
export type JsonMerge =
  | { readonly state: 'merged'; readonly text: string }
  | { readonly state: 'conflict' | 'not-json' };

class Conflict extends Error {}

export function mergeJson(base: string, one: string, other: string): JsonMerge {
  const texts = [base, one, other].map(parseJsonText);
  const [parsedBase, parsedOne, parsedOther] = texts;
  if (parsedBase === undefined || parsedOne === undefined || parsedOther === undefined) return { state: 'not-json' };
  try {
    const merger = new Merger(parsedOne, parsedOther);
    const body = merger.merge(parsedBase.root, parsedOne.root, parsedOther.root);
    const text = one.slice(0, parsedOne.root.from) + body + one.slice(parsedOne.root.to);
    return { state: 'merged', text };
  } catch (error) {
    if (error instanceof Conflict) return { state: 'conflict' };
    throw error;
  }
}

class Merger {
  readonly #one: string;
  readonly #other: string;
  readonly #lineEnd: string | undefined;

  constructor(one: JsonText, other: JsonText) {
    this.#one = one.text;
    this.#other = other.text;
    const end = lineEndOf(one.text);
    this.#lineEnd = end === '\n' || end === '\r\n' ? end : undefined;
  }

  merge(base: JsonNode, one: JsonNode, other: JsonNode): string {
    if (sameJson(base, other) || sameJson(one, other)) return this.#one.slice(one.from, one.to);
    if (sameJson(base, one)) return this.#fromOther(other.from, other.to);
    if (base.kind === 'object' && one.kind === 'object' && other.kind === 'object') {
      return this.#mergeObjects(base, one, other);
    }
    if (
      base.kind === 'array' &&
      one.kind === 'array' &&
      other.kind === 'array' &&
      areAlignedRecords(base, one, other)
    ) {
      return this.#mergeRecords(base, one, other);
    }
    throw new Conflict();
  }

  /** A piece of the other text, with the line ends of this one: in JSON they are white space wherever they stand. */
  #fromOther(from: number, to: number): string {
    const text = this.#other.slice(from, to);
    return this.#lineEnd === undefined ? text : text.replaceAll(/\r?\n/g, this.#lineEnd);
  }

  #mergeRecords(base: JsonArray, one: JsonArray, other: JsonArray): string {
    let text = '';
    let at = one.from;
    for (const [i, item] of one.items.entries()) {
      text += this.#one.slice(at, item.from) + this.merge(base.items[i]!, item, other.items[i]!);
      at = item.to;
    }
    return text + this.#one.slice(at, one.to);
  }

  #mergeObjects(base: JsonObject, one: JsonObject, other: JsonObject): string {
    const texts = new Map<string, string>();
    for (const member of one.members.values()) {
      const text = this.#mergeMember(base.members.get(member.name), member, other.members.get(member.name));
      if (text !== undefined) texts.set(member.name, text);
    }
    const own = [...texts.keys()];
    // What the other side added comes behind what it stands behind there.
    const added = new Map<string | undefined, string[]>();
    let previous: string | undefined;
    for (const member of other.members.values()) {
      if (texts.has(member.name)) {
        previous = member.name;
        continue;
      }
      if (!isAddedBy(base.members.get(member.name), member)) continue;
      const names = added.get(previous) ?? [];
      names.push(member.name);
      added.set(previous, names);
      texts.set(member.name, this.#fromOther(member.from, member.value.to));
    }
    const order = [...(added.get(undefined) ?? []), ...own.flatMap((name) => [name, ...(added.get(name) ?? [])])];
    return this.#write(order, texts, one, other);
  }

  /** Undefined when it goes. */
  #mergeMember(base: JsonMember | undefined, one: JsonMember, other: JsonMember | undefined): string | undefined {
    const own = this.#one.slice(one.from, one.value.to);
    if (base === undefined) {
      if (other !== undefined && !sameJson(one.value, other.value)) throw new Conflict();
      return own;
    }
    if (other === undefined) {
      if (!sameJson(base.value, one.value)) throw new Conflict();
      return undefined;
    }
    return this.#one.slice(one.from, one.value.from) + this.merge(base.value, one.value, other.value);
  }

  #write(order: readonly string[], texts: ReadonlyMap<string, string>, one: JsonObject, other: JsonObject): string {
    if (order.length === 0) return '{}';
    const first = one.members.values().next().value;
    const last = [...one.members.values()].at(-1);
    const tail = last?.after ?? this.#spaceOf([...other.members.values()].at(-1)?.after);
    let lead = first?.before;
    const parts = order.map((name, i) => {
      const own = one.members.get(name);
      const theirs = other.members.get(name);
      const before = own?.before ?? lead ?? this.#spaceOf(theirs?.before);
      lead = before;
      const isLast = i === order.length - 1;
      const after = isLast ? tail : own === last ? '' : (own?.after ?? '');
      return before + texts.get(name)! + after;
    });
    return `{${parts.join(',')}}`;
  }

  #spaceOf(space: string | undefined): string {
    return this.#lineEnd === undefined ? (space ?? '') : (space ?? '').replaceAll(/\r?\n/g, this.#lineEnd);
  }
}

/** Of a member that one side has and the other has not: false when the other removed it. Throws when both touched it. */
function isAddedBy(base: JsonMember | undefined, member: JsonMember): boolean {
  if (base === undefined) return true;
  if (!sameJson(base.value, member.value)) throw new Conflict();
  return false;
}

/** Lists of records that nobody lengthened or shortened: an item's place is what it is known by. */
function areAlignedRecords(...arrays: readonly JsonArray[]): boolean {
  const [{ items } = { items: [] }] = arrays;
  return arrays.every(
    (array) => array.items.length === items.length && array.items.every(({ kind }) => kind === 'object'),
  );
}
