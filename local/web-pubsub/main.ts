/**
 * The realtime endpoint as a process of its own, so that sockets and the API do not hold up each other. Its configuration is its first
 * argument or TIDEMARK_WEB_PUBSUB_CONFIG, as JSON (see config.ts). Says `{"ready":true,"endpoint":…}` on stdout, and to its parent over
 * IPC with the connection string, when it listens; `{"ready":false,"message":…}` to the parent, and exit code 1, when it cannot. Ends its
 * connections, and itself, on SIGTERM, SIGINT, or when the parent's IPC channel closes.
 */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { pino } from 'pino';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { systemTimers } from '../../shared/adapters/node/system-timers.ts';
import { type StartedPart, runCompanion } from '../companion-main.ts';
import { type WebPubSubReady, parseAccessKey, parseWebPubSubProcessConfig } from './config.ts';
import { connectionStringOf, createWebPubSubServer } from './server.ts';

/** Events may be delivered for so long after the end was asked for: a person waits, and a device that vanished expires anyway. */
const closeGraceMs = 2_000;
/** Often enough to see what happens, when debug lines are wanted. */
const countersEveryMs = 60_000;

async function start(): Promise<StartedPart<WebPubSubReady>> {
  const log = pino(
    { name: 'web-pubsub', level: process.env['TIDEMARK_LOG'] ?? 'info' },
    pino.destination({ fd: 2, sync: true }),
  );
  const config = parseWebPubSubProcessConfig(process.argv[2] ?? process.env['TIDEMARK_WEB_PUBSUB_CONFIG'] ?? '');
  const { endpoint: asked, webhookUrl } = config;
  const accessKey = parseAccessKey(await readFile(config.keyFile, 'utf8'));
  const server = createWebPubSubServer({
    accessKey,
    endpoint: asked,
    webhookUrl,
    clock: systemClock,
    timers: systemTimers,
    log,
  });
  const endpoint = await server.start(config.host, config.port);
  process.stdout.write(`${JSON.stringify({ ready: true, endpoint })}\n`);
  const counting = setInterval(() => log.debug({ ...server.counters }, 'counters'), countersEveryMs);
  const stop = async (): Promise<void> => {
    clearInterval(counting);
    await server.close(closeGraceMs);
    log.debug({ ...server.counters }, 'counters at the end');
  };
  return { ready: { endpoint, connectionString: connectionStringOf(endpoint, accessKey) }, stop };
}

await runCompanion(start);
