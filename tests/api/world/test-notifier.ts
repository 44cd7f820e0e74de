/** A realtime service that gives URLs, keeps what it was asked for, and reaches nobody. */
import type { UserId } from '../../../shared/core/ids.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import type { Notifier } from '../../../shared/ports/notifier.ts';

export interface AskedUrl {
  readonly userId: UserId;
  readonly groups: readonly string[];
  readonly seconds: number;
}

export interface TestNotifier extends Notifier {
  readonly asked: AskedUrl[];
}

export function createTestNotifier(clock: Clock): TestNotifier {
  const asked: AskedUrl[] = [];
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    asked,
    clientUrl: async (userId, groups, seconds) => {
      asked.push({ userId, groups, seconds });
      const url = `wss://realtime.test/client/hubs/tidemark?for=${encodeURIComponent(userId)}&groups=${groups.join()}`;
      return { url, expiresMs: clock.now() + seconds * 1_000 };
    },
    send: nothing,
    closeUser: nothing,
    closeGroup: nothing,
    closeConnection: nothing,
  };
}
