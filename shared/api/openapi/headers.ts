/** Headers in the OpenAPI document: what may be sent with requests, and what comes back. */
import type { ErrorCode } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/wire/json-schema.ts';
import { correlationHeader } from '../correlation.ts';
import type { Route } from '../route.ts';
import { chargeHeader, sessionHeader } from '../session-token.ts';
import { deviceHeader } from '../device-header.ts';
import { hexId } from '../parameters.ts';

const text: JsonSchema = { type: 'string' };
const traceparent: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}' };
const correlationId: JsonSchema = { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' };
const etag: JsonSchema = { type: 'string', examples: ['"3-17-json"'] };

interface Header {
  readonly description: string;
  readonly schema: JsonSchema;
}

/** Of answers, by name. */
export const answerHeaders: Readonly<Record<string, Header>> = {
  [correlationHeader]: {
    description: 'The id that was sent, or one that names the request in the log.',
    schema: correlationId,
  },
  traceparent: {
    description: "W3C Trace Context: the caller's trace, or a new one, and this request's span.",
    schema: traceparent,
  },
  'RateLimit-Policy': {
    description: 'What a full bucket holds, and the seconds that fill it.',
    schema: { ...text, examples: ['"user";q=1000;w=60'] },
  },
  RateLimit: {
    description: 'Requests left now, and the seconds until the bucket is full.',
    schema: { ...text, examples: ['"user";r=999;t=1'] },
  },
  [sessionHeader]: {
    description: "To be sent with the caller's next request, so that it reads what was written. Opaque.",
    schema: text,
  },
  [chargeHeader]: {
    description: 'What the store charged, in its own unit.',
    schema: { type: 'number', exclusiveMinimum: 0 },
  },
  ETag: { description: 'Names the version of the answer.', schema: etag },
  'Retry-After': {
    description: 'Seconds to wait before the same request is sent again.',
    schema: { type: 'integer', minimum: 0 },
  },
  'WWW-Authenticate': { description: 'Says that a bearer token is wanted.', schema: text },
};

/** Of requests, by the name of their component. */
export const requestHeaders: Readonly<Record<string, Header & { readonly name: string; readonly required?: boolean }>> =
  {
    CorrelationId: {
      name: correlationHeader,
      description: 'Names the request in logs, and comes back.',
      schema: correlationId,
    },
    TraceParent: {
      name: 'traceparent',
      description: 'W3C Trace Context: the trace that the request is part of.',
      schema: traceparent,
    },
    Session: { name: sessionHeader, description: 'The newest that an answer had.', schema: text },
    Device: {
      name: deviceHeader,
      description: 'The device that asks, in hex: a revoked one is refused on every route.',
      schema: hexId,
    },
    IdempotencyKey: {
      name: 'Idempotency-Key',
      description: 'New for each request, the same for its repeats: those get the answer of the first.',
      required: true,
      schema: hexId,
    },
    IfMatchRequired: { name: 'If-Match', description: 'The ETag that was read, or `*`.', required: true, schema: etag },
    IfMatch: { name: 'If-Match', description: 'The ETag that was read, or `*`.', schema: etag },
    IfNoneMatch: {
      name: 'If-None-Match',
      description: 'An ETag: the answer is 304 if it is still the same.',
      schema: etag,
    },
  };

/** Components of the headers that a request to this route may have. */
export function requestHeaderRefs(route: Route): readonly JsonSchema[] {
  const { scope, method, takesIdempotencyKey, ifMatch, hasEtag } = route;
  const names = [
    ...(takesIdempotencyKey ? ['IdempotencyKey'] : []),
    ...(ifMatch === undefined ? [] : [ifMatch === 'required' ? 'IfMatchRequired' : 'IfMatch']),
    ...(hasEtag && method === 'GET' ? ['IfNoneMatch'] : []),
    ...(scope === null ? [] : ['Session', 'Device']),
    'CorrelationId',
    'TraceParent',
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

/** Of the route's answer; of its refusals when codes are given. */
export function headerRefs(route: Route, codes: readonly ErrorCode[] = []): JsonSchema {
  const { scope, hasEtag } = route;
  const isRefusal = codes.length > 0;
  const passing: readonly ErrorCode[] = ['rate-limited', 'busy', 'unavailable', 'in-progress'];
  const names = [
    correlationHeader,
    'traceparent',
    ...(scope === null || codes.includes('unauthenticated')
      ? []
      : ['RateLimit-Policy', 'RateLimit', sessionHeader, chargeHeader]),
    ...(hasEtag && !isRefusal ? ['ETag'] : []),
    ...(codes.some((code) => passing.includes(code)) ? ['Retry-After'] : []),
    ...(codes.includes('unauthenticated') ? ['WWW-Authenticate'] : []),
  ];
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
