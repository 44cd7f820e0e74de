/**
 * The one argument of a part of the stack that is a process of its own, as JSON. What is wrong is told by the name of its field and never by
 * its value: a webhook's URL may carry a code.
 */
import { TidemarkError } from '../shared/core/errors.ts';

export type ConfigFields = Readonly<Record<string, unknown>>;

/** Throws `malformed` on what is no JSON object. */
export function parseConfigFields(json: string): ConfigFields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    // Without its cause: the parser's message quotes the text.
    throw new TidemarkError('malformed', 'the configuration is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw new TidemarkError('malformed', 'the configuration is no object');
  }
  return { ...parsed };
}

/** Throws `malformed` when the field is missing, empty or no text. */
export function mustGetText(fields: ConfigFields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw new TidemarkError('malformed', `${name} is missing`);
  return value;
}

/** 0, which takes a free one, when it is missing. Throws `malformed` when it is no port. */
export function getPort(fields: ConfigFields): number {
  const port = fields['port'] ?? 0;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TidemarkError('malformed', 'port is not a port');
  }
  return port;
}
