/** Runs `local/start.ts` as a process of its own, as the demo and the end-to-end tests need it: to be stopped, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type StackFile, stackFileName } from './stack-file.ts';

export interface SpawnedStack {
  readonly endpoints: StackFile;
  /** Ctrl-C: resolves when the process has ended. */
  stop(): Promise<void>;
  /**
   * kill -9 of the whole stack, its companions included; but not of Azurite, which would lose what it keeps in memory: it ends by
   * itself when its parent is gone.
   */
  kill(): Promise<void>;
  /** What it printed so far. */
  output(): string;
}

export interface SpawnOptions {
  readonly data: string;
  /** 0: a free one. */
  readonly port?: number;
  readonly azurite?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const startScript = fileURLToPath(new URL('./start.ts', import.meta.url));

async function ready(child: ChildProcess, output: () => string): Promise<void> {
  const exited = once(child, 'exit').then(() => {
    throw new Error(`the stack ended before it was ready:\n${output()}`);
  });
  const announced = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      if (message === 'ready') resolve();
    });
  });
  await Promise.race([announced, exited]);
}

/** Starts a stack and resolves when it serves. Rejects, with what it printed, when it ends before that. */
export async function spawnStack({ data, port = 0, azurite = false, env = {} }: SpawnOptions): Promise<SpawnedStack> {
  const args = ['--data', data, '--port', String(port), ...(azurite ? ['--azurite'] : [])];
  const child = spawn(process.execPath, [startScript, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...env },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-200_000)));
  }
  await ready(child, () => printed);
  const endpoints = JSON.parse(readFileSync(join(data, stackFileName), 'utf8')) as StackFile;
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    if (signal === 'SIGKILL' && !azurite) for (const pid of endpoints.companions) killQuietly(pid);
    child.kill(signal);
    await exited;
  };
  return { endpoints, stop: () => end('SIGTERM'), kill: () => end('SIGKILL'), output: () => printed };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already, which is what was wanted.
  }
}
