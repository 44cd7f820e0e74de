/** What the two faces of the endpoint, sockets and REST, share. */
import type { Clock, Timers } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { WebPubSubBounds } from './bounds.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { Counters } from './counters.ts';
import type { FanOut } from './fan-out.ts';
import { Hub } from './hub.ts';
import type { Webhook } from './webhook.ts';

/** The hubs in which somebody is. */
export class Hubs {
  readonly #hubs = new Map<string, Hub>();
  readonly #groupsPerConnectionMax: number;

  constructor(groupsPerConnectionMax: number) {
    this.#groupsPerConnectionMax = groupsPerConnectionMax;
  }

  /** The hub of this name. One with nobody in it is a new one each time. */
  get(name: string): Hub {
    return this.#hubs.get(name) ?? new Hub(this.#groupsPerConnectionMax);
  }

  /** The same, and from now on it is kept, until it is empty and `drop` is called. */
  open(name: string): Hub {
    const hub = this.get(name);
    this.#hubs.set(name, hub);
    return hub;
  }

  dropIfEmpty(name: string): void {
    if (this.#hubs.get(name)?.size === 0) this.#hubs.delete(name);
  }

  all(): Iterable<Hub> {
    return this.#hubs.values();
  }

  get connections(): number {
    let connections = 0;
    for (const hub of this.#hubs.values()) connections += hub.size;
    return connections;
  }
}

export interface Endpoint {
  /** As clients reach it, without a slash at its end. Known when the server listens. */
  readonly url: () => string;
  readonly bounds: WebPubSubBounds;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly counters: Counters;
  readonly hubs: Hubs;
  readonly fanOut: FanOut;
  readonly tokens: AccessTokens;
  readonly events: ConnectionEvents;
  /** Undefined: there is no event handler, and connects are decided by tokens alone. */
  readonly webhook: Webhook | undefined;
}

/** As the service allows them: a letter, then letters, digits and a few signs. */
export function isHubName(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$/.test(text);
}
