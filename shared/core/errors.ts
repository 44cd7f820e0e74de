/**
 * Every error that crosses a boundary has one of these codes. Expected outcomes (a lost race, a conflict, missing
 * chunks in a negotiation) are values instead; an error is a surprise or a refusal. The HTTP status of each code is in
 * shared/api/problem.ts and nowhere else.
 */
export const errorCodes = {
  malformed: 'the input is not of its form',
  'too-large': 'the input is over a limit',
  unsupported: 'a version, codec or media type that this side does not know',
  unauthenticated: 'no valid access token',
  revoked: 'this device was revoked by its owner: its local files stay, it syncs no more',
  forbidden: 'the token or the role does not allow this',
  'not-found': 'no such thing, or not yours: the two are not told apart',
  'method-not-allowed': 'the route exists, the method does not',
  conflict: 'the thing exists already, with other content',
  'missing-chunks': 'content that the request refers to is not in the workspace',
  'precondition-failed': 'the thing has changed since it was read: read it again',
  'precondition-required': 'changing this needs an If-Match with the ETag that was read',
  'quota-exceeded': 'the workspace would hold more than it may',
  'stale-base': 'the workspace is consistency-first and the request was made on an old state',
  'idempotency-key-missing': 'a commit needs an Idempotency-Key',
  'idempotency-key-reused': 'the same Idempotency-Key came with another body',
  'in-progress': 'the same request is being worked on',
  'rate-limited': 'too many requests',
  busy: 'the service could not do it now; trying again later will help',
  corrupt: 'bytes do not match the hash they are named by',
  'bad-signature': 'a signature does not verify, or a head does not descend from one already seen',
  unavailable: 'the other side cannot be reached',
  halted: 'the change looks like an accident; it waits for a person',
  internal: 'a fault of ours',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Data that goes out with the error, in problem+json too: ids, counts and names of limits. Never bytes, URLs or tokens. */
export type ErrorData = Readonly<Record<string, string | number | boolean | readonly string[] | null>>;

const retryableCodes: ReadonlySet<ErrorCode> = new Set(['in-progress', 'rate-limited', 'busy', 'unavailable']);

/** An error with a stable code. Anything else that is thrown across a boundary counts as `internal`. */
export class TidemarkError extends Error {
  readonly code: ErrorCode;
  readonly data: ErrorData;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;

  /** @param message one sentence for a person: what is wrong and, where it helps, what to do. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly data?: ErrorData; readonly cause?: unknown; readonly retryable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TidemarkError';
    this.code = code;
    this.data = options.data ?? {};
    this.retryable = options.retryable ?? retryableCodes.has(code);
  }
}

/** Whether something caught is a TidemarkError, and has this code if one is given. */
export function isTidemarkError(error: unknown, code?: ErrorCode): error is TidemarkError {
  return error instanceof TidemarkError && (code === undefined || error.code === code);
}
