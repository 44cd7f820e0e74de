/**
 * What the Functions worker keeps, one of it per process because `@azure/functions` itself is one per process: the
 * programming model, and the registry of the app that is being loaded.
 *
 * Invariant: registrations are taken only while `load` runs, and loads run one after another, so every function lands in
 * the registry of the app whose entry registered it. A registration at any other time is refused, as in Azure.
 */
import { TidemarkError } from '../../shared/core/errors.ts';
import type {
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  ProgrammingModel,
  WorkerLogLevel,
} from './core-types.ts';
import type { HostLogger } from './host-logger.ts';

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

export interface AppRegistry {
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: Map<string, HookCallback[]>;
}

interface LoadingApp {
  readonly registry: AppRegistry;
  readonly logger: HostLogger;
}

class Worker {
  programmingModel: ProgrammingModel | undefined;
  #loading: LoadingApp | undefined;
  #lastLoad: Promise<unknown> = Promise.resolve();
  #capabilities: Promise<Record<string, string>> | undefined;

  /** Runs `entry`, which registers functions, and returns what it registered. Concurrent calls wait for one another. */
  load(entry: () => Promise<unknown>, logger: HostLogger): Promise<AppRegistry> {
    const loaded = this.#lastLoad.then(async () => {
      const registry: AppRegistry = { functions: new Map(), hooks: new Map() };
      this.#loading = { registry, logger };
      try {
        await entry();
      } finally {
        this.#loading = undefined;
      }
      return registry;
    });
    this.#lastLoad = loaded.catch(() => undefined);
    return loaded;
  }

  /** @returns a function that takes the registration back. */
  register(registered: RegisteredFunction): () => void {
    const { functions } = this.#mustGetLoading(`function "${registered.metadata.name}"`).registry;
    const { name } = registered.metadata;
    if (functions.has(name)) throw new TidemarkError('conflict', `Two functions are named "${name}"; rename one.`);
    functions.set(name, registered);
    return () => functions.delete(name);
  }

  registerHook(name: string, callback: HookCallback): () => void {
    const { hooks } = this.#mustGetLoading(`hook "${name}"`).registry;
    const callbacks = hooks.get(name) ?? [];
    hooks.set(name, [...callbacks, callback]);
    return () => hooks.set(name, hooks.get(name)?.filter((other) => other !== callback) ?? []);
  }

  /** Asks the library for its capabilities. Once per process: the library locks `app.setup` and opens its proxy on it. */
  getCapabilities(model: ProgrammingModel): Promise<Record<string, string>> {
    this.#capabilities ??= model.getCapabilities({});
    return this.#capabilities;
  }

  log(level: WorkerLogLevel, category: string, message: string): void {
    logAt(this.#loading?.logger, level, { category }, message);
  }

  #mustGetLoading(what: string): LoadingApp {
    if (this.#loading === undefined) {
      throw new TidemarkError(
        'conflict',
        `The ${what} was registered outside the start of an app; register it in the app's entry.`,
      );
    }
    return this.#loading;
  }
}

export const worker = new Worker();

/** Maps the worker's log levels onto the host's three; trace and debug are not kept. */
export function logAt(
  logger: HostLogger | undefined,
  level: WorkerLogLevel,
  fields: Readonly<Record<string, unknown>>,
  message: string,
): void {
  switch (level) {
    case 'information':
      logger?.info(fields, message);
      return;
    case 'warning':
      logger?.warn(fields, message);
      return;
    case 'error':
    case 'critical':
      logger?.error(fields, message);
      return;
    case 'trace':
    case 'debug':
    case 'none':
  }
}
