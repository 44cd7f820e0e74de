/**
 * What ties a request to log lines here and elsewhere: a correlation id, and the W3C trace context
 * (https://www.w3.org/TR/trace-context/).
 */
import { bytesToHex } from '../core/bytes.ts';
import type { Randomness } from '../ports/randomness.ts';

export const correlationHeader = 'x-correlation-id';

/** This request's span: in the caller's trace if the request came with one, else the first of a new trace. */
export interface Trace {
  /** 32 hex characters. */
  readonly traceId: string;
  /** What goes on with the work, and back to the caller: the trace, and this request's own span in it. */
  readonly traceparent: string;
}

/** Version, trace id, parent id, flags; versions after 00 may have more behind another dash. */
const traceParentForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const zeros = /^0+$/;
/** The flags that version 00 has; others must not be passed on by who does not know them. */
const sampled = 1;

interface Parent {
  readonly traceId: string;
  readonly flags: number;
}

/** Undefined when the header is not there, doubled, or anything but what the standard allows: then the trace starts anew. */
function parentOf(headers: Headers): Parent | undefined {
  const match = traceParentForm.exec(headers.get('traceparent') ?? '');
  if (match === null) return undefined;
  const [, version, traceId, parentId, flags, more] = match as unknown as string[];
  const isOfItsVersion = version !== 'ff' && (version !== '00' || more === undefined);
  if (!isOfItsVersion || zeros.test(traceId!) || zeros.test(parentId!)) return undefined;
  return { traceId: traceId!, flags: Number.parseInt(flags!, 16) & sampled };
}

export function traceOf(headers: Headers, randomness: Randomness): Trace {
  const fresh = bytesToHex(randomness.bytes(24));
  const { traceId, flags } = parentOf(headers) ?? { traceId: fresh.slice(0, 32), flags: 0 };
  return { traceId, traceparent: `00-${traceId}-${fresh.slice(32)}-0${flags}` };
}

/** Ids that are safe in headers and log lines. */
const correlationForm = /^[A-Za-z0-9._-]{1,128}$/;

/** The caller's correlation id if it is one, else the host's invocation id, else the trace's. */
export function correlationIdOf(headers: Headers, invocationId: string | undefined, trace: Trace): string {
  for (const id of [headers.get(correlationHeader), invocationId]) {
    if (typeof id === 'string' && correlationForm.test(id)) return id;
  }
  return trace.traceId;
}
