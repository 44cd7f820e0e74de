/**
 * This file IS the module `@azure/functions-core` for the app: module-hooks.ts resolves that name to it, so the real
 * `@azure/functions` package runs on it as it runs on the worker's virtual module in Azure. Its exports are therefore
 * fixed by the worker's contract. It is loaded once in a process by `import` and `require` alike.
 */
import { worker } from './worker.ts';
import type {
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  ProgrammingModel,
  WorkerLogLevel,
} from './core-types.ts';

/** The worker's version: `@azure/functions` reads it only to report it. */
export const version = '3.13.0';

/** The host's version: HTTP streaming asks for 4.28 or newer. */
export const hostVersion = '4.1000.0';

export class Disposable {
  readonly #onDispose: () => void;

  constructor(onDispose: () => void) {
    this.#onDispose = onDispose;
  }

  dispose(): void {
    this.#onDispose();
  }
}

/** Adds a function to the app that is being loaded. */
export function registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
  return new Disposable(worker.register({ metadata, callback }));
}

/** Adds a hook (`appStart`, `preInvocation`, …) to the app that is being loaded. */
export function registerHook(name: string, callback: HookCallback): Disposable {
  return new Disposable(worker.registerHook(name, callback));
}

export function setProgrammingModel(model: ProgrammingModel): void {
  worker.programmingModel = model;
}

export function getProgrammingModel(): ProgrammingModel | undefined {
  return worker.programmingModel;
}

export function log(level: WorkerLogLevel, category: string, message: string): void {
  worker.log(level, category, message);
}
