/**
 * The local stack: the Functions host with the real `functions/`, the blob and realtime endpoints in processes of their own, and the
 * development issuer. All state is in one data folder; whatever was acknowledged survives kill -9 of any of the processes.
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
import type { Queue } from '../shared/ports/queue.ts';
import { lockData } from './data-lock.ts';
import type { Loss, Running } from './end-with-signals.ts';
import { findFreePorts } from './free-ports.ts';
import { isLoopback } from './host/access-keys.ts';
import { type FunctionsHost, createFunctionsHost } from './host/functions-host.ts';
import { createQueueTrigger } from './host/queue-trigger.ts';
import type { HostLogger } from './host/host-logger.ts';
import { createFileTimerStatus } from './host/timer-status.ts';
import { createDevIssuer } from './identity/dev-issuer.ts';
import { cliClientId } from './identity/provider.ts';
import { type StackFile, readStackFile, removeStackFile, writeStackFile } from './stack-file.ts';
import { type RunningRealtime, settingsWithoutRealtime, startRealtime } from './stack-realtime.ts';
import { type RunningStorage, reachable, startStorage } from './stack-storage.ts';

export interface StackOptions {
  /** Folder of all state; made when it is missing. */
  readonly data: string;
  readonly host: string;
  /** Of the API; those after it are of the issuer, blobs, Azurite's queues, and realtime. 0: free ones. */
  readonly port: number;
  /** Blobs, queues and change feed in an embedded Azurite; on this machine only. */
  readonly azurite?: boolean;
  readonly logger: HostLogger;
  /** Environment of the app, besides what the stack sets. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningStack extends Running {
  readonly endpoints: StackFile;
}

/** Consecutive ports that a stack takes, with Azurite or without. */
export const stackPorts = 5;

const hostJson = new URL('../host.json', import.meta.url);
const appEntry = new URL('../functions/app.ts', import.meta.url);

/** Azurite's queues have theirs in a stack without Azurite too: a stack's parts stay where they are. */
async function portsFor({ host, port }: StackOptions) {
  const first = port === 0 ? await findFreePorts(host, stackPorts) : port;
  return { api: first, issuer: first + 1, blobs: first + 2, realtime: first + 4 };
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

type Ports = Awaited<ReturnType<typeof portsFor>>;
type Closers = (() => Promise<void>)[];

/** What the app needs beside it. */
interface Parts {
  readonly issuerUrl: string;
  readonly audience: string;
  readonly storage: RunningStorage;
  readonly realtime: RunningRealtime | null;
}

function configureApp(options: StackOptions, { issuerUrl, audience, storage, realtime }: Parts): void {
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
    ...(realtime?.settings ?? settingsWithoutRealtime),
  });
}

/** Starts them, and says with `closers` how each is ended. */
async function startParts(options: StackOptions, ports: Ports, closers: Closers): Promise<Parts> {
  const { data, host, logger } = options;
  const issuer = createDevIssuer({
    issuerUrl: `http://${reachable(host)}:${ports.issuer}`,
    dataFolder: join(data, 'identity'),
    allowRemote: !isLoopback(host),
    logger,
  });
  closers.push(() => issuer.close());
  const { issuerUrl, audience } = await issuer.start();
  const appUrl = `http://${reachable(host)}:${ports.api}`;
  const webhookUrl = `${appUrl}/runtime/webhooks/EventGrid?functionName=verifyPack`;
  const storage = await startStorage(options.azurite === true, { data, host, port: ports.blobs, webhookUrl });
  closers.push(() => storage.stop());
  if (isWithoutRealtime(options)) return { issuerUrl, audience, storage, realtime: null };
  const realtime = await startRealtime({ data, host, port: ports.realtime, appUrl });
  closers.push(() => realtime.stop());
  return { issuerUrl, audience, storage, realtime };
}

function isWithoutRealtime({ settings }: StackOptions): boolean {
  return (settings?.['TIDEMARK_REALTIME'] ?? process.env['TIDEMARK_REALTIME']) === 'none';
}

function createHost({ data, logger }: StackOptions, queue: Queue): FunctionsHost {
  return createFunctionsHost({
    entry: appEntry,
    hostJson,
    logger,
    settings: process.env,
    timerStatus: createFileTimerStatus(join(data, 'timers')),
    triggers: { queueTrigger: createQueueTrigger(queue) },
  });
}

function endpointsOf(host: string, ports: Ports, { issuerUrl, storage, realtime }: Parts): StackFile {
  return {
    pid: process.pid,
    companions: [storage.pid, ...(realtime === null ? [] : [realtime.pid])],
    server: `http://${reachable(host)}:${ports.api}/api`,
    blobs: storage.url,
    ...(storage.connectionString !== undefined && { connectionString: storage.connectionString }),
    issuer: issuerUrl,
    ...(realtime !== null && { realtime: realtime.url }),
    port: ports.api,
  };
}

function anyLoss({ storage, realtime }: Parts): Promise<Loss> {
  return realtime === null ? storage.ended : Promise.race([storage.ended, realtime.ended]);
}

/** @throws TidemarkError `conflict` when a port is taken or another stack runs on this data folder. */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { data, host } = options;
  const release = openData(data);
  const closers: Closers = [() => Promise.resolve(release())];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const ports = await portsFor(options);
    const parts = await startParts(options, ports, closers);
    configureApp(options, parts);
    const functions = createHost(options, await openQueues(readConfig(process.env).queues, systemClock));
    closers.push(
      () => functions.close(),
      // Before the app: it still hears which devices leave.
      async () => parts.realtime?.stop(),
    );
    await functions.start();
    await functions.listen({ host, port: ports.api });
    const endpoints = endpointsOf(host, ports, parts);
    writeStackFile(data, endpoints);
    closers.push(() => Promise.resolve(removeStackFile(data)));
    return { endpoints, failed: anyLoss(parts), close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
