/**
 * Errors of the storage SDKs as TidemarkErrors. Nothing of the original leaves but its status, storage's own code and the
 * request's id: an SDK error holds the request, and with it URLs and headers that may hold signatures.
 */
import { type ErrorCode, TidemarkError } from '../../core/errors.ts';

/** The parts of an SDK error that are looked at. */
export interface StorageFailure {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** Storage's code, for instance `BlobNotFound`, or the network's, for instance `ECONNREFUSED`. */
  readonly code: string;
  readonly requestId: string;
}

function text(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(value) ? value : '';
}

function fieldOf(value: unknown, ...names: readonly string[]): unknown {
  let at: unknown = value;
  for (const name of names) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

/** Undefined for what is no error of storage or the network. */
export function readStorageFailure(error: unknown): StorageFailure | undefined {
  if (!(error instanceof Error) || error instanceof TidemarkError) return undefined;
  const status = fieldOf(error, 'statusCode');
  // An answer without a body, as to HEAD, has its code in a header only.
  const code = text(fieldOf(error, 'code')) || text(fieldOf(error, 'details', 'errorCode'));
  const requestId = text(fieldOf(error, 'details', 'requestId'));
  if (typeof status === 'number') return { status, code, requestId };
  const network = code !== '' || error.name === 'AbortError' || error.name === 'RestError';
  return network ? { status: undefined, code: code || error.name, requestId } : undefined;
}

/** Whether storage answered with one of these statuses. */
export function isStorageStatus(error: unknown, ...statuses: readonly number[]): boolean {
  const status = readStorageFailure(error)?.status;
  return status !== undefined && statuses.includes(status);
}

/** Whether storage answered with one of these codes of its own. */
export function isStorageCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(readStorageFailure(error)?.code ?? '');
}

const busyStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const busyCodes: ReadonlySet<string> = new Set(['BlobArchived', 'BlobBeingRehydrated', 'PendingCopyOperation']);
const identityErrors: ReadonlySet<string> = new Set([
  'AggregateAuthenticationError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
]);

function classify({ status, code }: StorageFailure): readonly [ErrorCode, string] {
  if (status === undefined) return ['unavailable', 'the storage account cannot be reached'];
  if (busyStatuses.has(status) || busyCodes.has(code)) return ['busy', 'the storage account could not do it now'];
  if (status === 401 || status === 403) return ['internal', "the storage account refuses this service's identity"];
  if (status === 404) return ['internal', 'the storage account lacks a container or queue that the service needs'];
  return ['internal', 'the storage account refused a request'];
}

/** The error to throw across the port's boundary. */
export function toStorageError(error: unknown): TidemarkError {
  if (error instanceof TidemarkError) return error;
  if (error instanceof Error && identityErrors.has(error.name)) {
    return new TidemarkError('unavailable', 'no token for the storage account could be had', {
      data: { error: error.name },
    });
  }
  const failure = readStorageFailure(error);
  if (failure === undefined) {
    const name = error instanceof Error ? error.name : typeof error;
    return new TidemarkError('internal', 'the storage library failed', { data: { error: name } });
  }
  const [errorCode, message] = classify(failure);
  return new TidemarkError(errorCode, message, {
    data: { status: failure.status ?? 0, storageCode: failure.code, storageRequest: failure.requestId },
  });
}

/** Runs work over the SDK so that its errors leave as TidemarkErrors. */
export async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toStorageError(error);
  }
}
