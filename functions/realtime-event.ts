/** What the trigger gives of an event of Web PubSub, read into what the use cases take. Undefined when it is of no connection of ours. */
import { isTidemarkError } from '../shared/core/errors.ts';
import { type UserId, parseUserId } from '../shared/core/ids.ts';
import type { ConnectInput, Connection, NamedValues, ReportInput } from '../shared/services/realtime/connection.ts';

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value)) : {};
}

function namedValuesOf(value: unknown): NamedValues {
  const texts = (values: unknown): readonly string[] =>
    (Array.isArray(values) ? values : [values]).filter((each) => typeof each === 'string');
  return Object.fromEntries(Object.entries(fieldsOf(value)).map(([name, values]) => [name, texts(values)]));
}

function userIdOf(value: unknown): UserId | undefined {
  try {
    return typeof value === 'string' ? parseUserId(value) : undefined;
  } catch (error) {
    if (isTidemarkError(error)) return undefined;
    throw error;
  }
}

/** The connection that an event is of. */
export function toConnection(event: unknown): Connection | undefined {
  const { connectionId, userId, states } = fieldsOf(fieldsOf(event)['connectionContext']);
  const user = userIdOf(userId);
  if (typeof connectionId !== 'string' || connectionId === '' || user === undefined) return undefined;
  return { connectionId, userId: user, states: fieldsOf(states) };
}

export function toConnectInput(event: unknown): ConnectInput | undefined {
  const connection = toConnection(event);
  if (connection === undefined) return undefined;
  const { claims, query } = fieldsOf(event);
  const { connectionId, userId } = connection;
  return { connectionId, userId, claims: namedValuesOf(claims), query: namedValuesOf(query) };
}

export function toReportInput(event: unknown): ReportInput | undefined {
  const connection = toConnection(event);
  return connection && { connection, data: fieldsOf(event)['data'] };
}
