/**
 * An event of Web PubSub as its service posts it to a webhook, and as the extension gives it to a JavaScript function. It comes as a CloudEvent
 * in binary mode: what it is stands in `ce-…` headers, the body is the payload. Nothing of it is believed before its signature is checked.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { TidemarkError } from '../../shared/core/errors.ts';
import { readWhole } from './http-body.ts';

/** The service passes on messages of at most 1 MiB; the lists of a `connect` are smaller. */
const eventBytesMax = 1024 * 1024;

/** By name, each with all its values. */
type NamedTexts = Readonly<Record<string, readonly string[]>>;

/** What the headers say. With these names it is the `connectionContext` of the function's input. */
export interface ConnectionContext {
  readonly eventType: 'System' | 'User';
  readonly eventName: string;
  readonly hub: string;
  readonly connectionId: string;
  readonly userId: string | null;
  readonly signature: string | null;
  readonly origin: string;
  /** What earlier answers left with the connection. */
  readonly states: Readonly<Record<string, unknown>>;
  readonly headers: NamedTexts;
}

/** Undefined when a header that every event has is missing, or the states are not what an answer makes of them. */
export function readConnectionContext({ headers, headersDistinct }: IncomingMessage): ConnectionContext | undefined {
  const connectionId = textOf(headers, 'ce-connectionid');
  const hub = textOf(headers, 'ce-hub');
  const type = textOf(headers, 'ce-type');
  const eventName = textOf(headers, 'ce-eventname');
  const origin = textOf(headers, 'webhook-request-origin');
  const states = decodeStates(textOf(headers, 'ce-connectionstate') ?? '');
  if (connectionId === undefined || hub === undefined || type === undefined) return undefined;
  if (eventName === undefined || origin === undefined || states === undefined) return undefined;
  return {
    eventType: /^azure\.webpubsub\.sys\./i.test(type) ? 'System' : 'User',
    eventName,
    hub,
    connectionId,
    userId: textOf(headers, 'ce-userid') ?? null,
    signature: textOf(headers, 'ce-signature') ?? null,
    origin,
    states,
    headers: Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, values ?? []])),
  };
}

function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Connection states travel as base64 of a JSON object whose values are base64 of JSON. Undefined when they do not. */
function decodeStates(header: string): Record<string, unknown> | undefined {
  if (header === '') return {};
  try {
    const encoded: unknown = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    if (typeof encoded !== 'object' || encoded === null || Array.isArray(encoded)) return undefined;
    const decode = (value: unknown): unknown => JSON.parse(Buffer.from(String(value), 'base64').toString('utf8'));
    return Object.fromEntries(Object.entries(encoded).map(([name, value]) => [name, decode(value)]));
  } catch {
    return undefined;
  }
}

/** The header by which states are left with a connection: what `decodeStates` reads. */
export function encodeStates(states: Readonly<Record<string, unknown>>): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value) ?? 'null').toString('base64');
  const encoded = Object.fromEntries(Object.entries(states).map(([name, value]) => [name, encode(value)]));
  return Buffer.from(JSON.stringify(encoded)).toString('base64');
}

/** `ignored`: a system event that no answer is made of. */
export type EventKind = 'connect' | 'connected' | 'disconnected' | 'user' | 'ignored';

export function kindOf({ eventType, eventName }: ConnectionContext): EventKind {
  if (eventType === 'User') return 'user';
  const known = (['connect', 'connected', 'disconnected'] as const).find((name) => name === eventName.toLowerCase());
  return known ?? 'ignored';
}

const dataTypes: ReadonlyMap<string, string> = new Map([
  ['application/octet-stream', 'Binary'],
  ['application/json', 'Json'],
  ['text/plain', 'Text'],
]);

/** The data type that a user event's content type means; undefined for every other content type. */
export function dataTypeOf({ headers }: IncomingMessage): string | undefined {
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';', 1);
  return dataTypes.get(mediaType.trim().toLowerCase());
}

/**
 * The function's input. Data are text whatever their type: JSON is not parsed, and bytes that are no UTF-8 are lost, as with the extension.
 * @throws TidemarkError `too-large`; `malformed` when a system event's body is not what it should be.
 */
export async function readInput(
  request: IncomingMessage,
  connectionContext: ConnectionContext,
): Promise<Readonly<Record<string, unknown>>> {
  const body = await readWhole(request, eventBytesMax);
  switch (kindOf(connectionContext)) {
    case 'user':
      return { connectionContext, data: body.toString('utf8'), dataType: dataTypeOf(request) };
    case 'connect':
      return { connectionContext, ...readConnect(parseObject(body)) };
    case 'disconnected':
      return { connectionContext, reason: parseObject(body)['reason'] ?? null };
    default:
      return { connectionContext };
  }
}

function readConnect(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { claims, query, headers, subprotocols, clientCertificates } = body;
  return {
    claims: mustBeNamedTexts(claims),
    query: mustBeNamedTexts(query),
    headers: mustBeNamedTexts(headers),
    subprotocols: mustBeTexts(subprotocols ?? []),
    clientCertificates: Array.isArray(clientCertificates) ? clientCertificates : [],
  };
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new TidemarkError('malformed', 'The body of a system event is not JSON.', { cause });
  }
  return mustBeObject(parsed);
}

function mustBeObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value));
  throw new TidemarkError('malformed', 'A part of a system event is no JSON object.');
}

function mustBeTexts(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new TidemarkError('malformed', 'A part of a system event is no list of texts.');
}

function mustBeNamedTexts(value: unknown): NamedTexts {
  const entries = Object.entries(mustBeObject(value ?? {}));
  return Object.fromEntries(entries.map(([name, values]) => [name, mustBeTexts(values)]));
}
