/**
 * The embedded Azurite as a process of its own, so that moving bytes never holds up the API, with what Azure adds to storage:
 * Event Grid events of created blobs, and a change feed. Its configuration is its first argument, as JSON (see config.ts).
 *
 * Azurite loads all that it knows at its start and saves it every five seconds and at its end: two of them on one folder would
 * undo each other. So the folder is locked, and one that is started while another still saves waits for it.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { TidemarkError } from '../../shared/core/errors.ts';
import { type Container, containers } from '../../shared/ports/blob-store.ts';
import type { Log } from '../../shared/ports/log.ts';
import { loadOrCreateSecretFile } from '../../shared/adapters/node/secret-file.ts';
import { type StartedPart, runCompanion } from '../companion-main.ts';
import { lockData } from '../data-lock.ts';
import { type BlobCreatedEvent, createdToEvent } from '../events/blob-created.ts';
import { createEventBridge } from '../events/event-bridge.ts';
import { type StorageAccount, makeStorageAccount, wellKnownAccount } from './azurite-account.ts';
import { startAzurite } from './azurite.ts';
import type { AzuriteChange } from './blob-changes.ts';
import { type ChangeFeedWriter, createChangeFeedWriter } from './change-feed-writer.ts';
import { type AzuriteProcessConfig, type AzuriteReady, parseAzuriteProcessConfig } from './config.ts';

/** Requests may go on for so long after the end was asked for, and events be delivered: a person waits. Cut uploads are sent again. */
const requestGraceMs = 3_000;
const eventGraceMs = 2_000;
/** Longer than an earlier one takes to end. */
const lockWaitMs = 15_000;
const feedFlushMs = 1_000;
const topic = '/tidemark/local/storage';
/** Containers whose blobs functions want to hear of: packs, and what was uploaded in blocks. */
const announced: ReadonlySet<string> = new Set<Container>(['chunks', 'staging']);

async function lockFolder(folder: string): Promise<() => void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const until = performance.now() + lockWaitMs;
  for (;;) {
    const release = lockData(folder);
    if (release !== undefined) return release;
    if (performance.now() > until) throw new TidemarkError('conflict', `another Azurite runs on ${folder}`);
    await delay(100);
  }
}

/** The account of this folder: the same one at every start, so that URLs that were given out stay good. */
async function loadAccount(config: AzuriteProcessConfig): Promise<StorageAccount> {
  if (config.wellKnownAccount) return wellKnownAccount;
  const make = (): Uint8Array => Buffer.from(JSON.stringify(makeStorageAccount()));
  const bytes = await loadOrCreateSecretFile(join(config.folder, 'account.json'), make);
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as StorageAccount;
}

function toEvent(change: AzuriteChange, endpoint: string): BlobCreatedEvent | undefined {
  const container = containers.find((known) => known === change.container);
  if (change.kind !== 'created' || change.api === 'DeleteBlob') return undefined;
  if (container === undefined || !announced.has(container)) return undefined;
  const { name, api, etag, length, timeMs } = change;
  const created = { container, name, api, etag, length, createdMs: timeMs, tier: 'hot' as const };
  return createdToEvent(created, { topic, endpoint }, randomUUID(), timeMs);
}

/** Flushes once a second, and what is left at the end. */
function keepFlushing(writer: ChangeFeedWriter, log: Log): () => Promise<void> {
  const flush = (): Promise<void> =>
    writer
      .flush()
      .catch((error: unknown) => log.warn({ error: String(error) }, 'the change feed could not be written'));
  const flushing = setInterval(() => void flush(), feedFlushMs);
  return async () => {
    clearInterval(flushing);
    await flush();
  };
}

async function start(config: AzuriteProcessConfig, log: Log): Promise<StartedPart<AzuriteReady>> {
  const unlock = await lockFolder(config.folder);
  const { webhookUrl, host, blobPort, queuePort } = config;
  const bridge = webhookUrl === null ? undefined : createEventBridge<BlobCreatedEvent>({ webhookUrl, log });
  let endpoint = '';
  let writer: ChangeFeedWriter | undefined;
  const azurite = await startAzurite({
    folder: join(config.folder, 'data'),
    account: await loadAccount(config),
    host,
    blobPort,
    queuePort,
    onChange: (change) => {
      writer?.append(change);
      const event = toEvent(change, endpoint);
      if (event !== undefined) bridge?.emit(event);
    },
  });
  endpoint = azurite.blobUrl;
  writer = createChangeFeedWriter(azurite);
  const endFeed = keepFlushing(writer, log);
  // A feed that exists from the start is one that readers need not wait for.
  await writer.flush();
  const aborted = new AbortController();
  const delivering = bridge?.run(aborted.signal);
  const stop = async (): Promise<void> => {
    await endFeed();
    await azurite.close(requestGraceMs);
    unlock();
    bridge?.close();
    const cut = setTimeout(() => aborted.abort(), eventGraceMs);
    await delivering;
    clearTimeout(cut);
  };
  const { blobUrl, queueUrl, connectionString } = azurite;
  return { ready: { blobUrl, queueUrl, connectionString }, stop };
}

const log = pino({ name: 'azurite' }, pino.destination({ fd: 2, sync: true }));
await runCompanion(() => start(parseAzuriteProcessConfig(process.argv[2] ?? ''), log));
