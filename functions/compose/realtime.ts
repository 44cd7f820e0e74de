import { systemTimers } from '../../shared/adapters/node/system-timers.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Metrics } from '../../shared/ports/metrics.ts';
import type { Notifier } from '../../shared/ports/notifier.ts';
import { type Announcer, silentAnnouncer } from '../../shared/services/realtime/announcer.ts';
import { createAnnouncer } from '../../shared/services/realtime/create-announcer.ts';
import type { Config, WebPubSubAccount } from '../config.ts';

export interface Realtime {
  readonly notifier: Notifier | null;
  readonly announcer: Announcer;
}

/** The SDKs are loaded here, so that a stack without realtime starts without them. */
async function openNotifier(account: WebPubSubAccount, clock: Clock): Promise<Notifier> {
  const { createWebPubSubNotifier } = await import('../../shared/adapters/web-pubsub/web-pubsub-notifier.ts');
  if (account.kind === 'connection') {
    return createWebPubSubNotifier({ access: account.connection, clock, allowRemoteKey: account.allowRemote });
  }
  const { DefaultAzureCredential } = await import('@azure/identity');
  const access = { endpoint: account.url, credential: new DefaultAzureCredential() };
  return createWebPubSubNotifier({ access, clock });
}

/**
 * The realtime service that is configured. Nothing is asked of it before its first call.
 * @throws TidemarkError `forbidden` for the key of an endpoint on another machine, unless that is allowed; `malformed` for what is none.
 */
export async function openRealtime(
  realtime: Config['realtime'],
  needs: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics },
): Promise<Realtime> {
  if (realtime.adapter === 'none') return { notifier: null, announcer: silentAnnouncer };
  const notifier = await openNotifier(realtime.account, needs.clock);
  return { notifier, announcer: createAnnouncer({ ...needs, notifier, timers: systemTimers }) };
}
