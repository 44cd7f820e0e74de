/** What the trigger gives of an event of Web PubSub, read into what the use cases take. Undefined when it is of no connection of ours. */
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

/** The connection that an event is of. */
export function toConnection(event: unknown): Connection | undefined {
  const { connectionId, userId, states } = fieldsOf(fieldsOf(event)['connectionContext']);
  if (typeof connectionId !== 'string' || connectionId === '') return undefined;
  return { connectionId, userHeader: typeof userId === 'string' ? userId : null, states: fieldsOf(states) };
}

export function toConnectInput(event: unknown): ConnectInput | undefined {
  const connection = toConnection(event);
  if (connection === undefined) return undefined;
  const { claims, query } = fieldsOf(event);
  return { userHeader: connection.userHeader, claims: namedValuesOf(claims), query: namedValuesOf(query) };
}

export function toReportInput(event: unknown): ReportInput | undefined {
  const connection = toConnection(event);
  return connection && { connection, data: fieldsOf(event)['data'] };
}
