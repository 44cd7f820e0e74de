/**
 * Routes for those who run the service. A token needs the scope `sync.admin`, and its user must be one of the operators that
 * the service was configured with; for everybody else there is no such route, whatever they send to it. No role in a
 * workspace is asked for, and none is given: operators see counts, ids, the names of
 * workspaces and reasons, never content.
 */
import { requireOperator } from '../services/authorise.ts';
import { type Route, route } from './route.ts';

/** As `route`, with its scope given; who calls is looked at before anything that was sent. */
export function operatorRoute<Body, Answer>(
  definition: Omit<Parameters<typeof route<Body, Answer>>[0], 'scope'>,
): Route {
  const inner = route<Body, Answer>({ ...definition, scope: 'sync.admin' });
  return {
    ...inner,
    answer: async (deps, routed, caller) => {
      requireOperator(deps, caller);
      return inner.answer(deps, routed, caller);
    },
  };
}
