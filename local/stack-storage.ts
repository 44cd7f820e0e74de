/**
 * What keeps a stack's blobs, and how the app reaches it: plain files behind the blob endpoint, or an embedded Azurite. A data folder
 * is of one kind for good, because its metadata speaks of the blobs.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TidemarkError } from '../shared/core/errors.ts';
import { startAzuriteProcess } from './azurite-process.ts';
import { startBlobProcess } from './blob-process.ts';
import { type Loss, lossOf, lossOfAzurite } from './end-with-signals.ts';
import { isLoopback } from './host/access-keys.ts';
import { readStackFile } from './stack-file.ts';

export interface StorageOptions {
  readonly data: string;
  readonly host: string;
  /** Of blobs; Azurite's queues have the next one. */
  readonly port: number;
  /** Where events of created blobs go. */
  readonly webhookUrl: string;
}

/** A part that keeps blobs, and how the app reaches it. */
export interface RunningStorage {
  readonly pid: number;
  readonly url: string;
  /** Of the storage account; undefined for plain files. */
  readonly connectionString?: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly ended: Promise<Loss>;
  stop(): Promise<void>;
}

/** The app's settings for Azurite. */
function azuriteSettings(connectionString: string): Readonly<Record<string, string>> {
  return {
    TIDEMARK_BLOBS: 'azure',
    TIDEMARK_QUEUES: 'azure',
    TIDEMARK_CHANGE_FEED: 'azure',
    TIDEMARK_BLOB_ACCOUNT_URL: '',
    TIDEMARK_QUEUE_ACCOUNT_URL: '',
    TIDEMARK_STORAGE_CONNECTION: connectionString,
  };
}

async function startDisk(options: StorageOptions): Promise<RunningStorage> {
  const { data, host, port, webhookUrl } = options;
  const keyFile = join(data, 'blob.key');
  const blobs = await startBlobProcess({ folder: join(data, 'blobs'), keyFile, host, port, webhookUrl });
  return {
    pid: blobs.pid,
    url: blobs.ready.url,
    settings: {
      TIDEMARK_BLOBS: 'disk',
      TIDEMARK_QUEUES: 'sqlite',
      TIDEMARK_CHANGE_FEED: 'disk',
      TIDEMARK_BLOB_ENDPOINT: `http://${reachable(host)}:${port}`,
      TIDEMARK_STORAGE_CONNECTION: '',
    },
    ended: blobs.ended.then(() => lossOf('the blob endpoint')),
    stop: () => blobs.stop(),
  };
}

async function startEmulator(options: StorageOptions): Promise<RunningStorage> {
  const { data, host, port, webhookUrl } = options;
  if (!isLoopback(host)) throw new TidemarkError('malformed', 'Azurite serves this machine only: leave out --host');
  const azurite = await startAzuriteProcess({
    folder: join(data, 'azurite'),
    host,
    blobPort: port,
    queuePort: port + 1,
    wellKnownAccount: false,
    webhookUrl,
  });
  return {
    pid: azurite.pid,
    url: azurite.ready.blobUrl,
    connectionString: azurite.ready.connectionString,
    settings: azuriteSettings(azurite.ready.connectionString),
    ended: azurite.ended.then(() => lossOfAzurite),
    stop: () => azurite.stop(),
  };
}

/** Below a data folder: the storage of `npm run companions`, under another account than a stack's. */
export const companionsFolder = 'development-storage';

function isAzuriteData(data: string): boolean {
  return existsSync(join(data, 'azurite'));
}

/**
 * @throws TidemarkError `conflict` when the folder keeps its blobs the other way, or the storage cannot start; `malformed` for
 * Azurite on an address that others reach.
 */
export async function startStorage(azurite: boolean, options: StorageOptions): Promise<RunningStorage> {
  const { data } = options;
  if (existsSync(join(data, companionsFolder))) {
    throw new TidemarkError('conflict', `${data} is of npm run companions, for func start: choose another --data`);
  }
  if (!azurite && isAzuriteData(data)) {
    throw new TidemarkError('conflict', `${data} keeps its blobs in Azurite: add --azurite, or choose another --data`);
  }
  if (azurite && existsSync(join(data, 'blobs'))) {
    throw new TidemarkError(
      'conflict',
      `${data} keeps its blobs in files: leave out --azurite, or choose another --data`,
    );
  }
  return azurite ? startEmulator(options) : startDisk(options);
}

/**
 * The settings by which another process reaches the storage of a stack's folder: none for plain files, which any number of
 * processes may open. @throws TidemarkError `unavailable` when they are in Azurite, and no stack serves it.
 */
export function settingsOfStorage(data: string): Readonly<Record<string, string>> {
  if (!isAzuriteData(data)) return {};
  const connectionString = readStackFile(data)?.connectionString;
  if (connectionString === undefined) {
    throw new TidemarkError(
      'unavailable',
      `${data} keeps its blobs in Azurite: run npm start -- --azurite beside this`,
    );
  }
  return azuriteSettings(connectionString);
}

/** Addresses that others may be told: `0.0.0.0` is where one listens, not where one can be reached. */
export function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}
