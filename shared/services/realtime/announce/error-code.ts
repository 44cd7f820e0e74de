import { type ErrorCode, TidemarkError } from '../../../core/errors.ts';

/** All that a log is told of an error here: what a service answered may repeat what it was sent. */
export function errorCodeOf(error: unknown): ErrorCode {
  return error instanceof TidemarkError ? error.code : 'internal';
}
