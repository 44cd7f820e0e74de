/**
 * Makes the real `@azure/functions` package run in this process:
 *
 * - `@azure/functions-core`, which exists only inside Azure's worker, resolves to functions-core.ts;
 * - `node:http` as seen by that package alone resolves to proxy-server.ts. With HTTP streams on, the library opens a TCP
 *   server on all interfaces and expects the host to forward every request to it a second time. Here the host hands its
 *   own request and response over in memory instead: no second port, no copy, and back pressure all the way.
 */
import { registerHooks } from 'node:module';

const coreUrl = new URL('./functions-core.ts', import.meta.url).href;
const proxyUrl = new URL('./proxy-server.ts', import.meta.url).href;
const libraryFolder = '/@azure/functions/dist/';

let installed = false;
let libraryHooked = false;

/** Installs the hooks, once per process. They must be in place before anything loads `@azure/functions`. */
export function installModuleHooks(): void {
  if (installed) return;
  installed = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (specifier === '@azure/functions-core') return { url: coreUrl, shortCircuit: true };
      const forLibrary = context.parentURL?.includes(libraryFolder) === true;
      if (!forLibrary || (specifier !== 'http' && specifier !== 'node:http')) return nextResolve(specifier, context);
      libraryHooked = true;
      return { url: proxyUrl, shortCircuit: true };
    },
  });
}

/** Whether the library was loaded under the hooks; if it was loaded before, it has Node's own HTTP server. */
export function isLibraryHooked(): boolean {
  return libraryHooked;
}
