/** Starts the embedded Azurite as a process of its own and waits until it listens. */
import { fileURLToPath } from 'node:url';
import type { AzuriteProcessConfig, AzuriteReady } from './azurite/config.ts';
import { type CompanionProcess, startCompanion } from './companion-process.ts';

const script = fileURLToPath(new URL('./azurite/main.ts', import.meta.url));

/** @throws TidemarkError `conflict` when it ends before it listens, for instance because a port is taken. */
export function startAzuriteProcess(config: AzuriteProcessConfig): Promise<CompanionProcess<AzuriteReady>> {
  return startCompanion(script, config, 'Azurite');
}
