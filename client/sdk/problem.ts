/** What a failed answer means: problem+json (RFC 9457) by its `code`; anything else by its status. */
import { type ErrorCode, type ErrorData, TidemarkError, errorCodes } from '../../shared/core/errors.ts';

/** Bytes of an error body that are looked at; the rest is not read. */
const problemBytesMax = 1024 * 1024;

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  409: 'conflict',
  413: 'too-large',
  415: 'unsupported',
  422: 'malformed',
  429: 'rate-limited',
};

/** Statuses of proxies and overloaded hosts: the request may not have been seen at all. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 500, 502, 503, 504]);

function retryAfterMs(response: Response, nowMs: number): number | undefined {
  const header = response.headers.get('retry-after');
  if (header === null) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Empty for a body that is no JSON by its type; undefined for one that should be and did not arrive whole. */
async function readProblem(response: Response): Promise<Record<string, unknown> | undefined> {
  if (!(response.headers.get('content-type') ?? '').includes('json')) return {};
  const text = await response.text().catch(() => '');
  if (text.length > problemBytesMax) return {};
  try {
    const raw: unknown = JSON.parse(text);
    return typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  } catch {
    return undefined;
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code);
}

const standardMembers = new Set(['type', 'title', 'status', 'detail', 'instance', 'code']);

function problemData(problem: Record<string, unknown>): Record<string, ErrorData[string]> {
  const data: Record<string, ErrorData[string]> = {};
  for (const [name, value] of Object.entries(problem)) {
    if (standardMembers.has(name)) continue;
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) data[name] = value as string;
    else if (Array.isArray(value) && value.every((item) => typeof item === 'string')) data[name] = value;
  }
  return data;
}

/** The error of an answer that is not a success. Reads its body. `nowMs`: for a Retry-After given as a date. */
export async function responseToError(response: Response, nowMs: number): Promise<TidemarkError> {
  const problem = await readProblem(response);
  if (problem === undefined) {
    // What it refused, and why, is in the part that is missing: its status alone would be taken for another refusal.
    return new TidemarkError('unavailable', `the answer ${response.status} of the server did not arrive whole`, {
      data: { status: response.status },
    });
  }
  const passing = passingStatuses.has(response.status);
  const code = isErrorCode(problem['code']) ? problem['code'] : passing ? 'busy' : codeOfStatus[response.status];
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : `the server answered ${response.status}`;
  const wait = retryAfterMs(response, nowMs);
  return new TidemarkError(code ?? 'unavailable', detail, {
    data: { ...problemData(problem), status: response.status, ...(wait === undefined ? {} : { retryAfterMs: wait }) },
    ...(passing ? { retryable: true } : {}),
  });
}

/** The error of a request that got no answer. */
export function failureToError(cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return new TidemarkError('unavailable', 'the server cannot be reached; check the address and the network', { cause });
}
