/** Starts the stand-in for `func start` and ends it with the test. */
import { type TestContext } from 'node:test';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./func-stand-in.ts', import.meta.url));

export interface StandInOptions {
  /** The folder of the app, with host.json. */
  readonly folder: string;
  /** Absolute path of the module that registers the functions. */
  readonly entry: string;
  readonly settings: Readonly<Record<string, string>>;
  /** 0: a free one. */
  readonly port: number;
}

export interface StandIn {
  /** Without a path. */
  readonly url: string;
  /** What it printed so far. */
  output(): string;
}

/** Resolves when it serves. Rejects, with what it printed, when it ends before that. */
export async function startStandIn(t: TestContext, options: StandInOptions): Promise<StandIn> {
  const { folder, entry, settings, port } = options;
  const child = fork(script, [JSON.stringify({ entry, settings, port })], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  const exited = once(child, 'exit');
  t.after(async () => {
    if (child.connected) child.disconnect();
    await exited;
  });
  const early = exited.then(() => Promise.reject(new Error(`the stand-in ended before it served:\n${printed}`)));
  early.catch(() => undefined);
  const message = once(child, 'message') as Promise<[{ readonly url: string }]>;
  const [{ url }] = await Promise.race([message, early]);
  return { url, output: () => printed };
}
