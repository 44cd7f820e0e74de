/** Which folders `tide watch` watches when none is named, as the service does: `watch.json` in the configuration folder, written whole, by rename. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TidemarkError } from '../../shared/core/errors.ts';

function watchFile(configFolder: string): string {
  return join(configFolder, 'watch.json');
}

/** Absolute paths, in the order in which they were added. Throws `malformed` when the file is damaged. */
export function readWatchList(configFolder: string): readonly string[] {
  const file = watchFile(configFolder);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const { version, folders } = Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
    if (version === 1 && Array.isArray(folders) && folders.every((folder) => typeof folder === 'string'))
      return folders;
  } catch (cause) {
    throw new TidemarkError('malformed', `${file} is damaged; delete it and use \`tide service install\` again`, {
      cause,
    });
  }
  throw new TidemarkError('malformed', `${file} is of a version that this tide does not know`);
}

export function writeWatchList(configFolder: string, folders: readonly string[]): void {
  const file = watchFile(configFolder);
  mkdirSync(configFolder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify({ version: 1, folders }, null, 2) + '\n', { mode: 0o600 });
  renameSync(temporary, file);
}
