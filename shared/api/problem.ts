/** Errors as RFC 9457 problem+json. The only place that knows HTTP statuses. */
import { type ErrorCode, type ErrorData, TidemarkError, errorCodes, isTidemarkError } from '../core/errors.ts';

const statusOf: Readonly<Record<ErrorCode, number>> = {
  malformed: 400,
  'idempotency-key-missing': 400,
  unauthenticated: 401,
  forbidden: 403,
  revoked: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  'missing-chunks': 409,
  'stale-base': 409,
  'in-progress': 409,
  halted: 409,
  'precondition-failed': 412,
  'too-large': 413,
  unsupported: 415,
  'idempotency-key-reused': 422,
  'precondition-required': 428,
  'rate-limited': 429,
  internal: 500,
  // What a client sends is refused as malformed; these two are about our own bytes and keys.
  corrupt: 500,
  'bad-signature': 500,
  busy: 503,
  unavailable: 503,
  // As WebDAV has it (RFC 4918, 11.5): the resource cannot take it, now or again, until something is removed.
  'quota-exceeded': 507,
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

interface ProblemBody {
  readonly [member: string]: unknown;
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly correlationId: string;
}

/** The answer's body. Data of the error goes in as members of their own, and never replaces a standard member. */
export function problemBody({ code, message, data, retryable }: TidemarkError, correlationId: string): ProblemBody {
  const { allow: _, ...members } = data;
  return {
    ...members,
    type: `urn:tidemark:error:${code}`,
    title: errorCodes[code],
    status: statusOf[code],
    detail: message,
    code,
    retryable,
    correlationId,
  };
}

/** Seconds to wait, for errors that pass; undefined for others. Who refuses may know better than the table. */
function retryAfter({ code, data }: TidemarkError): number | undefined {
  const { retryAfterSeconds: asked } = data;
  return typeof asked === 'number' ? asked : retryAfterSeconds[code];
}

/** The answer to an error. */
export function errorToProblem(error: unknown, correlationId: string): Problem {
  const shown = toPublicError(error);
  const { code } = shown;
  const { allow }: ErrorData = shown.data;
  const headers = new Headers({ 'content-type': problemMediaType, 'cache-control': 'no-store' });
  if (code === 'unauthenticated') headers.set('www-authenticate', 'Bearer realm="tidemark"');
  if (code === 'method-not-allowed' && Array.isArray(allow)) headers.set('allow', allow.join(', '));
  const wait = retryAfter(shown);
  if (wait !== undefined) headers.set('retry-after', String(wait));
  const body = problemBody(shown, correlationId);
  return { code, response: new Response(JSON.stringify(body), { status: body.status, headers }) };
}
