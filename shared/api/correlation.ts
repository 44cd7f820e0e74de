import { bytesToHex } from '../core/bytes.ts';
import type { Randomness } from '../ports/randomness.ts';

export const correlationHeader = 'x-correlation-id';

/** Ids that are safe in headers and log lines. */
const correlationForm = /^[A-Za-z0-9._-]{1,128}$/;

/** The caller's correlation id if it is one, else the host's invocation id, else a new one. */
export function correlationIdOf(headers: Headers, invocationId: string | undefined, randomness: Randomness): string {
  for (const id of [headers.get(correlationHeader), invocationId]) {
    if (typeof id === 'string' && correlationForm.test(id)) return id;
  }
  return bytesToHex(randomness.bytes(16));
}

/** The W3C trace context of the caller, version 00 (https://www.w3.org/TR/trace-context/); undefined when it is none. */
export function traceParentOf(headers: Headers): string | undefined {
  const parent = headers.get('traceparent');
  return parent !== null && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(parent) ? parent : undefined;
}
