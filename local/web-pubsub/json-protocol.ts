/**
 * The frames of `json.webpubsub.azure.v1` and `json.reliable.webpubsub.azure.v1`: what clients send, read strictly, and what they are
 * sent. A message to many is encoded once; only the sequence id of a reliable connection is put before it for each.
 */
import type { Payload } from './payload.ts';

export const plainSubprotocol = 'json.webpubsub.azure.v1';
export const reliableSubprotocol = 'json.reliable.webpubsub.azure.v1';
export const subprotocols: readonly string[] = [reliableSubprotocol, plainSubprotocol];

const groupCharactersMax = 1_024;
/** Names of events become headers. */
const eventName = /^[\x21-\x7e]{1,256}$/;

export type ClientMessage =
  | { readonly kind: 'joinGroup' | 'leaveGroup'; readonly group: string; readonly ackId: number | undefined }
  | {
      readonly kind: 'sendToGroup';
      readonly group: string;
      readonly payload: Payload;
      readonly noEcho: boolean;
      readonly ackId: number | undefined;
    }
  | { readonly kind: 'event'; readonly event: string; readonly payload: Payload; readonly ackId: number | undefined }
  | { readonly kind: 'sequenceAck'; readonly sequenceId: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'invoke'; readonly invocationId: string }
  /** A type that the service may know and this endpoint does not serve. */
  | { readonly kind: 'unserved'; readonly type: string; readonly ackId: number | undefined };

/** Errors of acks, by the service's names. */
export type AckErrorName = 'Forbidden' | 'InternalServerError' | 'Duplicate' | 'InvocationFailed' | 'NotSupported';

export interface AckError {
  readonly name: AckErrorName;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** 1 to 1,024 characters that are not all white space. */
export function isGroupName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= groupCharactersMax && value.trim() !== '';
}

/** Undefined also for what nests so deeply that it can be read and not be written. */
function jsonPayload(data: unknown): Payload | undefined {
  try {
    return data === undefined ? undefined : { dataType: 'json', json: JSON.stringify(data) };
  } catch {
    return undefined;
  }
}

function decodePayload({ dataType, data }: Fields): Payload | undefined {
  switch (dataType) {
    case undefined:
    case 'json':
      return jsonPayload(data);
    case 'text':
      return typeof data === 'string' ? { dataType, text: data } : undefined;
    case 'binary': {
      if (typeof data !== 'string') return undefined;
      const bytes = Buffer.from(data, 'base64');
      return bytes.toString('base64') === data ? { dataType, bytes } : undefined;
    }
    default:
      return undefined;
  }
}

function decodeFields(fields: Fields, ackId: number | undefined): ClientMessage | undefined {
  const { type, group, event, sequenceId, invocationId } = fields;
  switch (type) {
    case 'joinGroup':
    case 'leaveGroup':
      return isGroupName(group) ? { kind: type, group, ackId } : undefined;
    case 'sendToGroup': {
      if (fields['stream'] !== undefined) return { kind: 'unserved', type: 'stream', ackId };
      const payload = decodePayload(fields);
      if (payload === undefined || !isGroupName(group)) return undefined;
      return { kind: type, group, payload, noEcho: fields['noEcho'] === true, ackId };
    }
    case 'event': {
      const payload = decodePayload(fields);
      if (payload === undefined || typeof event !== 'string' || !eventName.test(event)) return undefined;
      return { kind: type, event, payload, ackId };
    }
    case 'sequenceAck':
      return isCount(sequenceId) ? { kind: type, sequenceId } : undefined;
    case 'ping':
      return { kind: type };
    case 'invoke':
      return typeof invocationId === 'string' ? { kind: type, invocationId } : undefined;
    default:
      return typeof type === 'string' ? { kind: 'unserved', type: type.slice(0, 64), ackId } : undefined;
  }
}

/** What a client sent. Undefined: nothing of the protocol's form. */
export function decodeClientMessage(text: string): ClientMessage | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const fields: Fields = { ...parsed };
  const ackId = fields['ackId'] ?? undefined;
  return ackId === undefined || isCount(ackId) ? decodeFields(fields, ackId) : undefined;
}

/** A message for any number of connections. */
export interface OutboundMessage {
  /** The text of its JSON object after the opening brace. */
  readonly body: string;
  /** Bytes of the body, as UTF-8. */
  readonly bytes: number;
  /** The frame of a plain connection, shared by all. */
  readonly plainFrame: Buffer;
}

export type MessageOrigin =
  | { readonly from: 'server' }
  | { readonly from: 'group'; readonly group: string; readonly fromUserId?: string };

function dataText(payload: Payload): string {
  switch (payload.dataType) {
    case 'json':
      return payload.json;
    case 'text':
      return JSON.stringify(payload.text);
    case 'binary':
      return `"${payload.bytes.toString('base64')}"`;
  }
}

export function encodeMessage(origin: MessageOrigin, payload: Payload): OutboundMessage {
  const head = JSON.stringify({ type: 'message', ...origin, dataType: payload.dataType });
  const text = `${head.slice(0, -1)},"data":${dataText(payload)}}`;
  const plainFrame = Buffer.from(text);
  return { body: text.slice(1), bytes: plainFrame.length - 1, plainFrame };
}

/** The frame of a reliable connection. */
export function withSequenceId(sequenceId: number, message: OutboundMessage): string {
  return `{"sequenceId":${sequenceId},${message.body}`;
}

export const pongFrame = '{"type":"pong"}';

export function ackFrame(ackId: number, error?: AckError): string {
  return JSON.stringify({ type: 'ack', ackId, success: error === undefined, error });
}

export function invokeRefusedFrame(invocationId: string): string {
  const error = { name: 'NotSupported', message: 'Invocations are not served here.' };
  return JSON.stringify({ type: 'invokeResponse', invocationId, success: false, error });
}

export function connectedFrame(connection: {
  readonly connectionId: string;
  readonly userId: string | undefined;
  /** Of reliable connections only. */
  readonly reconnectionToken?: string;
}): string {
  return JSON.stringify({ type: 'system', event: 'connected', ...connection });
}

export function disconnectedFrame(message: string): string {
  return JSON.stringify({ type: 'system', event: 'disconnected', message });
}
