/** How an error is shown: one line for a person, one object for a program; never a stack unless asked for. */
import { isTidemarkError } from '../../shared/core/errors.ts';

const systemErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'this is not a folder',
  EISDIR: 'this is a folder',
};

export function errorToText(error: unknown): string {
  if (isTidemarkError(error)) return error.message;
  if (error instanceof Error) {
    const { code, path } = error as NodeJS.ErrnoException;
    const known = code === undefined ? undefined : systemErrors[code];
    return known === undefined ? error.message : `${path ?? ''}: ${known}`;
  }
  return String(error);
}

export function errorToJson(error: unknown): Record<string, unknown> {
  const code = isTidemarkError(error) ? error.code : 'internal';
  return { error: { code, message: errorToText(error), ...(isTidemarkError(error) ? { data: error.data } : {}) } };
}
