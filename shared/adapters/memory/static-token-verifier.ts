import { TidemarkError } from '../../core/errors.ts';
import type { Caller, TokenVerifier } from '../../ports/token-verifier.ts';

/** Knows each token by heart. For tests and the simulation: there is nothing to forge, expire or fetch. */
export function createStaticTokenVerifier(callers: ReadonlyMap<string, Caller>): TokenVerifier {
  return {
    verify: async (token) => {
      const caller = callers.get(token);
      if (caller === undefined) throw new TidemarkError('unauthenticated', 'the token is not known');
      return caller;
    },
  };
}
