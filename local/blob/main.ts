/**
 * The blob endpoint as a process of its own, so that moving bytes never holds up the API. Its configuration is its first
 * argument or TIDEMARK_BLOB_CONFIG, as JSON (see config.ts). Says `{"ready":true,"url":…,"port":…}` on stdout, and to its
 * parent over IPC, when it listens; `{"ready":false,"message":…}` to the parent, and exit code 1, when it cannot. Ends, after its requests, on SIGTERM, SIGINT, or when the parent's IPC channel closes.
 */
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { pino } from 'pino';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import { type StartedPart, runCompanion } from '../companion-main.ts';
import { type BlobCreatedEvent, createdToEvent } from '../events/blob-created.ts';
import { createEventBridge } from '../events/event-bridge.ts';
import { loadBlobUrlKey } from '../../shared/adapters/disk/blob-url-key.ts';
import { createBlobServer } from './blob-server.ts';
import { type BlobProcessConfig, parseBlobProcessConfig } from './config.ts';

/** Requests may go on for so long after the end was asked for, and events be delivered: a person waits. Cut uploads are sent again. */
const requestGraceMs = 3_000;
const eventGraceMs = 2_000;
/** Staged blocks live for two days; an hour more or less is nothing to them. */
const sweepEveryMs = 3_600_000;
const topic = '/tidemark/local/storage';

/** Starts everything. @returns the base URL, and how to end it. */
async function startBlobProcess(
  config: BlobProcessConfig,
  log: Log,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const { webhookUrl } = config;
  const bridge = webhookUrl === null ? undefined : createEventBridge<BlobCreatedEvent>({ webhookUrl, log });
  let endpoint = '';
  const server = createBlobServer({
    folder: config.folder,
    key: await loadBlobUrlKey(config.keyFile),
    clock: systemClock,
    log,
    onCreated: (created) => {
      if (created.container !== 'chunks' && created.container !== 'staging') return;
      bridge?.emit(createdToEvent(created, { topic, endpoint }, randomUUID(), systemClock.now()));
    },
  });
  const aborted = new AbortController();
  const delivering = bridge?.run(aborted.signal);
  endpoint = await server.start(config.host, config.port);
  const sweeping = setInterval(() => {
    server.sweepBlocks().catch((error: unknown) => log.warn({ error: String(error) }, 'staged blocks were not swept'));
  }, sweepEveryMs);
  const stop = async (): Promise<void> => {
    clearInterval(sweeping);
    await server.close(requestGraceMs);
    bridge?.close();
    const cut = setTimeout(() => aborted.abort(), eventGraceMs);
    await delivering;
    clearTimeout(cut);
  };
  return { url: endpoint, stop };
}

async function start(): Promise<StartedPart<{ readonly url: string; readonly port: number }>> {
  const log = pino({ name: 'blob' }, pino.destination({ fd: 2, sync: true }));
  const config = parseBlobProcessConfig(process.argv[2] ?? process.env['TIDEMARK_BLOB_CONFIG'] ?? '');
  const { url, stop } = await startBlobProcess(config, log);
  const ready = { url, port: Number(new URL(url).port) };
  process.stdout.write(`${JSON.stringify({ ready: true, ...ready })}\n`);
  return { ready, stop };
}

await runCompanion(start);
