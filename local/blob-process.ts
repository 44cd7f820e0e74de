/** Starts the blob endpoint as a process of its own and waits until it listens. */
import { fileURLToPath } from 'node:url';
import type { BlobProcessConfig } from './blob/config.ts';
import { type CompanionProcess, startCompanion } from './companion-process.ts';

const script = fileURLToPath(new URL('./blob/main.ts', import.meta.url));

/** @throws TidemarkError `conflict` when it ends before it listens, for instance because its port is taken. */
export function startBlobProcess(config: BlobProcessConfig): Promise<CompanionProcess<{ readonly url: string }>> {
  return startCompanion(script, config, 'the blob endpoint');
}
