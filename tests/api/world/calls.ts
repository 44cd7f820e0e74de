/** Calls of the API as a client makes them: msgpack out, message or problem back. */
import assert from 'node:assert/strict';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import type { Api } from '../../../shared/api/api.ts';
import { decodeBody, encodeBody, mediaTypes } from '../../../shared/core/wire/envelope.ts';
import type { Schema } from '../../../shared/core/wire/schema.ts';
import { assertNoSecret } from '../../secrets/find-secret.ts';

export interface ProblemBody {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly correlationId: string;
  readonly [member: string]: unknown;
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T; readonly response: Response }
  | { readonly ok: false; readonly problem: ProblemBody; readonly response: Response };

export interface Message<Q, A> {
  readonly token: string;
  /** By default GET without a request, POST with one. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly request?: readonly [schema: Schema<Q>, value: Q];
  readonly response: Schema<A>;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function call<Q, A>(api: Api, message: Message<Q, A>): Promise<Reply<A>> {
  const headers = new Headers({
    authorization: `Bearer ${message.token}`,
    accept: mediaTypes.msgpack,
    ...message.headers,
  });
  const method = message.method ?? (message.request === undefined ? 'GET' : 'POST');
  const init: RequestInit = { method, headers };
  if (message.request !== undefined) {
    headers.set('content-type', mediaTypes.msgpack);
    const [schema, value] = message.request;
    init.body = encodeBody(schema, value, nodeCodecs.lz4) as Uint8Array<ArrayBuffer>;
  }
  const response = await api.handle(new Request(`https://tidemark.test/api${message.path}`, init));
  if (!response.ok) return { ok: false, problem: await readProblem(response), response };
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { ok: true, value: decodeBody(message.response, bytes, nodeCodecs.lz4), response };
}

/** The problem of an answer, checked for the form that every one of them has. */
export async function readProblem(response: Response): Promise<ProblemBody> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  const body = (await response.json()) as ProblemBody;
  assert.equal(body.status, response.status);
  assert.equal(body['type'], `urn:tidemark:error:${body.code}`);
  assert.equal(body.correlationId, response.headers.get('x-correlation-id'));
  assert.doesNotMatch(JSON.stringify(body), /\.ts:\d|node_modules|at async/, 'a problem shows no stack');
  assertNoSecret(JSON.stringify(body), 'a problem');
  return body;
}

/** The answer, or a failed assertion that shows the problem. */
export async function must<T>(reply: Promise<Reply<T>>): Promise<T> {
  const settled = await reply;
  if (!settled.ok) assert.fail(JSON.stringify(settled.problem));
  return settled.value;
}

/** The problem, or a failed assertion. */
export async function mustFail<T>(reply: Promise<Reply<T>>, code: string): Promise<ProblemBody> {
  const settled = await reply;
  if (settled.ok) assert.fail(`expected ${code}, got an answer`);
  assert.equal(settled.problem.code, code, JSON.stringify(settled.problem));
  return settled.problem;
}
