/**
 * Examples of messages, made from their JSON Schemas: so there is one of each, and it changes with the message. The ids and hashes in
 * them are BLAKE3 of their fields' names; what fields mean together is not kept to.
 */
import { bytesToBase64url, bytesToHex, utf8 } from '../../core/bytes.ts';
import { blake3 } from '../../core/hash/blake3.ts';
import {
  type JsonSchema,
  type JsonSchemaComponents,
  type JsonValue,
  componentsPath,
} from '../../core/wire/json-schema.ts';
import type { Schema } from '../../core/wire/schema.ts';

/** For fields of these names, where they are of that type; null where it usually is. */
const byName: Readonly<Record<string, string | number | null>> = {
  name: 'Photos',
  region: 'westeurope',
  issuer: 'https://login.example',
  audience: 'tidemark',
  clientId: 'tide',
  userId: 'login.example|ann',
  url: 'https://account.blob.example/chunks/a-pack.blob?signature',
  path: 'Photos/2026',
  keyId: '1f0c2a',
  target: '../elsewhere',
  size: 48_213,
  bytes: 48_213,
  filesMax: 1_000_000,
  bytesMax: 2 ** 40,
  deletedMs: null,
  revokedMs: null,
  reason: null,
};
const timeMs = 1_795_305_600_000;

/** Bytes that a field of so many at most is shown with: two hashes, a signature, an id. */
const bytesShown = 64;

function asList(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

function asSchema(value: JsonValue | undefined): JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};
}

function asText(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function bytesOf(schema: JsonSchema, name: string): string {
  const max = Math.floor((Number(schema['maxLength'] ?? 0) * 3) / 4);
  const digits = [...blake3(utf8(name)), ...blake3(utf8(`${name}, again`))];
  return bytesToBase64url(Uint8Array.from(digits.slice(0, Math.min(max, bytesShown))));
}

function numberOf(schema: JsonSchema, name: string): number {
  const hint = name.endsWith('Ms') ? timeMs : byName[name];
  const wanted = typeof hint === 'number' ? hint : 1;
  return Math.min(Math.max(wanted, Number(schema['minimum'] ?? wanted)), Number(schema['maximum'] ?? wanted));
}

function textOf(schema: JsonSchema, name: string): string {
  if (schema['contentEncoding'] !== undefined) return bytesOf(schema, name);
  const hexDigits = /^\^\[0-9a-f\]\{(32|64)\}\$$/.exec(asText(schema['pattern']))?.[1];
  if (hexDigits !== undefined) return bytesToHex(blake3(utf8(name))).slice(0, Number(hexDigits));
  const hint = byName[name];
  return (typeof hint === 'string' ? hint : 'text').slice(0, Number(schema['maxLength'] ?? 64));
}

function objectOf(schema: JsonSchema, components: JsonSchemaComponents): JsonValue {
  const properties = Object.entries(asSchema(schema['properties']));
  return Object.fromEntries(properties.map(([name, each]) => [name, exampleJson(asSchema(each), components, name)]));
}

/** A value that the schema takes; `name` is that of the field which it is for. */
export function exampleJson(schema: JsonSchema, components: JsonSchemaComponents, name = ''): JsonValue {
  const { $ref: ref, anyOf, oneOf, allOf, type, prefixItems } = schema;
  if (typeof ref === 'string') {
    return exampleJson(components.get(ref.slice(componentsPath.length)) ?? {}, components, name);
  }
  const [first] = [...asList(schema['examples']), ...asList(schema['enum'])];
  if (schema['const'] !== undefined) return schema['const'];
  if (first !== undefined) return first;
  const [choice] = [...asList(anyOf), ...asList(oneOf)];
  if (choice !== undefined) {
    const isNull = anyOf !== undefined && byName[name] === null;
    return isNull ? null : exampleJson(asSchema(choice), components, name);
  }
  if (allOf !== undefined) {
    const parts = asList(allOf).map((part) => exampleJson(asSchema(part), components, name));
    return Object.assign({}, ...parts.toReversed()) as JsonValue;
  }
  if (type === 'object') return objectOf(schema, components);
  if (prefixItems !== undefined)
    return asList(prefixItems).map((item) => exampleJson(asSchema(item), components, name));
  if (type === 'array') return [exampleJson(asSchema(schema['items']), components, name)];
  if (type === 'integer') return numberOf(schema, name);
  if (type === 'boolean') return true;
  return textOf(schema, name);
}

/** The example of a message, as the message itself reads and writes it. Throws `malformed` when it does not read it. */
export function messageExample<T>(schema: Schema<T>, components: JsonSchemaComponents): JsonValue {
  const value = schema.fromJson(exampleJson(schema.jsonSchema(components), components), '');
  return JSON.parse(JSON.stringify(schema.toJson(value))) as JsonValue;
}
