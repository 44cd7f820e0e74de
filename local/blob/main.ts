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
import { type BlobCreatedEvent, createdToEvent } from '../events/blob-created.ts';
import { createEventBridge } from '../events/event-bridge.ts';
import { loadBlobUrlKey } from '../../shared/adapters/disk/blob-url-key.ts';
import { createBlobServer } from './blob-server.ts';
import { type BlobProcessConfig, parseBlobProcessConfig } from './config.ts';

/** Requests may go on for so long after the end was asked for, and events be delivered: a person waits. Cut uploads are sent again. */
const requestGraceMs = 3_000;
const eventGraceMs = 2_000;
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
      if (created.container !== 'chunks') return;
      bridge?.emit(createdToEvent(created, { topic, endpoint }, randomUUID(), systemClock.now()));
    },
  });
  const aborted = new AbortController();
  const delivering = bridge?.run(aborted.signal);
  endpoint = await server.start(config.host, config.port);
  const stop = async (): Promise<void> => {
    await server.close(requestGraceMs);
    bridge?.close();
    const cut = setTimeout(() => aborted.abort(), eventGraceMs);
    await delivering;
    clearTimeout(cut);
  };
  return { url: endpoint, stop };
}

/** Says to the parent, or else on stderr, why it cannot start. */
function giveUp(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.exitCode = 1;
  if (process.send === undefined) process.stderr.write(`${message}\n`);
  else process.send({ ready: false, message }, () => process.disconnect());
}

function endWhenAsked(stop: () => Promise<void>): void {
  let stopping = false;
  const end = (): void => {
    if (stopping) return;
    stopping = true;
    void stop().finally(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('disconnect', end);
  // The parent may have ended while this one began.
  if (process.send !== undefined && !process.connected) end();
}

async function main(): Promise<void> {
  const log = pino({ name: 'blob' }, pino.destination({ fd: 2, sync: true }));
  const config = parseBlobProcessConfig(process.argv[2] ?? process.env['TIDEMARK_BLOB_CONFIG'] ?? '');
  const { url, stop } = await startBlobProcess(config, log);
  endWhenAsked(stop);
  const ready = { ready: true, url, port: Number(new URL(url).port) };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  if (process.connected) process.send?.(ready);
}

await main().catch(giveUp);
