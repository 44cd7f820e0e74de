/**
 * What a client asks for over its connection. A request with an ack id is answered, also when it fails, and one that was carried out is
 * not carried out again. One without ends the connection when it fails, as there is no other way to tell.
 */
import type { Connection } from './connection.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { Endpoint } from './endpoint.ts';
import { targetOf } from './fan-out.ts';
import {
  type AckError,
  type ClientMessage,
  ackFrame,
  decodeClientMessage,
  encodeMessage,
  invokeRefusedFrame,
  pongFrame,
} from './json-protocol.ts';
import type { GroupAction } from './permissions.ts';

type Served = Pick<Endpoint, 'hubs' | 'events' | 'fanOut'>;
type GroupRequest = Extract<ClientMessage, { readonly group: string }>;

const duplicate = (ackId: number): AckError => ({
  name: 'Duplicate',
  message: `The request with ack id ${ackId} was carried out already.`,
});
const tooManyMessages: AckError = { name: 'InternalServerError', message: 'Too many messages wait to be sent.' };
const tooManyGroups: AckError = { name: 'Forbidden', message: 'The connection is in too many groups.' };

function settle(connection: Connection, ackId: number | undefined, error: AckError | undefined): void {
  if (ackId === undefined) {
    if (error !== undefined) connection.end(error.message);
    return;
  }
  if (error === undefined) connection.ackIds.add(ackId);
  connection.control(ackFrame(ackId, error));
}

function isRepeated(connection: Connection, ackId: number | undefined): ackId is number {
  return ackId !== undefined && connection.ackIds.has(ackId);
}

function changeGroups(endpoint: Served, connection: Connection, request: GroupRequest): AckError | undefined {
  const hub = endpoint.hubs.get(connection.identity.hub);
  const { group } = request;
  const action: GroupAction = request.kind === 'sendToGroup' ? 'sendToGroup' : 'joinLeaveGroup';
  if (!connection.permissions.may(action, group)) {
    return { name: 'Forbidden', message: `The connection has no permission ${action} for this group.` };
  }
  switch (request.kind) {
    case 'joinGroup':
      return hub.join(connection, group) ? undefined : tooManyGroups;
    case 'leaveGroup':
      hub.leave(connection, group);
      return undefined;
    case 'sendToGroup': {
      const { userId } = connection.identity;
      const origin = { from: 'group' as const, group, ...(userId === undefined ? {} : { fromUserId: userId }) };
      const message = encodeMessage(origin, request.payload);
      const isAccepted = endpoint.fanOut.accept({
        message,
        target: targetOf(connection.identity.hub, 'group', group),
        connections: hub.inGroup(group),
        isWanted: (receiver) => receiver.groups.has(group) && (!request.noEcho || receiver !== connection),
      });
      return isAccepted ? undefined : tooManyMessages;
    }
  }
}

/** Carries out one frame of a client. */
export function carryOut(endpoint: Served, connection: Connection, text: string): void {
  const request = decodeClientMessage(text);
  if (request === undefined) return connection.end('A message is not of the form of the subprotocol.');
  switch (request.kind) {
    case 'ping':
      return connection.control(pongFrame);
    case 'sequenceAck':
      return connection.acknowledge(request.sequenceId);
    case 'invoke':
      return connection.control(invokeRefusedFrame(request.invocationId));
    case 'unserved':
      return settle(connection, request.ackId, {
        name: 'NotSupported',
        message: `${request.type} is not served here.`,
      });
    case 'event':
      return sendEvent(endpoint.events, connection, request);
    case 'joinGroup':
    case 'leaveGroup':
    case 'sendToGroup': {
      const { ackId } = request;
      if (isRepeated(connection, ackId)) return connection.control(ackFrame(ackId, duplicate(ackId)));
      return settle(connection, ackId, changeGroups(endpoint, connection, request));
    }
  }
}

function sendEvent(
  events: ConnectionEvents,
  connection: Connection,
  { event, payload, ackId }: Extract<ClientMessage, { readonly kind: 'event' }>,
): void {
  if (isRepeated(connection, ackId)) return connection.control(ackFrame(ackId, duplicate(ackId)));
  events.send(connection, event, payload, (error) => settle(connection, ackId, error));
}
