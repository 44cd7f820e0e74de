/** Starts the blob endpoint as a process of its own and waits until it listens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { TidemarkError } from '../shared/core/errors.ts';
import type { BlobProcessConfig } from './blob/config.ts';

export interface BlobProcess {
  readonly pid: number;
  readonly url: string;
  /** Lets requests under way end, then ends the process. */
  stop(): Promise<void>;
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<void>;
}

const script = fileURLToPath(new URL('./blob/main.ts', import.meta.url));

interface ReadyMessage {
  readonly ready: true;
  readonly url: string;
}

async function waitUntilReady(child: ChildProcess): Promise<string> {
  const message = once(child, 'message') as Promise<[ReadyMessage]>;
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const first = await Promise.race([message, exit]);
  const [said] = first;
  if (typeof said === 'object' && said !== null) return said.url;
  throw new TidemarkError('conflict', 'the blob endpoint did not start; its own message is above');
}

/** @throws TidemarkError `conflict` when it ends before it listens, for instance because its port is taken. */
export async function startBlobProcess(config: BlobProcessConfig): Promise<BlobProcess> {
  const child = spawn(process.execPath, [script, JSON.stringify(config)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Ctrl-C goes to the whole terminal group: the stack decides when its endpoint ends, after the API.
    detached: true,
  });
  const ended = once(child, 'exit').then(() => undefined);
  const url = await waitUntilReady(child);
  return {
    pid: child.pid!,
    url,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
