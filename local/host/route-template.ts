/**
 * Route templates of the Functions host (ASP.NET Core's): literals, `{name}`, `{name?}`, `{name=default}`, `{*rest}`,
 * constraints after colons, and literals beside a parameter within one segment. Literals match in any case.
 *
 * Example: `workspaces/{ws:guid}/files/{*path}` matches `/Workspaces/5f…/files/a/b` with `{ws: '5f…', path: 'a/b'}`.
 */
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseConstraint, type RouteConstraint } from './route-constraints.ts';

export type RouteParams = Readonly<Record<string, string>>;

export interface RouteTemplate {
  readonly text: string;
  /** Sorts templates from special to general: one digit per segment. */
  readonly precedence: string;
  /** @param path absolute path, still percent-encoded. @returns undefined when it does not match. */
  match(path: string): RouteParams | undefined;
}

interface Parameter {
  readonly name: string;
  readonly constraints: readonly RouteConstraint[];
  readonly fallback: string | undefined;
  readonly kind: 'plain' | 'optional' | 'rest';
}

/** @throws TidemarkError `malformed` or `unsupported` when the template cannot be understood. */
export function parseRouteTemplate(text: string): RouteTemplate {
  const parameters: Parameter[] = [];
  const segments = splitSegments(text).map((segment) => parseSegment(segment, parameters));
  const pattern = new RegExp(`^${segments.map((segment) => segment.pattern).join('')}/?$`, 'i');
  return {
    text,
    precedence: segments.map((segment) => segment.rank).join(''),
    match(path) {
      const found = pattern.exec(path);
      return found === null ? undefined : readParams(parameters, found);
    },
  };
}

/** Splits at slashes outside braces; a regex constraint may hold one inside. */
function splitSegments(text: string): readonly string[] {
  const segments = text.match(/(?:\{[^}]*\}|[^/{}]|[{}])+/g) ?? [];
  return segments.filter((segment) => segment !== '');
}

function parseSegment(segment: string, parameters: Parameter[]): { readonly pattern: string; readonly rank: number } {
  const pieces = segment.split(/(\{[^}]*\})/).filter((piece) => piece !== '');
  const found = pieces.map((piece) => (piece.startsWith('{') ? parseParameter(piece, segment) : piece));
  const [only] = found;
  parameters.push(...found.filter((piece) => typeof piece !== 'string'));
  if (found.length === 1 && only !== undefined && typeof only !== 'string') return parameterSegment(only);
  const pattern = found.map((piece) => (typeof piece === 'string' ? escapePattern(piece) : '([^/]+?)')).join('');
  return { pattern: `/${pattern}`, rank: found.length === 1 ? 1 : 2 };
}

/** A segment that is one parameter: constrained before plain before optional before the rest of the path. */
function parameterSegment(parameter: Parameter): { readonly pattern: string; readonly rank: number } {
  const constrained = parameter.constraints.length > 0;
  if (parameter.kind === 'rest') return { pattern: '(?:/(.*))?', rank: constrained ? 6 : 7 };
  if (parameter.kind === 'optional') return { pattern: '(?:/([^/]+))?', rank: constrained ? 3 : 5 };
  return { pattern: '/([^/]+)', rank: constrained ? 3 : 4 };
}

function parseParameter(piece: string, segment: string): Parameter {
  const parts = /^\{(?<stars>\*{0,2})(?<name>[A-Za-z_]\w*)(?<rest>.*)\}$/.exec(piece)?.groups;
  if (parts === undefined)
    throw new TidemarkError('malformed', `The route segment "${segment}" is not of the form {name}.`);
  const optional = (parts['rest'] ?? '').endsWith('?');
  const rest = (parts['rest'] ?? '').replace(/\?$/, '');
  const [constraints, fallback] = /^(:|$)/.test(rest) ? splitOnce(rest, '=') : ['', rest.replace(/^=/, '')];
  const plain = !optional && fallback === undefined;
  return {
    name: parts['name'] ?? '',
    constraints: constraints
      .split(':')
      .filter((text) => text !== '')
      .map(parseConstraint),
    fallback,
    kind: parts['stars'] === '' ? (plain ? 'plain' : 'optional') : 'rest',
  };
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 || text.includes('(') ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function readParams(parameters: readonly Parameter[], found: RegExpExecArray): RouteParams | undefined {
  const params: Record<string, string> = {};
  for (const [index, { name, constraints, fallback }] of parameters.entries()) {
    const raw = found[index + 1];
    const value = raw === undefined || raw === '' ? fallback : decodeSegment(raw);
    if (value === undefined) continue;
    if (!constraints.every((holds) => holds(value))) return undefined;
    Object.defineProperty(params, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return params;
}

/** Percent-decodes as the real host does: an encoded slash stays encoded, so that it never looks like a separator. */
function decodeSegment(raw: string): string {
  try {
    return raw
      .split(/(%2f)/i)
      .map((part) => (/^%2f$/i.test(part) ? part : decodeURIComponent(part)))
      .join('');
  } catch {
    return raw;
  }
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
