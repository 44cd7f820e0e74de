/**
 * The blocking event `connect`: nobody is let in without the handler's consent. A handler that cannot be reached, fails, or answers what
 * cannot be read refuses.
 */
import type { WebPubSubBounds } from './bounds.ts';
import { isGroupName } from './json-protocol.ts';
import type { EventAnswer, EventSubject, Webhook } from './webhook.ts';

type Lists = Readonly<Record<string, readonly string[]>>;

export interface ConnectRequest {
  readonly claims: Lists;
  /** Without the access token. */
  readonly query: Lists;
  readonly headers: Lists;
  readonly subprotocols: readonly string[];
}

export type ConnectDecision =
  | {
      readonly kind: 'accepted';
      /** What the handler says instead of the token; the rest is added to what the token has. */
      readonly userId: string | undefined;
      readonly subprotocol: string | undefined;
      readonly groups: readonly string[];
      readonly roles: readonly string[];
      readonly state: string;
    }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

type Fields = Readonly<Record<string, unknown>>;

function refuse(status: number, message: string): ConnectDecision {
  return { kind: 'refused', status, message };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** A text, or nothing when it is empty or missing. Null: it is something else. */
function optionalText(value: unknown): string | undefined | null {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : null;
}

function readFields(body: Buffer): Fields | undefined {
  if (body.length === 0) return {};
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

function accept(answer: EventAnswer): ConnectDecision {
  const fields = answer.status === 204 ? {} : readFields(answer.body);
  if (fields === undefined) return refuse(500, 'The event handler answered no JSON.');
  const userId = optionalText(fields['userId']);
  const subprotocol = optionalText(fields['subprotocol']);
  const groups = fields['groups'] ?? [];
  const roles = fields['roles'] ?? [];
  const readable = userId !== null && subprotocol !== null && isTextList(groups) && isTextList(roles);
  if (!readable || !groups.every(isGroupName)) return refuse(500, 'The event handler answered what cannot be read.');
  return { kind: 'accepted', userId, subprotocol, groups, roles, state: answer.state ?? '' };
}

/** Asks the handler, and waits for what it says even when the client goes away: a handler that consented is told of the end. */
export async function askToConnect(
  webhook: Webhook,
  subject: EventSubject,
  request: ConnectRequest,
  bounds: WebPubSubBounds,
): Promise<ConnectDecision> {
  const content = {
    type: 'sys.connect',
    name: 'connect',
    contentType: 'application/json; charset=utf-8',
    body: JSON.stringify({ ...request, clientCertificates: [] }),
    timeoutMs: bounds.connectEventMs,
  };
  const answer = await webhook.send(subject, content);
  if (answer === undefined) return refuse(503, 'The event handler cannot be reached.');
  if (answer.status === 200 || answer.status === 204) return accept(answer);
  if (answer.status < 400 || answer.status > 499) return refuse(500, 'The event handler failed.');
  return refuse(answer.status, answer.body.subarray(0, bounds.refusalBytesMax).toString());
}
