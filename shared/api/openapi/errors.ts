/** Problems in the OpenAPI document: which codes a route can answer with, one response for each status. */
import { type ErrorCode, TidemarkError, errorCodes } from '../../core/errors.ts';
import type { JsonSchema, JsonValue } from '../../core/wire/json-schema.ts';
import { parameterNames } from '../parameters.ts';
import { problemBody, problemMediaType } from '../problem.ts';
import type { Route } from '../route.ts';
import { headerRefs } from './headers.ts';

export const problemSchema: JsonSchema = {
  type: 'object',
  description: 'RFC 9457. `code` is for programs; data of the error are further members.',
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'A sentence for people.' },
    code: { type: 'string', enum: Object.keys(errorCodes) },
    retryable: { type: 'boolean', description: 'Whether the very same request may succeed later.' },
    correlationId: { type: 'string' },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable', 'correlationId'],
};

/** What any route of its kind can answer, and what this one says that it answers besides. */
export function codesOf(route: Route): readonly ErrorCode[] {
  const { path, scope, request, query, takesIdempotencyKey, ifMatch, errors } = route;
  const hasInput = request !== null || parameterNames(path).length > 0 || (query ?? []).length > 0;
  const codes: ErrorCode[] = ['too-large', 'internal'];
  if (scope !== null) codes.push('unauthenticated', 'forbidden', 'revoked', 'rate-limited', 'busy', 'unavailable');
  // Every route with a token takes the header of the device, which may be no id, or not the caller's.
  if (scope !== null) codes.push('malformed', 'not-found');
  if (hasInput) codes.push('malformed');
  if (request !== null) codes.push('unsupported');
  if (takesIdempotencyKey) codes.push('idempotency-key-missing', 'idempotency-key-reused', 'in-progress');
  if (ifMatch !== undefined) codes.push('precondition-failed');
  if (ifMatch === 'required') codes.push('precondition-required');
  // In the order in which errors.ts lists them, each once.
  const all = new Set([...codes, ...(errors ?? [])]);
  return (Object.keys(errorCodes) as ErrorCode[]).filter((code) => all.has(code));
}

function exampleProblem(code: ErrorCode): ReturnType<typeof problemBody> {
  return problemBody(new TidemarkError(code, errorCodes[code]), '4bf92f3577b34da6a3ce929d0e0e4736');
}

export function statusOfCode(code: ErrorCode): number {
  return exampleProblem(code).status;
}

/** The response of one status, for these codes. */
export function problemResponse(codes: readonly ErrorCode[], route: Route): JsonSchema {
  const examples = codes.map((code) => [code, { value: exampleProblem(code) as unknown as JsonValue }] as const);
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code]}.`).join(' '),
    headers: headerRefs(route, codes),
    content: {
      [problemMediaType]: {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }, { type: 'object', properties: { code: { enum: codes } } }],
        },
        examples: Object.fromEntries(examples),
      },
    },
  };
}
