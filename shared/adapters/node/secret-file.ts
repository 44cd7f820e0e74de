import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';
import { flushFolder } from '../disk/durable-folders.ts';
import { isFileError } from '../disk/file-errors.ts';

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * The bytes of a secret's file, which is made of `make()` when it is missing: readable to its owner only, whole or not at
 * all, and durable before this resolves. Of two processes that make it at once both get the one that came first.
 */
export async function loadOrCreateSecretFile(file: string, make: () => Uint8Array): Promise<Uint8Array> {
  const known = await readIfThere(file);
  if (known !== undefined) return known;
  const folder = path.dirname(path.resolve(file));
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.${randomBytes(8).toString('hex')}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(make());
    await handle.sync();
    await link(temporary, file);
  } catch (error) {
    if (!isFileError(error, 'EEXIST')) throw error;
  } finally {
    await handle.close();
    await unlink(temporary);
  }
  await flushFolder(folder);
  return readFile(file);
}
