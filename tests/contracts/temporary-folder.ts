import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** A folder of the test's own, removed when the test ends. */
export async function createTemporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
