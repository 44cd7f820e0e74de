/** What `tide` exits with. Documented in docs/cli.md; scripts may rely on them. */
import { type ErrorCode, isTidemarkError } from '../../shared/core/errors.ts';
import { isUsageError } from './usage-error.ts';

export const exitCodes = {
  ok: 0,
  /** Anything not named below. */
  failed: 1,
  /** The command line was not understood. */
  usage: 2,
  /** Nobody is logged in, or the token was refused: `tide login`. */
  notLoggedIn: 3,
  /** No such thing, or not yours. */
  notFound: 4,
  /** The server could not be reached or asked to come back later. */
  unreachable: 5,
  /** The change looks like an accident and waits for a person. Nothing was done. */
  halted: 6,
  /** Done, but some files could not be synced; they are listed. */
  incomplete: 7,
  /** This device was revoked: its files stay, it syncs no more. */
  revoked: 8,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

const byCode: Partial<Record<ErrorCode, number>> = {
  revoked: exitCodes.revoked,
  unauthenticated: exitCodes.notLoggedIn,
  forbidden: exitCodes.notFound,
  'not-found': exitCodes.notFound,
  unavailable: exitCodes.unreachable,
  busy: exitCodes.unreachable,
  'rate-limited': exitCodes.unreachable,
  halted: exitCodes.halted,
};

export function errorToExitCode(error: unknown): number {
  if (isUsageError(error)) return exitCodes.usage;
  return isTidemarkError(error) ? (byCode[error.code] ?? exitCodes.failed) : exitCodes.failed;
}
