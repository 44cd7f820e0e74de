/** What commander cannot tell: a value, or a combination of options, that is not understood. Ends with 2, through a running agent too. */
import { TidemarkError, isTidemarkError } from '../../shared/core/errors.ts';

export function usageError(message: string, cause?: unknown): TidemarkError {
  return new TidemarkError('malformed', message, { data: { usage: true }, cause });
}

export function isUsageError(error: unknown): boolean {
  return isTidemarkError(error, 'malformed') && error.data['usage'] === true;
}
