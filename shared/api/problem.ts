/** Errors as RFC 9457 problem+json. The only place that knows HTTP statuses. */
import { type ErrorCode, type ErrorData, TidemarkError, errorCodes, isTidemarkError } from '../core/errors.ts';

const statusOf: Readonly<Record<ErrorCode, number>> = {
  malformed: 400,
  'idempotency-key-missing': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'missing-chunks': 409,
  'stale-base': 409,
  'in-progress': 409,
  halted: 409,
  'too-large': 413,
  unsupported: 415,
  'idempotency-key-reused': 422,
  'rate-limited': 429,
  internal: 500,
  // What a client sends is refused as malformed; these two are about our own bytes and keys.
  corrupt: 500,
  'bad-signature': 500,
  busy: 503,
  unavailable: 503,
};

/** How long a client should wait before it sends the same request again. */
const retryAfterSeconds: Partial<Readonly<Record<ErrorCode, number>>> = {
  'in-progress': 1,
  busy: 1,
  'rate-limited': 5,
  unavailable: 5,
};

export const problemMediaType = 'application/problem+json';

/** What any error is to the outside: a fault of ours says nothing about itself. */
function toPublicError(error: unknown): TidemarkError {
  const isOurs = isTidemarkError(error) && statusOf[error.code] !== 500;
  return isOurs
    ? error
    : new TidemarkError('internal', 'something went wrong here; the correlation id names it in our log');
}

export interface Problem {
  readonly code: ErrorCode;
  readonly response: Response;
}

/** The answer to an error. Data of the error goes in as members of their own, and never replaces a standard member. */
export function errorToProblem(error: unknown, correlationId: string): Problem {
  const { code, message, data, retryable } = toPublicError(error);
  const status = statusOf[code];
  const { allow, ...members }: ErrorData = data;
  const body = {
    ...members,
    type: `urn:tidemark:error:${code}`,
    title: errorCodes[code],
    status,
    detail: message,
    code,
    retryable,
    correlationId,
  };
  const headers = new Headers({ 'content-type': problemMediaType, 'cache-control': 'no-store' });
  if (code === 'unauthenticated') headers.set('www-authenticate', 'Bearer realm="tidemark"');
  if (code === 'method-not-allowed' && Array.isArray(allow)) headers.set('allow', allow.join(', '));
  const wait = retryAfterSeconds[code];
  if (wait !== undefined) headers.set('retry-after', String(wait));
  return { code, response: new Response(JSON.stringify(body), { status, headers }) };
}
