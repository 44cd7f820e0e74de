/** One run of the victim (child.ts), from its start until it is gone. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('child.ts', import.meta.url));

export interface Order {
  readonly useCase: string;
  readonly folder: string;
  /** What the preparation returned. */
  readonly input: unknown;
  /** `call` counts from 1. */
  readonly kill: { readonly call: number; readonly when: 'before' | 'after' };
}

export type Ending =
  | { readonly kind: 'killed'; readonly at: string }
  | { readonly kind: 'unharmed'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly why: string };

export interface RunOptions {
  /** Kills the victim, whatever it does. */
  readonly signal: AbortSignal;
  /** A folder in which one victim leaves its compiled code to the next, which starts in a third of the time. */
  readonly codeCache: string;
}

/** Resolves when the process is gone. Rejects when it neither killed itself nor answered. */
export async function runChild(
  order: Order,
  { signal, codeCache }: RunOptions,
): Promise<Exclude<Ending, { readonly kind: 'failed' }>> {
  const child = fork(script, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    serialization: 'advanced',
    env: { ...process.env, NODE_COMPILE_CACHE: codeCache },
    signal,
    killSignal: 'SIGKILL',
  });
  let ending: Ending | undefined;
  child.once('message', (message) => {
    ending = message as Ending;
  });
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  child.send(order);
  const [said, [code, by]] = await Promise.all([text(child.stdout!), closed]);
  if (by === 'SIGKILL' && said !== '' && ending === undefined) return { kind: 'killed', at: said };
  if (ending?.kind === 'unharmed') return ending;
  throw new Error(`the victim ended by itself: ${ending?.kind === 'failed' ? ending.why : `${code} ${by} ${said}`}`);
}
