/**
 * Errors of the service's SDK as TidemarkErrors. Nothing of the original leaves but its status and the network's code: it holds the request,
 * and with it tokens.
 */
import { type ErrorCode, TidemarkError } from '../../core/errors.ts';

const busyStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** Of the SDK without an answer, and of the identity library. */
const outOfReach: ReadonlySet<string> = new Set([
  'AbortError',
  'RestError',
  'AggregateAuthenticationError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
]);

function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** The HTTP status of a refusal; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const status = fieldOf(error, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

function classify(status: number): readonly [ErrorCode, string] {
  if (busyStatuses.has(status)) return ['busy', 'the realtime service could not do it now'];
  if (status === 401 || status === 403) return ['internal', 'the realtime service refuses this service'];
  return ['internal', 'the realtime service refused a request'];
}

export function toNotifierError(error: unknown): TidemarkError {
  if (error instanceof TidemarkError) return error;
  const status = statusOf(error);
  if (status !== undefined) {
    const [errorCode, message] = classify(status);
    return new TidemarkError(errorCode, message, { data: { status } });
  }
  const code = fieldOf(error, 'code');
  const networkCode = typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : '';
  const name = error instanceof Error ? error.name : typeof error;
  if (networkCode !== '' || outOfReach.has(name)) {
    return new TidemarkError('unavailable', 'the realtime service cannot be reached', { data: { networkCode } });
  }
  return new TidemarkError('internal', 'the library of the realtime service failed', { data: { error: name } });
}
