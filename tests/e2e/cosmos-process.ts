/** The Cosmos emulator as a process of its own, which ends with this one, however that ends. Its documents are in memory. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../cosmos-emulator/main.ts', import.meta.url));

export interface CosmosProcess {
  readonly endpoint: string;
  readonly key: string;
  /** The service's settings for it. */
  readonly settings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Resolves when it serves. Rejects when it ends before that. */
export async function startCosmosProcess(): Promise<CosmosProcess> {
  const child = fork(script, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  const message = once(child, 'message') as Promise<[{ readonly endpoint: string; readonly key: string }]>;
  const early = ended.then(() => Promise.reject(new Error('the Cosmos emulator ended before it served')));
  early.catch(() => undefined);
  const [{ endpoint, key }] = await Promise.race([message, early]);
  return {
    endpoint,
    key,
    settings: {
      TIDEMARK_METADATA: 'cosmos',
      TIDEMARK_COSMOS_ENDPOINT: endpoint,
      TIDEMARK_COSMOS_KEY: key,
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
