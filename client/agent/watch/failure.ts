/** What a failed sync means for the watch: every failure leads to one of these, and none ends the process. */
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { isFull } from '../folder/file-problem.ts';
import { isJournalDamage } from '../journal/database.ts';
import { pace } from './pace.ts';

export type Failure =
  /** Tried again by itself, later and later. */
  | { readonly kind: 'passing'; readonly code: string; readonly message: string; readonly askedMs: number }
  /** Tried again at a fixed interval: only somebody else can change it. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly everyMs: number }
  /** The folder is gone, is another one, or its journal is damaged: everything is closed and opened again. */
  | { readonly kind: 'reopen'; readonly code: string; readonly message: string }
  | { readonly kind: 'halted'; readonly code: string; readonly message: string }
  | { readonly kind: 'revoked'; readonly code: string; readonly message: string };

const refusals: ReadonlySet<string> = new Set([
  'unauthenticated',
  'forbidden',
  'not-found',
  'quota-exceeded',
  'bad-signature',
  'unsupported',
]);

/** SQLITE_FULL */
function isDatabaseFull(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' && (code & 0xff) === 13;
}

export function errorToFailure(error: unknown): Failure {
  if (isFull(error) || isDatabaseFull(error)) {
    const message = 'the disk is full; make room on it, and syncing goes on by itself';
    return { kind: 'refused', code: 'full', message, everyMs: pace.absentMs };
  }
  if (!isTidemarkError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'passing', code: 'internal', message, askedMs: 0 };
  }
  const { code, message, data } = error;
  if (code === 'revoked') return { kind: 'revoked', code, message };
  // The brake names the side whose deletions it stopped; any other halt is about the folder as a whole.
  if (code === 'halted') return { kind: 'side' in data ? 'halted' : 'reopen', code, message };
  if (isJournalDamage(error)) return { kind: 'reopen', code, message };
  if (refusals.has(code)) {
    return { kind: 'refused', code, message, everyMs: code === 'unauthenticated' ? pace.absentMs : pace.refusedMs };
  }
  const asked = data['retryAfterMs'];
  return { kind: 'passing', code, message, askedMs: typeof asked === 'number' ? asked : 0 };
}
