/** Errors of the SDK as coded ones. What leaves here has no URL, key or header of the account: only a status and an activity. */
import { TidemarkError } from '../../core/errors.ts';

interface SdkError {
  readonly code?: number | string;
  readonly substatus?: number;
  readonly retryAfterInMs?: number;
  readonly activityId?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** The SDK wraps what a batch threw. */
export function sdkErrorOf(error: unknown): SdkError {
  if (!(error instanceof Error)) return error ?? {};
  const { cause } = error;
  if (!('code' in error) && cause instanceof Error) return cause as SdkError;
  return error as SdkError;
}

/** The read asked for a state that this replica has not come to. */
export const sessionNotAvailable = 1002;

/** Statuses after which the request may or may not have been done, or was not done and may be sent again. */
const unavailableStatuses: ReadonlySet<number> = new Set([408, 410, 449, 500, 503]);

function statusText({ code, substatus, activityId }: SdkError): Error {
  const what = typeof code === 'number' || typeof code === 'string' ? String(code) : 'an error without a code';
  const sub = substatus === undefined ? '' : `/${substatus}`;
  return new Error(`Cosmos DB: ${what}${sub}${activityId === undefined ? '' : `, activity ${activityId}`}`);
}

/**
 * `busy` when throttled, with the seconds to wait; `unavailable` when the account cannot be reached or says that it cannot now,
 * in which case a write may have been done; `too-large` over 2 MB; `internal` for the rest.
 */
export function toStoreError(error: unknown): TidemarkError {
  if (error instanceof TidemarkError) return error;
  const sdk = sdkErrorOf(error);
  const cause = statusText(sdk);
  const { code, substatus } = sdk;
  if (code === 429) {
    const retryAfterSeconds = Math.max(1, Math.ceil((sdk.retryAfterInMs ?? 0) / 1000));
    return new TidemarkError('busy', 'the metadata store has too much to do', { data: { retryAfterSeconds }, cause });
  }
  if (code === 404 && substatus === sessionNotAvailable) {
    return new TidemarkError('busy', 'the metadata store has not caught up with this session yet', { cause });
  }
  if (code === 413) return new TidemarkError('too-large', 'a metadata document would be over 2 MB', { cause });
  if (typeof code !== 'number' || unavailableStatuses.has(code)) {
    return new TidemarkError('unavailable', 'the metadata store cannot be reached', { cause });
  }
  return new TidemarkError('internal', 'the metadata store refused a request', { cause });
}
