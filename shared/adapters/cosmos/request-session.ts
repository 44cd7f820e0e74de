/**
 * The session of a request: what the account's containers have shown it so far. Every call within it asks for at least that
 * state, and adds what it learns. A call outside of any gets a session of its own, so that its steps see one another; what
 * went before it may not be visible yet.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ContainerName } from './containers.ts';
import { type RangeTokens, joinTokens, mergeTokens } from './vector-token.ts';

export interface Session {
  readonly tokens: Map<ContainerName, RangeTokens>;
  /** Request units so far. */
  charge: number;
}

export function newSession(): Session {
  return { tokens: new Map(), charge: 0 };
}

export class Sessions {
  readonly #current = new AsyncLocalStorage<Session>();

  run<Value>(session: Session, work: () => Promise<Value>): Promise<Value> {
    return this.#current.run(session, work);
  }

  /** In the current session, or in a new one. */
  ensure<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.#current.getStore() === undefined ? this.run(newSession(), work) : work();
  }

  tokenFor(container: ContainerName): string | undefined {
    return joinTokens(this.#current.getStore()?.tokens.get(container));
  }

  /** Takes token and charge from the headers of an answer, good or bad. */
  learn(container: ContainerName, headers: Readonly<Record<string, unknown>> | undefined): void {
    const session = this.#current.getStore();
    if (session === undefined || headers === undefined) return;
    const charge = Number(headers['x-ms-request-charge']);
    if (Number.isFinite(charge)) session.charge += charge;
    const token = headers['x-ms-session-token'];
    if (typeof token !== 'string') return;
    const tokens = session.tokens.get(container) ?? new Map<string, string>();
    mergeTokens(tokens, token);
    session.tokens.set(container, tokens);
  }
}
