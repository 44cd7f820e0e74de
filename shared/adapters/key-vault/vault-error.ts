/**
 * Errors of the Key Vault SDK as TidemarkErrors. Nothing of the original leaves but its status, the vault's own code and the request's
 * id: an SDK error holds the request, and a request that stores a key holds the key.
 */
import { type ErrorCode, TidemarkError } from '../../core/errors.ts';
import { readStorageFailure } from '../azure-storage/storage-error.ts';

const identityErrors: ReadonlySet<string> = new Set(['CredentialUnavailableError', 'AuthenticationError']);
const busyStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

function classify(status: number | undefined): readonly [ErrorCode, string] {
  if (status === undefined) return ['unavailable', 'the key vault cannot be reached'];
  if (busyStatuses.has(status)) return ['unavailable', 'the key vault could not do it now'];
  if (status === 401 || status === 403)
    return ['internal', "the key vault refuses this service's identity, or the key"];
  if (status === 404) return ['internal', 'the key vault has no such secret'];
  return ['internal', 'the key vault refused a request'];
}

/** The error to throw across the port's boundary. */
export function toVaultError(error: unknown): TidemarkError {
  if (error instanceof TidemarkError) return error;
  const failure = readStorageFailure(error);
  if (failure === undefined) {
    const name = error instanceof Error ? error.name : typeof error;
    const isIdentity = identityErrors.has(name);
    const message = isIdentity ? 'no token for the key vault could be had' : 'the library of the key vault failed';
    return new TidemarkError(isIdentity ? 'unavailable' : 'internal', message, { data: { error: name } });
  }
  const [code, message] = classify(failure.status);
  return new TidemarkError(code, message, {
    data: { status: failure.status ?? null, vaultCode: failure.code, requestId: failure.requestId },
  });
}

/** Whether the vault answered that there is no such secret. */
export function isMissing(error: unknown): boolean {
  return readStorageFailure(error)?.status === 404;
}
