/**
 * The part of Cosmos DB's SQL that our adapter speaks:
 *
 *     SELECT [TOP n] * | VALUE c.path | c.path, … FROM c [WHERE c.path op @p | c.path IN (@p, …) AND …] [ORDER BY c.path [DESC]]
 *
 * op is one of = < <= > >=. Every value is a parameter. Anything else is refused with a 400, a filter on a path that is not
 * indexed too (the service would answer it, at the price of a scan), and an order by one (the service refuses it).
 */
import { Refusal, unknown } from './refusal.ts';

export type Value = string | number;

export interface Condition {
  readonly path: string;
  readonly operator: '=' | '<' | '<=' | '>' | '>=' | 'IN';
  readonly values: readonly Value[];
}

export interface Query {
  readonly top: number | undefined;
  /** Empty: whole documents. */
  readonly fields: readonly string[];
  /** `VALUE`: the one field itself, not an object of it. */
  readonly value: boolean;
  readonly conditions: readonly Condition[];
  readonly order: { readonly path: string; readonly direction: 'ASC' | 'DESC' } | undefined;
}

const operators = ['=', '<', '<=', '>', '>='] as const;

class Tokens {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    const token = /\s*(@?[A-Za-z_][\w.]*|\d+|<=|>=|[=<>(),*])/y;
    const tokens: string[] = [];
    while (token.lastIndex < text.trimEnd().length) {
      const match = token.exec(text);
      if (match === null) throw unknown(`this in a query: ${text.slice(0, 200)}`);
      tokens.push(match[1]!);
    }
    this.#tokens = tokens;
  }

  get next(): string | undefined {
    return this.#tokens[this.#at];
  }

  take(): string {
    const token = this.next;
    if (token === undefined) throw unknown('a query that ends here');
    this.#at += 1;
    return token;
  }

  takeIf(word: string): boolean {
    if (this.next !== word) return false;
    this.#at += 1;
    return true;
  }

  must(word: string): void {
    if (!this.takeIf(word)) throw unknown(`a query without ${word} before ${this.next ?? 'its end'}`);
  }
}

function pathOf(token: string): string {
  const path = /^c\.(\w+)$/.exec(token)?.[1];
  if (path === undefined) throw unknown(`the path ${token}`);
  return path;
}

function listOf<Item>(tokens: Tokens, item: (token: string) => Item): Item[] {
  const items = [item(tokens.take())];
  while (tokens.takeIf(',')) items.push(item(tokens.take()));
  return items;
}

function conditionOf(tokens: Tokens, parameter: (name: string) => Value): Condition {
  const path = pathOf(tokens.take());
  if (tokens.takeIf('IN')) {
    tokens.must('(');
    const values = listOf(tokens, parameter);
    tokens.must(')');
    return { path, operator: 'IN', values };
  }
  const word = tokens.take();
  const operator = operators.find((known) => known === word);
  if (operator === undefined) throw unknown(`the operator ${word}`);
  return { path, operator, values: [parameter(tokens.take())] };
}

function parametersOf(given: unknown): Map<string, unknown> {
  if (given === undefined) return new Map();
  if (!Array.isArray(given)) throw new Refusal(400, 'parameters are a list');
  return new Map(given.map((one: { name: string; value: unknown }) => [one.name, one.value]));
}

/** Throws a 400 unless it is of the form above, with a value for each parameter. */
export function parseQuery(body: unknown): Query {
  const { query: text, parameters } = (body ?? {}) as { query?: unknown; parameters?: unknown };
  if (typeof text !== 'string') throw new Refusal(400, 'a query has a text');
  const values = parametersOf(parameters);
  const parameter = (name: string): Value => {
    const value = values.get(name);
    if (typeof value !== 'string' && typeof value !== 'number') throw new Refusal(400, `${name} has no value`);
    return value;
  };
  const tokens = new Tokens(text);
  tokens.must('SELECT');
  const top = tokens.takeIf('TOP') ? Number(tokens.take()) : undefined;
  const value = tokens.takeIf('VALUE');
  const fields = tokens.takeIf('*') ? [] : listOf(tokens, pathOf);
  if (value && fields.length !== 1) throw unknown('VALUE of anything but one path');
  tokens.must('FROM');
  tokens.must('c');
  const conditions: Condition[] = [];
  if (tokens.takeIf('WHERE')) {
    do conditions.push(conditionOf(tokens, parameter));
    while (tokens.takeIf('AND'));
  }
  let order: Query['order'];
  if (tokens.takeIf('ORDER')) {
    tokens.must('BY');
    const path = pathOf(tokens.take());
    order = { path, direction: tokens.takeIf('DESC') ? 'DESC' : 'ASC' };
    tokens.takeIf('ASC');
  }
  if (tokens.next !== undefined) throw unknown(`${tokens.next} in a query`);
  return { top, fields, value, conditions, order };
}

/** What a query gives of a document. */
export function project(query: Query, document: Readonly<Record<string, unknown>>): unknown {
  if (query.fields.length === 0) return document;
  if (query.value) return document[query.fields[0]!];
  return Object.fromEntries(query.fields.filter((field) => field in document).map((field) => [field, document[field]]));
}

/** The plan that the SDK asks for beside each query. It follows the plan only where a query has to be put together by the client. */
export function planOf(query: Query): unknown {
  return {
    partitionedQueryExecutionInfoVersion: 2,
    queryInfo: {
      distinctType: 'None',
      top: query.top ?? null,
      offset: null,
      limit: null,
      orderBy: query.order === undefined ? [] : [query.order.direction === 'ASC' ? 'Ascending' : 'Descending'],
      orderByExpressions: query.order === undefined ? [] : [`c.${query.order.path}`],
      groupByExpressions: [],
      groupByAliases: [],
      aggregates: [],
      groupByAliasToAggregateType: {},
      rewrittenQuery: '',
      hasSelectValue: query.value,
    },
    queryRanges: [{ min: '', max: 'FF', isMinInclusive: true, isMaxInclusive: false }],
  };
}
