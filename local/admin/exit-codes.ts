/** What `npm run admin` exits with. Documented in docs/operations.md; scripts may rely on them. */
import { type ErrorCode, isTidemarkError } from '../../shared/core/errors.ts';

export const exitCodes = {
  ok: 0,
  /** Anything not named below. */
  failed: 1,
  /** The command line, or a setting, was not understood. */
  usage: 2,
  /** No such workspace, pack or state. */
  notFound: 4,
  /** A store could not be reached, or is busy: again later. */
  unavailable: 5,
  /** It was looked at and not done: a pack that is bad still. */
  refused: 6,
  /** The check found damage. */
  damaged: 7,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

const byCode: Partial<Record<ErrorCode, number>> = {
  malformed: exitCodes.usage,
  'not-found': exitCodes.notFound,
  unavailable: exitCodes.unavailable,
  busy: exitCodes.unavailable,
};

export function errorToExitCode(error: unknown): number {
  return isTidemarkError(error) ? (byCode[error.code] ?? exitCodes.failed) : exitCodes.failed;
}
