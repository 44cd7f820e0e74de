/** What an error of the file system means for the one file it happened to. */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { Problem } from '../ports.ts';

/** The `code` of an error thrown by a FileSystem, or undefined for any other error. */
export function fileErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || isTidemarkError(error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Something that the agent did not expect to find, and leaves alone. Becomes a problem of the path. */
export class Blocked extends Error {
  /** `name` and `alias`: this disk cannot hold the name, whatever is done. */
  readonly as: 'blocked' | 'name' | 'alias';

  constructor(message: string, as: 'blocked' | 'name' | 'alias' = 'blocked') {
    super(message);
    this.name = 'Blocked';
    this.as = as;
  }
}

const problemOfError: Readonly<Record<string, Problem['code']>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  ENOENT: 'blocked',
  ENOTDIR: 'blocked',
  EISDIR: 'blocked',
  EEXIST: 'blocked',
  ENOTEMPTY: 'blocked',
  ELOOP: 'blocked',
  EXDEV: 'blocked',
  ENAMETOOLONG: 'name',
  EILSEQ: 'name',
  EINVAL: 'blocked',
  EBUSY: 'busy',
  ETXTBSY: 'busy',
  EAGAIN: 'busy',
  EMFILE: 'busy',
  ENFILE: 'busy',
};

/** The problem that an error is for this path. Anything that is no file error, and not `Blocked`, is thrown on. */
export function errorToProblem(path: string, error: unknown): Problem {
  if (error instanceof Blocked) return { path, code: error.as, detail: error.message };
  const code = fileErrorCode(error);
  if (code === undefined || !(error instanceof Error)) throw error;
  return { path, code: problemOfError[code] ?? 'unreadable', detail: error.message };
}

/** Whether the disk has no room, for this file or for any other. */
export function isFull(error: unknown): boolean {
  return problemOfError[fileErrorCode(error) ?? ''] === 'full';
}
