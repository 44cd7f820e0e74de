/** A stack of its own for a measurement, without rate limits, in a temporary folder that goes with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SpawnedStack, spawnStack } from '../local/spawn-stack.ts';

export async function withStack<T>(work: (stack: SpawnedStack) => Promise<T>): Promise<T> {
  const base = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  try {
    const stack = await spawnStack({ data: join(base, 'data'), env: { TIDEMARK_RATE_LIMIT: 'off' } });
    try {
      return await work(stack);
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
