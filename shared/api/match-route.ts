/** How a request finds its row of the route table. */
import type { Route } from './route.ts';

export type RouteMatch =
  | {
      readonly kind: 'found';
      readonly route: Route;
      /** As they stand in the path, not decoded. */
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'other-method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' };

/** Undefined when the path is not of the pattern. A literal segment matches as it is written, without decoding. */
function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, segment] of wanted.entries()) {
    const value = given[i]!;
    if (segment.startsWith('{')) params[segment.slice(1, -1)] = value;
    else if (segment !== value) return undefined;
  }
  return params;
}

/** The host may serve the API under `/api` or at its root; both mean the same. */
export function pathWithinApi(pathname: string): string {
  return pathname.startsWith('/api/') ? pathname.slice('/api'.length) : pathname;
}

/** The first route of the table that fits; `other-method` when only its method does not. */
export function findRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const allow: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params === undefined) continue;
    if (route.method === method) return { kind: 'found', route, params };
    allow.push(route.method);
  }
  return allow.length > 0 ? { kind: 'other-method', allow } : { kind: 'none' };
}
