/** Loads an app: runs its entry under the stand-in worker and finds the trigger of every function that it registered. */
import { pathToFileURL } from 'node:url';
import { TidemarkError } from '../../shared/core/errors.ts';
import type { HostLogger } from './host-logger.ts';
import type { InvocationScope } from './invocation.ts';
import { installModuleHooks, isLibraryHooked } from './module-hooks.ts';
import type { TriggeredFunction } from './trigger.ts';
import { worker, type RegisteredFunction } from './worker.ts';

/** The module that registers the functions, or a function that does; paths are absolute. */
export type AppEntry = URL | string | (() => unknown);

export interface LoadedApp {
  readonly scope: InvocationScope;
  readonly functions: readonly TriggeredFunction[];
}

/**
 * @throws TidemarkError `conflict` when `@azure/functions` was loaded before the host's hooks were in place, or when the
 * entry registers nothing (a module runs only once in a process: give a function to load an app twice).
 */
export async function loadApp(entry: AppEntry, logger: HostLogger): Promise<LoadedApp> {
  installModuleHooks();
  const registry = await worker.load(() => runEntry(entry), logger);
  const model = worker.programmingModel;
  if (model === undefined) throw new TidemarkError('conflict', 'The entry of the app registered no function.');
  if (!isLibraryHooked()) {
    const message = 'Something loaded @azure/functions before the host started; load the app through the host only.';
    throw new TidemarkError('conflict', message);
  }
  await worker.getCapabilities(model);
  const functions = [...registry.functions.values()].map(toTriggered);
  if (functions.length === 0) throw new TidemarkError('conflict', 'The entry of the app registered no function.');
  return { scope: { registry, model, logger }, functions };
}

async function runEntry(entry: AppEntry): Promise<unknown> {
  if (typeof entry === 'function') return entry();
  const url = typeof entry === 'string' ? pathToFileURL(entry) : entry;
  return import(url.href);
}

function toTriggered(registered: RegisteredFunction): TriggeredFunction {
  const { name, bindings } = registered.metadata;
  const trigger = Object.entries(bindings).find(([, binding]) => /trigger$/i.test(binding.type ?? ''));
  if (trigger === undefined) throw new TidemarkError('malformed', `Function "${name}" has no trigger.`);
  return { name, bindingName: trigger[0], binding: trigger[1], registered };
}
