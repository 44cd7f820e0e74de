import type { TestContext } from 'node:test';
import {
  createFunctionsHost,
  type FunctionsHost,
  type FunctionsHostOptions,
} from '../../../local/host/functions-host.ts';
import type * as FixtureApp from './fixture/app.ts';
import { createRecordingLogger, type LogLine } from './recording-logger.ts';

const entry = new URL('./fixture/app.ts', import.meta.url);
export const hostJson = new URL('./fixture/host.json', import.meta.url);

export interface StartedHost {
  readonly host: FunctionsHost;
  readonly url: string;
  readonly lines: readonly LogLine[];
  readonly app: typeof FixtureApp;
  /** Resolves once the log has a line that `wanted` accepts; lines of requests come after the reader has the answer. */
  line(wanted: (line: LogLine) => boolean): Promise<LogLine>;
}

/** The fixture app on a free port. One process can load it once, so a test file has one of these. */
export async function startFixture(options: Partial<FunctionsHostOptions> = {}): Promise<StartedHost> {
  const logger = createRecordingLogger();
  const host = createFunctionsHost({ entry, hostJson, logger, settings: { NIGHTLY: '0 0 3 * * *' }, ...options });
  await host.start();
  const { url } = await host.listen({ host: '127.0.0.1', port: 0 });
  const app = await import('./fixture/app.ts');
  const line = async (wanted: (line: LogLine) => boolean): Promise<LogLine> => {
    for (;;) {
      const found = logger.lines.find(wanted);
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { host, url, lines: logger.lines, app, line };
}

/** Lets the event loop turn until `isTrue`; the test runner's time limit ends a wait for what never comes. */
export async function until(context: TestContext, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    context.signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
