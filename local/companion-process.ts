/** Starts a part of the stack as a process of its own and waits until it serves. The child's side is companion-main.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { TidemarkError } from '../shared/core/errors.ts';

export interface CompanionProcess<Ready> {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly ready: Ready;
  /** Lets requests under way end, then ends the process. */
  stop(): Promise<void>;
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<void>;
}

type FirstMessage<Ready> = ({ readonly ready: true } & Ready) | { readonly ready: false; readonly message: string };

async function waitUntilReady<Ready>(child: ChildProcess, what: string): Promise<Ready> {
  const message = once(child, 'message') as Promise<[FirstMessage<Ready>]>;
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [said] = await Promise.race([message, exit]);
  if (typeof said !== 'object' || said === null) {
    throw new TidemarkError('conflict', `${what} ended before it was ready; its own message is above`);
  }
  if (!said.ready) throw new TidemarkError('conflict', said.message);
  return said;
}

/**
 * @param config the script's one argument, as JSON: anybody on the machine can read it.
 * @param what names the part in errors, for instance `the blob endpoint`.
 * @throws TidemarkError `conflict` when it ends before it serves, for instance because its port is taken.
 */
export async function startCompanion<Ready>(
  script: string,
  config: object,
  what: string,
): Promise<CompanionProcess<Ready>> {
  const child = spawn(process.execPath, [script, JSON.stringify(config)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Ctrl-C goes to the whole terminal group: the stack decides when its parts end, after the API.
    detached: true,
  });
  const ended = once(child, 'exit').then(() => undefined);
  const ready = await waitUntilReady<Ready>(child, what);
  return {
    pid: child.pid!,
    ready,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
