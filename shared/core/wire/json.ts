/**
 * The JSON form of messages, for people with curl: objects with camelCase names, bytes as base64url. The same schemas
 * check it. Names that a message does not have, `__proto__` among them, are dropped: decoders ask for own properties by
 * the names of their fields and build new objects, so nothing of the input's shape survives.
 */
import { TidemarkError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Schema } from './schema.ts';

/** The JSON text of a message. */
export function encodeJson<T>(schema: Schema<T>, value: T): string {
  return JSON.stringify(schema.toJson(value));
}

const quote = 34;
const backslash = 92;

/** Throws `malformed` when brackets nest deeper than `depthMax`; whether they match is for the parser to say. */
function checkDepth(text: string, depthMax: number): void {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inText) {
      if (code === backslash) i++;
      else if (code === quote) inText = false;
    } else if (code === quote) inText = true;
    else if (code === 91 || code === 123) {
      if (++depth > depthMax) throw new TidemarkError('malformed', `the message is nested over ${depthMax} deep`);
    } else if (code === 93 || code === 125) depth--;
  }
}

/**
 * The message of a JSON text of at most `bytesMax` UTF-16 units (never more than its bytes). Throws `too-large` or
 * `malformed`.
 */
export function decodeJson<T>(schema: Schema<T>, text: string, bytesMax: number = limits.requestBytesMax): T {
  if (text.length > bytesMax)
    throw new TidemarkError('too-large', 'the message is over the limit', { data: { bytesMax } });
  checkDepth(text, limits.wireDepthMax);
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new TidemarkError('malformed', 'the message is not JSON', { cause });
  }
  return schema.fromJson(raw, '');
}
