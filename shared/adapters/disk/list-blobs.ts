import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Container } from '../../ports/blob-store.ts';
import { isBlobName } from '../blob-name.ts';
import { isFileError } from './file-errors.ts';

interface Entry {
  /** As it sorts among names: a folder stands for names that go on with a slash. */
  readonly text: string;
  readonly isFolder: boolean;
}

async function readEntries(folder: string): Promise<readonly Entry[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ text: entry.name + (entry.isDirectory() ? '/' : ''), isFolder: entry.isDirectory() }))
    .sort((a, b) => (a.text < b.text ? -1 : 1));
}

interface Wanted {
  readonly prefix: string;
  readonly after: string;
}

async function* walk(folder: string, base: string, wanted: Wanted): AsyncGenerator<string> {
  const { prefix, after } = wanted;
  for (const entry of await readEntries(folder)) {
    const name = base + entry.text;
    // Names in a folder go on with its own: they are all before `after`, or some are after it.
    if (name <= after && !(entry.isFolder && after.startsWith(name))) continue;
    if (!entry.isFolder && name.startsWith(prefix) && isBlobName(name)) yield name;
    if (entry.isFolder && (name.startsWith(prefix) || prefix.startsWith(name))) {
      yield* walk(path.join(folder, entry.text), name, wanted);
    }
  }
}

/**
 * Names of a container with this prefix and after the name `after`, ascending. Goes straight to the deepest folder that the prefix names, and holds
 * the entries of one folder per level. A folder that cannot be read, or has gone, throws: only the prefix's own folder
 * may be missing, and only while the container's is there.
 */
export async function* listBlobs(
  folder: string,
  container: Container,
  prefix: string,
  after = '',
): AsyncGenerator<string> {
  const root = path.join(folder, container);
  const base = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (base !== '' && !isBlobName(base.slice(0, -1))) return;
  await stat(root);
  const start = path.join(root, ...base.split('/'));
  try {
    if (!(await stat(start)).isDirectory()) return;
  } catch (error) {
    if (isFileError(error, 'ENOENT', 'ENOTDIR')) return;
    throw error;
  }
  yield* walk(start, base, { prefix, after });
}
