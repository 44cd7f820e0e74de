/**
 * What a webhook answers for what a function returned. `connect` and user events are waited for: an answer other than 2xx refuses the
 * connection, or ends it. Of the others nobody reads the answer.
 *
 * When a function fails Azure's extension leaves the service to wait until it gives up; here it is told at once.
 */
import type { InvocationOutcome } from './invocation.ts';
import { type ConnectionContext, encodeStates, kindOf } from './web-pubsub-event.ts';

export interface WebhookAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

type Fields = Readonly<Record<string, unknown>>;

const stateHeader = 'ce-connectionState';
const empty: WebhookAnswer = { status: 200, headers: {}, body: '' };

/** Of a function's `code`, in lower case. */
const statusOfCode: ReadonlyMap<string, number> = new Map([
  ['unauthorized', 401],
  ['usererror', 400],
  ['servererror', 500],
]);

const contentTypeOf: ReadonlyMap<string, string> = new Map([
  ['text', 'text/plain'],
  ['json', 'application/json'],
  ['binary', 'application/octet-stream'],
]);

/** Never throws: what cannot be an answer is an error of the function's. */
export function toWebhookAnswer(context: ConnectionContext, outcome: InvocationOutcome): WebhookAnswer {
  const kind = kindOf(context);
  if (kind !== 'connect' && kind !== 'user') return empty;
  if (!outcome.ok) return refusal(500, 'the function failed');
  const returned = parseReturned(outcome.response.returnValue?.json);
  if (returned === 'nothing') return empty;
  if (returned === 'no object') return refusal(500, 'the function returned something other than an object');
  const code = textOf(returned, 'code')?.toLowerCase();
  if ('code' in returned && code !== 'success') {
    return refusal(statusOfCode.get(code ?? '') ?? 500, textOf(returned, 'errorMessage') ?? '');
  }
  const newStates = isFields(returned['states']) ? returned['states'] : {};
  const states = { ...context.states, ...newStates };
  const stateHeaders = Object.keys(states).length === 0 ? {} : { [stateHeader]: encodeStates(states) };
  return kind === 'connect' ? connectAnswer(returned, stateHeaders) : userAnswer(returned, stateHeaders);
}

function refusal(status: number, message: string): WebhookAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: message };
}

/** Only objects are heard; a text or a number that a function returns by chance is not. */
function parseReturned(json: string | null | undefined): Fields | 'nothing' | 'no object' {
  if (typeof json !== 'string') return 'nothing';
  const parsed: unknown = JSON.parse(json);
  return isFields(parsed) ? parsed : 'no object';
}

function connectAnswer(returned: Fields, headers: Readonly<Record<string, string>>): WebhookAnswer {
  const { userId = null, groups = null, subprotocol = null, roles = null } = returned;
  const isText = (value: unknown): boolean => value === null || typeof value === 'string';
  const areTexts = (value: unknown): boolean =>
    value === null || (Array.isArray(value) && value.every((each) => typeof each === 'string'));
  if (!isText(userId) || !isText(subprotocol) || !areTexts(groups) || !areTexts(roles)) {
    return refusal(500, 'the function returned a user id, groups, a subprotocol or roles of another form');
  }
  const body = JSON.stringify({ userId, groups, subprotocol, roles });
  return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body };
}

function userAnswer(returned: Fields, headers: Readonly<Record<string, string>>): WebhookAnswer {
  const data = toBytes(returned['data'] ?? '');
  const dataType = textOf(returned, 'dataType')?.toLowerCase() ?? 'binary';
  const contentType = contentTypeOf.get(dataType);
  if (data === undefined) return refusal(500, 'the function returned data other than a text or a buffer');
  if (contentType === undefined) return refusal(500, 'the function returned data of an unknown type');
  return { status: 200, headers: { ...headers, 'content-type': contentType }, body: data };
}

/** A text, or a `Buffer` as its JSON stands for it. */
function toBytes(data: unknown): string | Uint8Array | undefined {
  if (typeof data === 'string') return data;
  const bytes: unknown = isFields(data) && data['type'] === 'Buffer' ? data['data'] : undefined;
  return Array.isArray(bytes) && bytes.every((each) => typeof each === 'number') ? Uint8Array.from(bytes) : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}
