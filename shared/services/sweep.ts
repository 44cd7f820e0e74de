import type { Needs } from './dependencies.ts';
import { serverTimeMs } from './server-time.ts';

export interface Swept {
  readonly sessions: number;
  readonly requests: number;
}

/** Forgets upload sessions and stored answers whose time is over. Repeating it, or two at once, is harmless. */
export async function sweep(deps: Needs<'metadata' | 'clock' | 'log'>): Promise<Swept> {
  const now = serverTimeMs(deps.clock);
  const sessions = await deps.metadata.sessions.sweep(now);
  const requests = await deps.metadata.journal.sweepRequests(now);
  deps.log.info({ sessions, requests }, 'swept what had expired');
  return { sessions, requests };
}
