/**
 * What an app needs beside it when something else runs it, such as `func start`: the development issuer, Azurite's blobs and queues
 * under the account of `UseDevelopmentStorage=true`, the events and the change feed of its blobs, and the realtime endpoint under an access
 * key that is known to all.
 */
import { join } from 'node:path';
import { TidemarkError, isTidemarkError } from '../shared/core/errors.ts';
import { startAzuriteProcess } from './azurite-process.ts';
import type { AzuriteProcessConfig, AzuriteReady } from './azurite/config.ts';
import type { CompanionProcess } from './companion-process.ts';
import { type Running, lossOfAzurite } from './end-with-signals.ts';
import type { HostLogger } from './host/host-logger.ts';
import { createDevIssuer } from './identity/dev-issuer.ts';
import { openData } from './stack.ts';
import { startRealtime, wellKnownAccessKey } from './stack-realtime.ts';
import { companionsFolder } from './stack-storage.ts';

export interface CompanionsOptions {
  /** Folder of all state; made when it is missing. The app may keep its metadata in it. */
  readonly data: string;
  /** Where the app listens, on this machine; the issuer takes the port after it, realtime that at `realtimeOffset`. */
  readonly port: number;
  /** Of blobs; queues take the one after it. */
  readonly storagePort: number;
  readonly logger: HostLogger;
}

export interface RunningCompanions extends Running, AzuriteReady {
  readonly issuerUrl: string;
  readonly realtimeUrl: string;
}

/** From the app's port to that of the realtime endpoint, as in a stack. */
export const realtimeOffset = 4;

const host = '127.0.0.1';

/** Its ports are named by another option than those of a stack. */
async function startStorage(config: AzuriteProcessConfig): Promise<CompanionProcess<AzuriteReady>> {
  try {
    return await startAzuriteProcess(config);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new TidemarkError(error.code, error.message.replace('(--port)', '(--storage-port)'), { cause: error });
  }
}

/**
 * Events wait for the app, so it may start later and come and go. Azurite keeps up to five seconds of acknowledged writes in memory.
 * @throws TidemarkError `conflict` when a port or the data folder is taken.
 */
export async function startCompanions(options: CompanionsOptions): Promise<RunningCompanions> {
  const { data, port, storagePort, logger } = options;
  const release = openData(data);
  const closers: (() => Promise<void>)[] = [() => Promise.resolve(release())];
  const close = async () => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const issuer = createDevIssuer({
      issuerUrl: `http://${host}:${port + 1}`,
      dataFolder: join(data, 'identity'),
      logger,
    });
    closers.push(() => issuer.close());
    const { issuerUrl } = await issuer.start();
    const azurite = await startStorage({
      folder: join(data, companionsFolder),
      host,
      blobPort: storagePort,
      queuePort: storagePort + 1,
      wellKnownAccount: true,
      webhookUrl: `http://localhost:${port}/runtime/webhooks/EventGrid?functionName=verifyPack`,
    });
    closers.push(() => azurite.stop());
    const realtime = await startRealtime({
      data,
      host,
      port: port + realtimeOffset,
      appUrl: `http://localhost:${port}`,
      accessKey: wellKnownAccessKey,
    });
    closers.push(() => realtime.stop());
    const failed = Promise.race([azurite.ended.then(() => lossOfAzurite), realtime.ended]);
    return { ...azurite.ready, issuerUrl, realtimeUrl: realtime.url, failed, close };
  } catch (error) {
    await close();
    throw error;
  }
}
