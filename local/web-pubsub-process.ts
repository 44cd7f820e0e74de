/** Starts the realtime endpoint as a process of its own and waits until it listens. */
import { fileURLToPath } from 'node:url';
import { type CompanionProcess, startCompanion } from './companion-process.ts';
import type { WebPubSubProcessConfig, WebPubSubReady } from './web-pubsub/config.ts';

const script = fileURLToPath(new URL('./web-pubsub/main.ts', import.meta.url));

/** @throws TidemarkError `conflict` when it ends before it listens, for instance because its port is taken. */
export function startWebPubSubProcess(config: WebPubSubProcessConfig): Promise<CompanionProcess<WebPubSubReady>> {
  return startCompanion(script, config, 'the realtime endpoint');
}
