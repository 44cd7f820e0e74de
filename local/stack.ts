/**
 * The local stack: the Functions host with the real `functions/`, the blob endpoint in its own process, and the development
 * issuer. All state is in one data folder; whatever was acknowledged survives kill -9 of any of the processes.
 *
 * With Azurite in the place of the blob endpoint, blobs, queues and the change feed are a storage account's, through the adapters that
 * production uses. Azurite keeps up to five seconds of acknowledged writes in memory: kill -9 of its process loses them.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TidemarkError } from '../shared/core/errors.ts';
import { readConfig } from '../functions/config.ts';
import { openQueues } from '../functions/compose/queues.ts';
import { systemClock } from '../shared/adapters/node/system-clock.ts';
import { lockData } from './data-lock.ts';
import { findFreePorts } from './free-ports.ts';
import { isLoopback } from './host/access-keys.ts';
import { createFunctionsHost } from './host/functions-host.ts';
import { createQueueTrigger } from './host/queue-trigger.ts';
import type { HostLogger } from './host/host-logger.ts';
import { createFileTimerStatus } from './host/timer-status.ts';
import { createDevIssuer } from './identity/dev-issuer.ts';
import { cliClientId } from './identity/provider.ts';
import { type StackFile, readStackFile, removeStackFile, writeStackFile } from './stack-file.ts';
import { type RunningStorage, reachable, startStorage } from './stack-storage.ts';

export interface StackOptions {
  /** Folder of all state; made when it is missing. */
  readonly data: string;
  readonly host: string;
  /** Of the API; the issuer has the next one, blobs the one after, and Azurite's queues the last. 0: free ones. */
  readonly port: number;
  /** Blobs, queues and change feed in an embedded Azurite; on this machine only. */
  readonly azurite?: boolean;
  readonly logger: HostLogger;
  /** Environment of the app, besides what the stack sets. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningStack {
  readonly endpoints: StackFile;
  /** Resolves when a part has ended that should not have. */
  readonly failed: Promise<string>;
  /** Drains what is under way and ends all parts. */
  close(): Promise<void>;
}

const hostJson = new URL('../host.json', import.meta.url);
const appEntry = new URL('../functions/app.ts', import.meta.url);

async function portsFor({ host, port, azurite }: StackOptions): Promise<readonly [number, number, number, number]> {
  const first = port === 0 ? await findFreePorts(host, azurite === true ? 4 : 3) : port;
  return [first, first + 1, first + 2, first + 3];
}

function configureApp(options: StackOptions, issuerUrl: string, audience: string, storage: RunningStorage): void {
  Object.assign(process.env, {
    TIDEMARK_LOG: 'warn',
    // Whoever reaches a development identity may be anybody: a limit for each user would bound nobody.
    TIDEMARK_RATE_LIMIT: process.env['TIDEMARK_RATE_LIMIT'] ?? 'off',
    ...options.settings,
    TIDEMARK_DATA: options.data,
    TIDEMARK_ISSUER: issuerUrl,
    TIDEMARK_AUDIENCE: audience,
    TIDEMARK_CLIENT_ID: cliClientId,
    TIDEMARK_DEVELOPMENT: 'true',
    ...storage.settings,
  });
}

/**
 * Makes the data folder if it is missing and locks it. Returns how to unlock it.
 * @throws TidemarkError `conflict` when a stack runs on it.
 */
export function openData(data: string): () => void {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const release = lockData(data);
  if (release !== undefined) return release;
  const other = readStackFile(data);
  const where = other === undefined ? '' : ` (process ${other.pid}, at ${other.server})`;
  throw new TidemarkError('conflict', `a stack runs on ${data}${where}; stop it, or choose another --data`);
}

/** @throws TidemarkError `conflict` when a port is taken or another stack runs on this data folder. */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { data, host, logger } = options;
  const release = openData(data);
  const closers: (() => Promise<void>)[] = [() => Promise.resolve(release())];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const [apiPort, issuerPort, blobPort] = await portsFor(options);
    const issuer = createDevIssuer({
      issuerUrl: `http://${reachable(host)}:${issuerPort}`,
      dataFolder: join(data, 'identity'),
      allowRemote: !isLoopback(host),
      logger,
    });
    closers.push(() => issuer.close());
    const { issuerUrl, audience } = await issuer.start();
    const webhookUrl = `http://127.0.0.1:${apiPort}/runtime/webhooks/EventGrid?functionName=verifyPack`;
    const storage = await startStorage(options.azurite === true, { data, host, port: blobPort, webhookUrl });
    closers.push(() => storage.stop());
    configureApp(options, issuerUrl, audience, storage);
    const functions = createFunctionsHost({
      entry: appEntry,
      hostJson,
      logger,
      settings: process.env,
      timerStatus: createFileTimerStatus(join(data, 'timers')),
      triggers: {
        queueTrigger: createQueueTrigger(await openQueues(readConfig(process.env).queues, systemClock)),
      },
    });
    closers.push(() => functions.close());
    await functions.start();
    await functions.listen({ host, port: apiPort });
    const endpoints: StackFile = {
      pid: process.pid,
      companions: [storage.pid],
      server: `http://${reachable(host)}:${apiPort}/api`,
      blobs: storage.url,
      ...(storage.connectionString !== undefined && { connectionString: storage.connectionString }),
      issuer: issuerUrl,
      port: apiPort,
    };
    writeStackFile(data, endpoints);
    closers.push(() => Promise.resolve(removeStackFile(data)));
    return { endpoints, failed: storage.ended, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
