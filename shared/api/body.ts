/** Bodies in and out: bounded while they are read, and in the form that the headers ask for. */
import { concatBytes, utf8ToText } from '../core/bytes.ts';
import { TidemarkError, isTidemarkError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Codecs } from '../core/pack/codecs.ts';
import { decodeBody, decodeJson, encodeBody, encodeJson, mediaTypes } from '../core/wire/envelope.ts';
import type { Schema } from '../core/wire/schema.ts';

export type BodyForm = keyof typeof mediaTypes;

const formOfMediaType: Readonly<Record<string, BodyForm>> = {
  [mediaTypes.msgpack]: 'msgpack',
  'application/x-msgpack': 'msgpack',
  'application/vnd.msgpack': 'msgpack',
  [mediaTypes.json]: 'json',
};

function mediaTypeOf(value: string): string {
  return value.split(';', 1)[0]!.trim().toLowerCase();
}

function formOf(value: string | null): BodyForm | undefined {
  const mediaType = value === null ? '' : mediaTypeOf(value);
  return Object.hasOwn(formOfMediaType, mediaType) ? formOfMediaType[mediaType] : undefined;
}

/** The form of the request's body by its Content-Type. Throws `unsupported` on another, or on a Content-Encoding. */
export function requestForm(headers: Headers): BodyForm {
  const encoding = headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new TidemarkError('unsupported', 'send the body without a Content-Encoding; msgpack compresses itself');
  }
  const form = formOf(headers.get('content-type'));
  if (form === undefined) {
    throw new TidemarkError('unsupported', `the body must be ${mediaTypes.msgpack} or ${mediaTypes.json}`);
  }
  return form;
}

/**
 * The form of the answer: the first that Accept names of those we have; without one, as the request's body; JSON for a
 * request without a body, so that a browser shows it.
 */
export function answerForm(headers: Headers): BodyForm {
  for (const range of (headers.get('accept') ?? '').split(',')) {
    const form = /;\s*q=0(\.0*)?\s*$/.test(range) ? undefined : formOf(range);
    if (form !== undefined) return form;
  }
  return formOf(headers.get('content-type')) ?? 'json';
}

function tooLarge(): TidemarkError {
  const { requestBytesMax } = limits;
  return new TidemarkError('too-large', `the request's body is over ${requestBytesMax} bytes`, {
    data: { requestBytesMax },
  });
}

/** The whole body, at most `requestBytesMax`: refused by its declared length before, and by its real one while, it is read. */
async function readBody(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limits.requestBytesMax) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let length = 0;
  if (request.body === null) return new Uint8Array(0);
  try {
    // Leaving the loop cancels the stream, so nothing after the limit is read.
    for await (const piece of request.body as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > limits.requestBytesMax) throw tooLarge();
      pieces.push(piece);
    }
  } catch (cause) {
    if (isTidemarkError(cause)) throw cause;
    // The caller went away, or broke off: no fault of ours, and nobody waits for the answer.
    throw new TidemarkError('malformed', 'the body broke off before its end', { cause });
  }
  return concatBytes(...pieces);
}

/** The request's message. Throws `malformed`, `too-large` or `unsupported`. */
export async function readMessage<T>(request: Request, schema: Schema<T>, codecs: Codecs): Promise<T> {
  const form = requestForm(request.headers);
  const bytes = await readBody(request);
  try {
    return form === 'msgpack' ? decodeBody(schema, bytes, codecs.lz4) : decodeJson(schema, utf8ToText(bytes));
  } catch (error) {
    if (isTidemarkError(error, 'corrupt')) throw new TidemarkError('malformed', error.message, { cause: error });
    if (error instanceof TypeError) throw new TidemarkError('malformed', 'the body is not UTF-8', { cause: error });
    throw error;
  }
}

/** The answer with a message. */
export function messageToResponse<T>(schema: Schema<T>, value: T, form: BodyForm, codecs: Codecs): Response {
  const body = form === 'msgpack' ? encodeBody(schema, value, codecs.lz4) : encodeJson(schema, value);
  return new Response(body as Uint8Array<ArrayBuffer> | string, { headers: { 'content-type': mediaTypes[form] } });
}
