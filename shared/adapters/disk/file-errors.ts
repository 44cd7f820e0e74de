/** Node's file errors, told apart by their codes. */
import { TidemarkError } from '../../core/errors.ts';

export function isFileError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** Errors that pass once space, quota or descriptors are free again. */
const passingCodes = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'];

/**
 * What a store's caller sees instead of a file error: `conflict` when the name runs through another blob (`a` is a blob, so
 * `a/b` cannot be), `busy` when the machine is short of something, else `unavailable`. No message holds a path.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof TidemarkError || !(error instanceof Error) || !('code' in error)) return error;
  const data = { fileError: typeof error.code === 'string' ? error.code : 'unknown' };
  if (isFileError(error, 'ENOTDIR', 'EISDIR')) {
    return new TidemarkError('conflict', 'a blob name cannot begin with the name of another blob', { data });
  }
  const code = isFileError(error, ...passingCodes) ? 'busy' : 'unavailable';
  return new TidemarkError(code, 'the blob folder could not be read or written', { data, cause: error });
}
