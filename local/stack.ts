/**
 * The local stack: the Functions host with the real `functions/`, the blob endpoint in its own process, and the development
 * issuer. All state is in one data folder; whatever was acknowledged survives kill -9 of any of the processes.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TidemarkError } from '../shared/core/errors.ts';
import { startBlobProcess } from './blob-process.ts';
import { lockData } from './data-lock.ts';
import { findFreePorts } from './free-ports.ts';
import { isLoopback } from './host/access-keys.ts';
import { createFunctionsHost } from './host/functions-host.ts';
import type { HostLogger } from './host/host-logger.ts';
import { createFileTimerStatus } from './host/timer-status.ts';
import { createDevIssuer } from './identity/dev-issuer.ts';
import { cliClientId } from './identity/provider.ts';
import { type StackFile, readStackFile, removeStackFile, writeStackFile } from './stack-file.ts';

export interface StackOptions {
  /** Folder of all state; made when it is missing. */
  readonly data: string;
  readonly host: string;
  /** Of the API; the issuer has the next one, blobs the one after. 0: three free ones. */
  readonly port: number;
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

async function portsFor({ host, port }: StackOptions): Promise<readonly [number, number, number]> {
  const first = port === 0 ? await findFreePorts(host, 3) : port;
  return [first, first + 1, first + 2];
}

/** Addresses that others may be told: `0.0.0.0` is where one listens, not where one can be reached. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

function configureApp(options: StackOptions, issuerUrl: string, audience: string, blobs: string): void {
  Object.assign(process.env, {
    TIDEMARK_LOG: 'warn',
    ...options.settings,
    TIDEMARK_DATA: options.data,
    TIDEMARK_ISSUER: issuerUrl,
    TIDEMARK_AUDIENCE: audience,
    TIDEMARK_CLIENT_ID: cliClientId,
    TIDEMARK_DEVELOPMENT: 'true',
    TIDEMARK_BLOB_ENDPOINT: blobs,
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
    const blobs = await startBlobProcess({
      folder: join(data, 'blobs'),
      keyFile: join(data, 'blob.key'),
      host,
      port: blobPort,
      webhookUrl: `http://127.0.0.1:${apiPort}/runtime/webhooks/EventGrid?functionName=verifyPack`,
    });
    closers.push(() => blobs.stop());
    configureApp(options, issuerUrl, audience, `http://${reachable(host)}:${blobPort}`);
    const functions = createFunctionsHost({
      entry: appEntry,
      hostJson,
      logger,
      settings: process.env,
      timerStatus: createFileTimerStatus(join(data, 'timers')),
    });
    closers.push(() => functions.close());
    await functions.start();
    await functions.listen({ host, port: apiPort });
    const endpoints: StackFile = {
      pid: process.pid,
      companions: [blobs.pid],
      server: `http://${reachable(host)}:${apiPort}/api`,
      blobs: blobs.url,
      issuer: issuerUrl,
      port: apiPort,
    };
    writeStackFile(data, endpoints);
    closers.push(() => Promise.resolve(removeStackFile(data)));
    const failed = blobs.ended.then(() => 'the blob endpoint has ended');
    return { endpoints, failed, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
