/**
 * Azurite's blob and queue services in this process. With a folder its state lasts, but it saves what it knows of blobs and
 * messages every five seconds only, and when it is closed: kill -9 loses what was acknowledged since. For development and
 * tests, never for keeping data.
 */
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type ListenAddress, toListenError } from '../host/http-server.ts';
import { type StorageAccount, makeStorageAccount } from './azurite-account.ts';
import { type AzuriteServer, loadAzurite } from './azurite-modules.ts';
import { type AzuriteChange, watchBlobs } from './blob-changes.ts';

export interface AzuriteOptions {
  /** Folder of all state, made when missing; null keeps everything in memory. */
  readonly folder: string | null;
  readonly host?: string;
  /** 0: a free one. */
  readonly blobPort?: number;
  readonly queuePort?: number;
  /** By default one of its own, with a random key. */
  readonly account?: StorageAccount;
  /** Told of every blob that is created or deleted, copies included; must not throw. */
  readonly onChange?: (change: AzuriteChange) => void;
  readonly now?: () => number;
  /** Takes bearer tokens without checking who signed them, as behind a proxy that ended TLS (`x-forwarded-proto`). For tests. */
  readonly anyToken?: boolean;
}

/** An account, and how to reach it. */
export interface AzuriteAccess extends StorageAccount {
  readonly blobUrl: string;
  readonly queueUrl: string;
  /** As `AzureWebJobsStorage` and the SDKs read it. */
  readonly connectionString: string;
}

export interface Azurite extends AzuriteAccess {
  /** Another account, empty, on the same servers. */
  addAccount(account?: StorageAccount): AzuriteAccess;
  /** Lets requests under way end for `graceMs`, saves everything, and ends. */
  close(graceMs?: number): Promise<void>;
}

/** Longer than any pause between two packs of one upload. */
const keepAliveSeconds = 65;

function configure(service: 'blob' | 'queue', options: AzuriteOptions) {
  const { folder, host = '127.0.0.1' } = options;
  const port = (service === 'blob' ? options.blobPort : options.queuePort) ?? 0;
  const file = (name: string): string => join(folder ?? '', `${service}${name}`);
  const oauth = options.anyToken === true ? 'basic' : undefined;
  const persistence = [{ locationId: 'Default', locationPath: file('s'), maxConcurrency: 50 }];
  return [
    host,
    port,
    keepAliveSeconds,
    file('.json'),
    file('-extents.json'),
    persistence,
    ...([false, undefined, false, undefined] as const),
    ...([false, true, '', '', '', oauth, false, folder === null] as const),
  ] as const;
}

async function start(server: AzuriteServer, what: string, { host, port }: ListenAddress): Promise<string> {
  try {
    await server.start();
  } catch (cause) {
    throw toListenError(cause, { host, port }, `${what} of Azurite`);
  }
  return server.getHttpServerAddress();
}

/** Requests that are under way end before the stores close: Azurite itself would close the stores under them. */
async function stop(server: AzuriteServer, graceMs: number): Promise<void> {
  const { httpServer } = server;
  await new Promise<void>((resolve) => {
    const cut = setTimeout(() => httpServer.closeAllConnections(), graceMs);
    httpServer.close(() => {
      clearTimeout(cut);
      resolve();
    });
    httpServer.closeIdleConnections();
  });
  await server.close();
}

function trustProxy(server: AzuriteServer): void {
  for (const listener of server.httpServer.listeners('request')) {
    if ('set' in listener && typeof listener.set === 'function') listener.set('trust proxy', true);
  }
}

/**
 * Refuses copies that are asked for by a signed URL. Azure copies only what the asker may read; Azurite reads any blob of the account for
 * whoever may create one, so that a create-only URL would open everybody's packs. Our own copies come with the account's key.
 */
function refuseCopiesByUrl({ httpServer }: AzuriteServer): void {
  const listeners = httpServer.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
  httpServer.removeAllListeners('request');
  httpServer.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const isByUrl = request.headers.authorization === undefined;
    if (isByUrl && request.headers['x-ms-copy-source'] !== undefined) {
      response.writeHead(403, { 'x-ms-error-code': 'CannotVerifyCopySource', connection: 'close' }).end();
      return;
    }
    for (const listener of listeners) listener(request, response);
  });
}

/** Starts both services. @throws TidemarkError `conflict` when a port is taken. */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  if (options.folder !== null) mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const { host = '127.0.0.1' } = options;
  const { BlobConfiguration, BlobServer, QueueConfiguration, QueueServer } = loadAzurite();
  const blobServer = new BlobServer(new BlobConfiguration(...configure('blob', options)));
  const queueServer = new QueueServer(new QueueConfiguration(...configure('queue', options)));
  const accounts = new Map<string, { readonly name: string; readonly key1: Buffer }>();
  for (const server of [blobServer, queueServer]) {
    server.accountDataStore.getAccount = (name) => accounts.get(name);
    if (options.anyToken === true) trustProxy(server);
  }
  refuseCopiesByUrl(blobServer);
  watchBlobs(blobServer.metadataStore, options.now ?? Date.now, options.onChange ?? (() => {}));
  const blobOrigin = await start(blobServer, 'The blob service', { host, port: options.blobPort ?? 0 });
  const queueOrigin = await start(queueServer, 'The queue service', { host, port: options.queuePort ?? 0 }).catch(
    async (error: unknown) => {
      await stop(blobServer, 0);
      throw error;
    },
  );
  const addAccount = (account: StorageAccount = makeStorageAccount()): AzuriteAccess => {
    accounts.set(account.name, { name: account.name, key1: Buffer.from(account.key, 'base64') });
    const blobUrl = `${blobOrigin}/${account.name}`;
    const queueUrl = `${queueOrigin}/${account.name}`;
    return { ...account, blobUrl, queueUrl, connectionString: connectionStringOf(account, blobUrl, queueUrl) };
  };
  let closed: Promise<unknown> | undefined;
  return {
    ...addAccount(options.account),
    addAccount,
    close: async (graceMs = 2_000) => {
      closed ??= Promise.all([stop(blobServer, graceMs), stop(queueServer, graceMs)]);
      await closed;
    },
  };
}

function connectionStringOf(account: StorageAccount, blobUrl: string, queueUrl: string): string {
  return [
    'DefaultEndpointsProtocol=http',
    `AccountName=${account.name}`,
    `AccountKey=${account.key}`,
    `BlobEndpoint=${blobUrl}`,
    `QueueEndpoint=${queueUrl}`,
    '',
  ].join(';');
}
