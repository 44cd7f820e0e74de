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

type FirstMessage =
  | { readonly ready: true; readonly url: string }
  | { readonly ready: false; readonly message: string };

async function waitUntilReady(child: ChildProcess): Promise<string> {
  const message = once(child, 'message') as Promise<[FirstMessage]>;
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [said] = await Promise.race([message, exit]);
  if (typeof said !== 'object' || said === null) {
    throw new TidemarkError('conflict', 'the blob endpoint ended before it was ready; its own message is above');
  }
  if (!said.ready) throw new TidemarkError('conflict', said.message);
  return said.url;
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
