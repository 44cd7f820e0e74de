/** The events of a connection that was let in: `connected`, what its client sends, and `disconnected`, in this order. */
import type { Log } from '../../shared/ports/log.ts';
import type { WebPubSubBounds } from './bounds.ts';
import type { Connection } from './connection.ts';
import { type AckError, encodeMessage } from './json-protocol.ts';
import { type Payload, bodyOf, contentTypeOf, payloadOf } from './payload.ts';
import type { EventAnswer, EventSubject, Webhook } from './webhook.ts';

function subjectOf({ identity, state }: Connection): EventSubject {
  return { ...identity, state };
}

const notRegistered: AckError = { name: 'InvocationFailed', message: 'There is no event handler.' };
const unreachable: AckError = { name: 'InvocationFailed', message: 'The event handler could not be reached.' };
const tooMany: AckError = { name: 'InternalServerError', message: 'Too many events wait for the event handler.' };

export class ConnectionEvents {
  readonly #webhook: Webhook | undefined;
  readonly #bounds: WebPubSubBounds;
  readonly #log: Log;
  readonly #underWay = new Set<Promise<void>>();

  constructor(webhook: Webhook | undefined, bounds: WebPubSubBounds, log: Log) {
    this.#webhook = webhook;
    this.#bounds = bounds;
    this.#log = log;
  }

  connected(connection: Connection): void {
    this.#tell(connection, 'connected', {});
  }

  disconnected(connection: Connection, reason: string): void {
    this.#tell(connection, 'disconnected', { reason });
  }

  /** A user event. `done` is called when the handler has answered, with what went wrong, if anything; must not throw. */
  send(connection: Connection, name: string, payload: Payload, done: (error: AckError | undefined) => void): void {
    const webhook = this.#webhook;
    if (webhook === undefined) return done(notRegistered);
    const body = bodyOf(payload);
    if (!connection.events.hasRoom(body.length)) return done(tooMany);
    const content = {
      type: `user.${name}`,
      name,
      contentType: contentTypeOf(payload),
      body,
      timeoutMs: this.#bounds.userEventMs,
    };
    this.#add(connection, body.length, async () => {
      done(this.#takeAnswer(connection, name, await webhook.send(subjectOf(connection), content)));
    });
  }

  /** Resolves when all events that are under way have been answered. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #takeAnswer(connection: Connection, name: string, answer: EventAnswer | undefined): AckError | undefined {
    if (answer === undefined) return unreachable;
    if (answer.status !== 200 && answer.status !== 204) {
      this.#log.debug({ event: name, status: answer.status }, 'the event handler refused an event');
      return { name: 'InvocationFailed', message: `The event handler answered ${answer.status}.` };
    }
    if (answer.state !== undefined) connection.state = answer.state;
    if (answer.status === 204 || answer.body.length === 0) return undefined;
    const payload = payloadOf(answer.contentType, answer.body);
    if (payload !== undefined) connection.send(encodeMessage({ from: 'server' }, payload));
    else this.#log.warn({ event: name }, "the event handler's answer has a type that is not served");
    return undefined;
  }

  /** An event that waits for nobody. It is told once; a handler that fails is logged. */
  #tell(connection: Connection, name: 'connected' | 'disconnected', body: object): void {
    const webhook = this.#webhook;
    if (webhook === undefined) return;
    const content = {
      type: `sys.${name}`,
      name,
      contentType: 'application/json; charset=utf-8',
      body: JSON.stringify(body),
      timeoutMs: this.#bounds.systemEventMs,
    };
    this.#add(connection, 0, async () => {
      const answer = await webhook.send(subjectOf(connection), content);
      if (answer === undefined || (answer.status >= 200 && answer.status < 300)) return;
      const { connectionId } = connection.identity;
      this.#log.error({ event: name, status: answer.status, connectionId }, 'the event handler failed');
    });
  }

  #add(connection: Connection, bytes: number, send: () => Promise<void>): void {
    const added = connection.events.add(bytes, send);
    this.#underWay.add(added);
    void added.finally(() => this.#underWay.delete(added));
  }
}
