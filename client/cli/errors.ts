/** How an error is shown: one line for a person, one object for a program; never a stack unless asked for. */
import { CommanderError } from 'commander';
import { type ErrorCode, isTidemarkError } from '../../shared/core/errors.ts';

const systemErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'this is not a folder',
  EISDIR: 'this is a folder',
  EEXIST: 'this is there already, and is no folder',
  EROFS: 'the disk can only be read',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'the links lead in a circle',
};

/** What to do, where the message comes from a server that does not know these commands. */
const advice: Partial<Record<ErrorCode, string>> = {
  revoked: '`tide unlink FOLDER` and `tide link` let the folder go on as a new device',
};

export function errorToText(error: unknown): string {
  if (isTidemarkError(error)) {
    const what = advice[error.code];
    return what === undefined ? error.message : `${error.message}; ${what}`;
  }
  if (error instanceof CommanderError) return error.message.replace(/^error: /, '');
  if (error instanceof Error) {
    const { code, path } = error as NodeJS.ErrnoException;
    const known = code === undefined ? undefined : systemErrors[code];
    return known === undefined ? error.message : path === undefined ? known : `${path}: ${known}`;
  }
  return String(error);
}

export function errorToJson(error: unknown): Record<string, unknown> {
  const code = isTidemarkError(error) ? error.code : error instanceof CommanderError ? 'malformed' : 'internal';
  return { error: { code, message: errorToText(error), data: isTidemarkError(error) ? error.data : {} } };
}
