import { limits } from '../../core/limits.ts';
import type { Seat } from '../../core/wire/realtime-negotiate.ts';
import type { PresenceRecord } from '../../ports/presence-store.ts';
import type { Needs } from '../dependencies.ts';
import { serverTimeMs } from '../server-time.ts';
import type { SeatedConnection } from './connection.ts';
import { type Word, takeWord } from './presence-word.ts';

export interface SeatWord extends Seat {
  readonly word: Word;
  /** The device's. */
  readonly name: string;
  /** The device's record, if one was found. */
  readonly before: PresenceRecord | undefined;
}

/**
 * Stores what a connection says of one of its seats, if that is news, and tells the workspace if the device is seen to be in another state. Two
 * events of one device that come at once may store the older one last: the next report rights it.
 */
export async function writePresence(
  deps: Needs<'metadata' | 'announcer' | 'clock'>,
  connection: SeatedConnection,
  { workspaceId, deviceId, word, name, before }: SeatWord,
): Promise<void> {
  const nowMs = serverTimeMs(deps.clock);
  const taken = takeWord(before, word, connection, nowMs);
  if (taken === undefined) return;
  const { userId } = connection;
  const expiresMs = nowMs + limits.presenceKeptSeconds * 1_000;
  await deps.metadata.presence.put({ workspaceId, deviceId, userId, name, ...taken.said, expiresMs });
  if (!taken.isChange) return;
  await deps.announcer.announce({ kind: 'presence', workspaceId, userId, deviceId, state: taken.said.state });
}
