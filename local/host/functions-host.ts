/**
 * The local Functions host: runs an app written for Azure Functions v4 (Node.js programming model) through the real
 * `@azure/functions` package, in this process. HTTP, Event Grid, Web PubSub and timer triggers are built in; other kinds are
 * added through `triggers`. As in Azure the number of concurrent invocations is not bounded.
 *
 * Not guaranteed: host-level retry policies, input and output bindings besides the HTTP response, CORS of the platform.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { TidemarkError } from '../../shared/core/errors.ts';
import type { AccessKeys } from './access-keys.ts';
import { loadApp, type AppEntry, type LoadedApp } from './app-loader.ts';
import { eventGridTrigger } from './event-grid-trigger.ts';
import { systemClock, type HostClock } from './host-clock.ts';
import { type HostSettings, readHostJson } from './host-json.ts';
import { errorToLogText, type HostLogger } from './host-logger.ts';
import { closeServer, listenOn, type BoundAddress, type ListenAddress } from './http-server.ts';
import { httpTrigger } from './http-trigger.ts';
import { createInFlight } from './in-flight.ts';
import { runHooks, runInvocation, type InvocationOutcome } from './invocation.ts';
import { createRequestListener } from './request-listener.ts';
import { createMemoryTimerStatus, type TimerStatusStore } from './timer-status.ts';
import { createTimerTrigger } from './timer-trigger.ts';
import type { HostContext, TriggeredFunction, TriggerInput, TriggerKind, TriggerListener } from './trigger.ts';
import { webPubSubTrigger } from './web-pubsub-trigger.ts';

/** The default of the real host for a request body: 100 MB. */
const bodyBytesMaxDefault = 104_857_600;

/** How long close waits for invocations, in milliseconds: less than the ten seconds after which supervisors kill. */
const drainMsDefault = 8_000;

export interface FunctionsHostOptions {
  readonly entry: AppEntry;
  /** Path of host.json. */
  readonly hostJson: string | URL;
  readonly logger: HostLogger;
  readonly keys?: AccessKeys;
  /** What `%NAME%` in bindings stands for, such as timer schedules. */
  readonly settings?: Readonly<Record<string, string | undefined>>;
  readonly clock?: HostClock;
  readonly timerStatus?: TimerStatusStore;
  /** Kinds besides http, eventGrid, webPubSub and timer, or instead of them, by binding type, for instance `queueTrigger`. */
  readonly triggers?: Readonly<Record<string, TriggerKind>>;
  readonly bodyBytesMax?: number;
  readonly drainMs?: number;
}

export interface FunctionsHost {
  /** Loads the app, runs its appStart hooks, starts timers and other sources. An abort of `signal` closes the host. */
  start(signal?: AbortSignal): Promise<void>;
  /** Opens the HTTP side, after `start`. @throws TidemarkError `conflict` when the port is taken. */
  listen(address: ListenAddress): Promise<BoundAddress>;
  /** Runs a function that is not HTTP-triggered, for tests and bridges. @throws TidemarkError `not-found`, `unsupported`. */
  invoke(name: string, input: unknown): Promise<InvocationOutcome>;
  functionNames(): readonly string[];
  /** Stops accepting and starting, waits for what is under way (at most `drainMs`), then closes. Idempotent. */
  close(): Promise<void>;
}

/** Builds a host. Nothing runs before `start`. */
export function createFunctionsHost(options: FunctionsHostOptions): FunctionsHost {
  const { logger, clock = systemClock } = options;
  const inFlight = createInFlight();
  let running: RunningApp | undefined;
  let closing: Promise<void> | undefined;
  const listener = createRequestListener(() => running?.listeners ?? [], {
    logger,
    inFlight,
    isClosing: () => closing !== undefined,
  });
  const server = createServer(listener);

  const mustGetRunning = (): RunningApp => {
    if (running === undefined)
      throw new TidemarkError('conflict', 'The Functions host is not started; call start first.');
    return running;
  };

  const host: FunctionsHost = {
    async start(signal) {
      if (running !== undefined || closing !== undefined) {
        throw new TidemarkError('conflict', 'A Functions host starts only once; create another one.');
      }
      const settings = await readHostJson(options.hostJson);
      const app = await loadApp(options.entry, logger);
      const context = createContext(options, clock, settings, (fn, input) =>
        inFlight.track(invoke(app, logger, fn, input)),
      );
      running = { app, context, listeners: bindTriggers(app.functions, context, options) };
      await runHooks(app.scope.registry, 'appStart', { hookData: {} });
      for (const each of running.listeners) await each.start?.();
      signal?.addEventListener('abort', () => void host.close(), { once: true });
      if (signal?.aborted === true) await host.close();
    },
    async listen(address) {
      mustGetRunning();
      return listenOn(server, address, 'The Functions host');
    },
    async invoke(name, input) {
      const { app, context } = mustGetRunning();
      const fn = app.functions.find((each) => each.name === name);
      if (fn === undefined) throw new TidemarkError('not-found', `There is no function "${name}".`);
      if (fn.binding.type === 'httpTrigger') throw new TidemarkError('unsupported', `Call "${name}" over HTTP.`);
      return context.invoke(fn, { data: { json: JSON.stringify(input ?? null) } });
    },
    functionNames: () => mustGetRunning().app.functions.map((fn) => fn.name),
    close() {
      closing ??= closeHost(server, running, inFlight.settled.bind(inFlight), options.drainMs ?? drainMsDefault, clock);
      return closing;
    },
  };
  return host;
}

interface RunningApp {
  readonly app: LoadedApp;
  readonly context: HostContext;
  readonly listeners: readonly TriggerListener[];
}

function createContext(
  options: FunctionsHostOptions,
  clock: HostClock,
  { routePrefix, queues }: HostSettings,
  invoke: HostContext['invoke'],
): HostContext {
  return {
    clock,
    logger: options.logger,
    keys: options.keys ?? {},
    routePrefix,
    settings: options.settings ?? {},
    bodyBytesMax: options.bodyBytesMax ?? bodyBytesMaxDefault,
    queues,
    newInvocationId: randomUUID,
    invoke,
  };
}

/** One listener per trigger type. Functions of a type that no kind serves are named in the log and never fire. */
function bindTriggers(
  functions: readonly TriggeredFunction[],
  context: HostContext,
  options: FunctionsHostOptions,
): readonly TriggerListener[] {
  const kinds = new Map<string, TriggerKind>([
    ['httptrigger', httpTrigger],
    ['eventgridtrigger', eventGridTrigger],
    ['webpubsubtrigger', webPubSubTrigger],
    ['timertrigger', createTimerTrigger(options.timerStatus ?? createMemoryTimerStatus())],
    ...Object.entries(options.triggers ?? {}).map(([type, kind]) => [type.toLowerCase(), kind] as const),
  ]);
  const byType = Map.groupBy(functions, (fn) => (fn.binding.type ?? '').toLowerCase());
  return [...byType].flatMap(([type, group]) => {
    const kind = kinds.get(type);
    if (kind !== undefined) return [kind(group, context)];
    const names = group.map((fn) => fn.name);
    context.logger.warn({ type, functions: names }, 'no trigger of this type here: these functions never fire');
    return [];
  });
}

async function invoke(
  app: LoadedApp,
  logger: HostLogger,
  fn: TriggeredFunction,
  input: TriggerInput,
): Promise<InvocationOutcome> {
  const invocationId = input.invocationId ?? randomUUID();
  const { traceParent, traceState } = input;
  const request = {
    invocationId,
    functionId: fn.name,
    inputData: [{ name: fn.bindingName, data: input.data }],
    triggerMetadata: input.metadata ?? {},
    ...(traceParent === undefined
      ? {}
      : { traceContext: { traceParent, ...(traceState === undefined ? {} : { traceState }) } }),
  };
  const outcome = await runInvocation(app.scope, fn.registered, request, input);
  if (!outcome.ok && input.isAbandoned?.() === true) {
    logger.warn({ function: fn.name, invocationId }, 'the caller went away before the function had answered');
  } else if (!outcome.ok) {
    logger.error({ function: fn.name, invocationId, error: errorToLogText(outcome.error) }, 'function failed');
  }
  return outcome;
}

async function closeHost(
  server: Server,
  running: RunningApp | undefined,
  settled: () => Promise<void>,
  drainMs: number,
  clock: HostClock,
): Promise<void> {
  const listeners = running?.listeners ?? [];
  for (const listener of listeners) listener.stop?.();
  const allSettled = async (): Promise<void> => {
    await settled();
    await Promise.all(listeners.map(async (listener) => listener.settled?.()));
  };
  await closeServer(server, allSettled, drainMs, clock);
  if (running !== undefined) await runHooks(running.app.scope.registry, 'appTerminate', { hookData: {} });
}
