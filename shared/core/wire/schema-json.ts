/**
 * The JSON Schemas of the schema language. They take every JSON form that an encoder gives, and refuse most of what a decoder
 * refuses: bytes of UTF-8 and what fields mean together are beyond JSON Schema, and are told in descriptions.
 */
import type { JsonSchema, JsonSchemaComponents } from './json-schema.ts';
import { componentsPath } from './json-schema.ts';
import type { Message, Schema } from './schema.ts';

export function textJson(bytesMax: number): JsonSchema {
  return { type: 'string', maxLength: bytesMax, description: `At most ${bytesMax} bytes of UTF-8.` };
}

/** Few bits are listed by all that they can make together. */
export function bitsJson(mask: number): JsonSchema {
  const made: number[] = [];
  for (let part = mask; made.length < 16; part = (part - 1) & mask) {
    made.unshift(part);
    if (part === 0) return { type: 'integer', enum: made };
  }
  return { type: 'integer', minimum: 0, maximum: mask, description: `No bit outside ${mask}.` };
}

/** Characters of base64url, without padding, for so many bytes. */
function base64urlLength(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}

const base64url: JsonSchema = { type: 'string', contentEncoding: 'base64url', pattern: '^[A-Za-z0-9_-]*$' };

export function bytesJson(max: number): JsonSchema {
  return { ...base64url, maxLength: base64urlLength(max), description: `At most ${max} bytes.` };
}

export function columnJson(max: number): JsonSchema {
  return { ...bytesJson(max * 32), description: `At most ${max} hashes of 32 bytes, one after another.` };
}

/** As URLs, headers and errors have it too. */
export function idJson(length: 16 | 32): JsonSchema {
  return { type: 'string', pattern: `^[0-9a-f]{${2 * length}}$`, description: `${length} bytes in hex.` };
}

/** Names that a message does not have are ignored, so nothing is said about more properties. */
export function messageJson(
  name: string,
  fields: readonly (readonly [name: string, schema: Schema<unknown>])[],
  components: JsonSchemaComponents,
): JsonSchema {
  if (!components.has(name)) {
    // Its place first: messages are listed in the order in which they are met.
    components.set(name, {});
    const properties = Object.fromEntries(fields.map(([field, schema]) => [field, schema.jsonSchema(components)]));
    const required = fields.filter(([, { isOptional }]) => isOptional !== true).map(([field]) => field);
    components.set(name, { type: 'object', properties, required });
  }
  return { $ref: `${componentsPath}${name}` };
}

export function variantJson(
  variants: Readonly<Record<string, Message<unknown>>>,
  components: JsonSchemaComponents,
): JsonSchema {
  const kinds = Object.entries(variants).map(([kind, { jsonSchema }]) => {
    const tag = { type: 'object', properties: { kind: { const: kind } }, required: ['kind'] };
    return { allOf: [jsonSchema(components), tag] };
  });
  return { oneOf: kinds };
}
