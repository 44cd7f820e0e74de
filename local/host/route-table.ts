/** Finds the function for a method and path: special templates before general ones, whatever order they came in. */
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseRouteTemplate, type RouteParams, type RouteTemplate } from './route-template.ts';

export interface Route<Target> {
  readonly methods: ReadonlySet<string>;
  readonly template: RouteTemplate;
  readonly target: Target;
}

export interface RouteMatch<Target> {
  readonly route: Route<Target>;
  readonly params: RouteParams;
}

export interface RouteTable<Target> {
  readonly routes: readonly Route<Target>[];
  find(method: string, path: string): RouteMatch<Target> | undefined;
}

/**
 * @param entries with upper-case methods and templates that include the prefix.
 * @throws TidemarkError `conflict` when two entries have one template and a method in common: the real host would let
 * the first win in silence.
 */
export function createRouteTable<Target>(
  entries: readonly { readonly methods: readonly string[]; readonly template: string; readonly target: Target }[],
): RouteTable<Target> {
  const taken = new Set<string>();
  const routes = entries.map(({ methods, template, target }) => {
    for (const method of methods) claim(taken, `${method} /${template.toLowerCase()}`);
    return { methods: new Set(methods), template: parseRouteTemplate(template), target };
  });
  routes.sort((a, b) => (a.template.precedence < b.template.precedence ? -1 : 1));
  return { routes, find: (method, path) => findRoute(routes, method, path) };
}

/**
 * A path that matches but for its method is no match: the real host answers 404 there, not 405, because the method is a
 * constraint of the route (Azure/azure-functions-host#10098), and a GET function does not answer HEAD (#11625).
 */
function findRoute<Target>(
  routes: readonly Route<Target>[],
  method: string,
  path: string,
): RouteMatch<Target> | undefined {
  for (const route of routes) {
    if (!route.methods.has(method)) continue;
    const params = route.template.match(path);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function claim(taken: Set<string>, key: string): void {
  if (taken.has(key)) throw new TidemarkError('conflict', `Two functions answer ${key}; change one of the routes.`);
  taken.add(key);
}
