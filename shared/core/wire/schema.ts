/**
 * A small schema language for wire messages. One declaration gives the TypeScript type, the msgpack form (an array in
 * field order, as MessagePack-CSharp's `[Key(n)]` records), the JSON form (an object with camelCase names, base64url
 * for bytes, hex for ids), the checks of a decoder, and a text that a test hashes so that no change goes unnoticed.
 *
 *     const hello = message('Hello', { name: text(100), id: deviceId });
 *     hello.toWire({ name: 'Ann', id })   // ['Ann', Uint8Array(16)]
 *     hello.toJson({ name: 'Ann', id })   // { name: 'Ann', id: 'abababababababababababababababab' }
 *
 * Every decoder bounds what it accepts before it builds anything from it, and throws `malformed` with the path of the
 * field that is wrong.
 */
import { base64urlToBytes, bytesToBase64url, hexToBytes, utf8 } from '../bytes.ts';
import { TidemarkError } from '../errors.ts';
import {
  type Digest,
  type DigestColumn,
  bytesToDeviceId,
  bytesToDigest,
  bytesToNodeId,
  bytesToRequestId,
  bytesToSessionId,
  bytesToWorkspaceId,
  digestBytes,
  idToBytes,
  parseDigestColumn,
  parseUserId,
} from '../ids.ts';
import type { JsonSchema, JsonSchemaComponents } from './json-schema.ts';
import { bitsJson, bytesJson, columnJson, idJson, messageJson, textJson, variantJson } from './schema-json.ts';

export interface Schema<T> {
  /** The form in the text that the version test hashes. */
  readonly form: string;
  /** Whether null stands for a value that is not there, so that JSON may leave it out. */
  readonly isOptional?: true;
  /** What its JSON form may be. Named messages are put into `components`, with what they hold, and referred to. */
  jsonSchema(this: void, components: JsonSchemaComponents): JsonSchema;
  toWire(this: void, value: T): unknown;
  fromWire(this: void, raw: unknown, path: string): T;
  toJson(this: void, value: T): unknown;
  fromJson(this: void, raw: unknown, path: string): T;
}

export type ValueOf<S> = S extends Schema<infer T> ? T : never;

/** Throws `malformed`, naming the field and what it must be; its value stays out of the error. */
export function refuse(path: string, expected: string): never {
  throw new TidemarkError('malformed', `${path || 'the message'} must be ${expected}`, { data: { field: path } });
}

function same<T>(form: string, json: JsonSchema, check: (raw: unknown, path: string) => T): Schema<T> {
  const asIs = (value: T): T => value;
  return { form, jsonSchema: () => json, toWire: asIs, fromWire: check, toJson: asIs, fromJson: check };
}

/** Text of at most `bytesMax` UTF-8 bytes. */
export function text(bytesMax: number): Schema<string> {
  return same(`text(${bytesMax})`, textJson(bytesMax), (raw, path) => {
    if (typeof raw !== 'string' || raw.length > bytesMax || utf8(raw).length > bytesMax) {
      refuse(path, `text of at most ${bytesMax} bytes`);
    }
    if (!raw.isWellFormed()) refuse(path, 'well-formed Unicode text');
    return raw;
  });
}

/** An integer from `min` to `max`, both included and safe. */
export function integer(min = 0, max: number = Number.MAX_SAFE_INTEGER): Schema<number> {
  return same(`integer(${min},${max})`, { type: 'integer', minimum: min, maximum: max }, (raw, path) => {
    if (typeof raw !== 'number' || !Number.isSafeInteger(raw) || raw < min || raw > max) {
      refuse(path, `an integer from ${min} to ${max}`);
    }
    return raw === 0 ? 0 : raw;
  });
}

/** A number with no bit outside `mask` (below 2^31). */
export function bits(mask: number): Schema<number> {
  return same(`bits(${mask})`, bitsJson(mask), (raw, path) => {
    if (typeof raw !== 'number' || !Number.isInteger(raw) || raw < 0 || raw > mask || (raw & ~mask) !== 0) {
      refuse(path, `a number with bits of ${mask} only`);
    }
    return raw === 0 ? 0 : raw;
  });
}

export const flag: Schema<boolean> = same('flag', { type: 'boolean' }, (raw, path) => {
  if (typeof raw !== 'boolean') refuse(path, 'true or false');
  return raw;
});

/** One of some texts; on the wire its place in the list, counted from zero, so that new ones go to the end. */
export function oneOf<const Choices extends readonly string[]>(...choices: Choices): Schema<Choices[number]> {
  return {
    form: `oneOf(${choices.join('|')})`,
    jsonSchema: () => ({ type: 'string', enum: choices }),
    toWire: (value) => choices.indexOf(value),
    fromWire: (raw, path) => {
      const choice = typeof raw === 'number' ? choices[raw] : undefined;
      return choice ?? refuse(path, `one of ${choices.join(', ')} by number`);
    },
    toJson: (value) => value,
    fromJson: (raw, path) => choices.find((choice) => choice === raw) ?? refuse(path, `one of ${choices.join(', ')}`),
  };
}

function binary<T>(
  form: string,
  json: JsonSchema,
  check: (bytes: Uint8Array, path: string) => T,
  show: (value: T) => Uint8Array,
): Schema<T> {
  return {
    form,
    jsonSchema: () => json,
    toWire: show,
    fromWire: (raw, path) => (raw instanceof Uint8Array ? check(raw, path) : refuse(path, form)),
    toJson: (value) => bytesToBase64url(show(value)),
    fromJson: (raw, path) => {
      if (typeof raw !== 'string') refuse(path, `${form} as base64url`);
      let bytes: Uint8Array;
      try {
        bytes = base64urlToBytes(raw);
      } catch {
        return refuse(path, `${form} as base64url`);
      }
      return check(bytes, path);
    },
  };
}

/** Bytes, at most `max` of them. The decoded value is a view of the message: copy it to keep it. */
export function bytes(max: number): Schema<Uint8Array> {
  return binary(
    `bytes(${max})`,
    bytesJson(max),
    (raw, path) => (raw.length <= max ? raw : refuse(path, `at most ${max} bytes`)),
    (value) => value,
  );
}

type AnyId = Parameters<typeof idToBytes>[0];

/** In memory and in JSON ids are lowercase hex, so `toJson` has nothing to do. */
function id<T extends AnyId>(form: string, length: 16 | 32, parse: (bytes: Uint8Array) => T): Schema<T> {
  const hex = new RegExp(`^[0-9a-f]{${2 * length}}$`);
  return {
    form,
    jsonSchema: () => idJson(length),
    toWire: (value) => idToBytes(value),
    fromWire: (raw, path) => {
      if (!(raw instanceof Uint8Array) || raw.length !== length) refuse(path, form);
      return parse(raw);
    },
    toJson: (value) => value,
    fromJson: (raw, path) => {
      if (typeof raw !== 'string' || !hex.test(raw)) refuse(path, `${form} as ${2 * length} lowercase hex characters`);
      return parse(hexToBytes(raw));
    },
  };
}

export const digest: Schema<Digest> = id('digest', 32, bytesToDigest);
export const nodeId = id('nodeId', 16, bytesToNodeId);
export const workspaceId = id('workspaceId', 16, bytesToWorkspaceId);
export const deviceId = id('deviceId', 16, bytesToDeviceId);
export const sessionId = id('sessionId', 16, bytesToSessionId);
export const requestId = id('requestId', 16, bytesToRequestId);
export const userId = same('userId', { type: 'string', minLength: 1, maxLength: 256 }, (raw, path) => {
  if (typeof raw !== 'string' || raw.length < 1 || raw.length > 256 || !raw.isWellFormed()) {
    refuse(path, 'a user id');
  }
  return parseUserId(raw);
});

/** At most `max` digests as one run of bytes. */
export function digestColumn(max: number): Schema<DigestColumn> {
  return binary(
    `digestColumn(${max})`,
    columnJson(max),
    (raw, path) => {
      if (raw.length > max * digestBytes || raw.length % digestBytes !== 0) refuse(path, `at most ${max} digests`);
      return parseDigestColumn(raw);
    },
    (value) => value,
  );
}

/** A list of at most `max` items. */
export function list<T>(item: Schema<T>, max: number): Schema<readonly T[]> {
  const each = (raw: unknown, path: string, read: (raw: unknown, path: string) => T): T[] => {
    if (!Array.isArray(raw) || raw.length > max) refuse(path, `a list of at most ${max}`);
    return raw.map((element: unknown, i) => read(element, `${path}[${i}]`));
  };
  return {
    form: `list(${item.form},${max})`,
    jsonSchema: (components) => ({ type: 'array', items: item.jsonSchema(components), maxItems: max }),
    toWire: (value) => value.map((element) => item.toWire(element)),
    fromWire: (raw, path) => each(raw, path, item.fromWire),
    toJson: (value) => value.map((element) => item.toJson(element)),
    fromJson: (raw, path) => each(raw, path, item.fromJson),
  };
}

/** The value or null. */
export function optional<T>(of: Schema<T>): Schema<T | null> {
  return {
    form: `optional(${of.form})`,
    isOptional: true,
    jsonSchema: (components) => ({ anyOf: [of.jsonSchema(components), { type: 'null' }] }),
    toWire: (value) => (value === null ? null : of.toWire(value)),
    fromWire: (raw, path) => (raw === null || raw === undefined ? null : of.fromWire(raw, path)),
    toJson: (value) => (value === null ? null : of.toJson(value)),
    fromJson: (raw, path) => (raw === null || raw === undefined ? null : of.fromJson(raw, path)),
  };
}

type Fields = Readonly<Record<string, Schema<unknown>>>;
export type RecordOf<F extends Readonly<Record<string, Schema<unknown>>>> = { readonly [K in keyof F]: ValueOf<F[K]> };

export interface Message<T> extends Schema<T> {
  readonly name: string;
}

/**
 * A record with named fields in wire order. Decoders accept extra trailing array items and unknown JSON names and drop
 * them, so that a newer peer may add fields at the end; a missing trailing field is read as null, which only an
 * `optional` accepts.
 */
export function message<F extends Readonly<Record<string, Schema<unknown>>>>(
  name: string,
  fields: F,
): Message<RecordOf<F>> {
  const entries = Object.entries(fields as unknown as Fields);
  type T = RecordOf<F>;
  const at = (path: string, field: string) => (path === '' ? field : `${path}.${field}`);
  return {
    name,
    form: `${name}{${entries.map(([field, schema]) => `${field}:${schema.form}`).join(';')}}`,
    jsonSchema: (components) => messageJson(name, entries, components),
    toWire: (value) => entries.map(([field, schema]) => schema.toWire((value as Record<string, unknown>)[field])),
    fromWire: (raw, path) => {
      if (!Array.isArray(raw) || raw.length > entries.length + 16) refuse(path, `${name} as an array of its fields`);
      const items = raw as unknown[];
      return Object.fromEntries(
        entries.map(([field, schema], i) => [field, schema.fromWire(items[i], at(path, field))]),
      ) as T;
    },
    toJson: (value) =>
      Object.fromEntries(
        entries.map(([field, schema]) => [field, schema.toJson((value as Record<string, unknown>)[field])]),
      ),
    fromJson: (raw, path) => {
      if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) refuse(path, `${name} as an object`);
      const source = raw as Record<string, unknown>;
      return Object.fromEntries(
        entries.map(([field, schema]) => [
          field,
          schema.fromJson(Object.hasOwn(source, field) ? source[field] : undefined, at(path, field)),
        ]),
      ) as T;
    },
  };
}

type Variants = Readonly<Record<string, Message<unknown>>>;
export type VariantOf<V extends Variants> = {
  readonly [K in keyof V & string]: { readonly kind: K } & ValueOf<V[K]>;
}[keyof V & string];

/** A tagged union: on the wire `[place in the declaration, …fields]`, in JSON the object with `kind`. New variants go to the end. */
export function variant<V extends Variants>(variants: V): Schema<VariantOf<V>> {
  const names = Object.keys(variants);
  const pick = (name: string | undefined, path: string): Message<Record<string, unknown>> => {
    const found = name !== undefined && Object.hasOwn(variants, name) ? variants[name] : undefined;
    return (found ?? refuse(path, `one of ${names.join(', ')}`)) as unknown as Message<Record<string, unknown>>;
  };
  type T = VariantOf<V>;
  return {
    form: `variant(${names.map((name) => `${name}=${(variants[name] as Schema<unknown>).form}`).join('|')})`,
    jsonSchema: (components) => variantJson(variants, components),
    toWire: (value) => {
      const fields = pick(value.kind, '').toWire(value) as unknown[];
      return [names.indexOf(value.kind), ...fields];
    },
    fromWire: (raw, path) => {
      if (!Array.isArray(raw) || raw.length < 1) refuse(path, 'a tagged array');
      const [tag, ...fields] = raw as unknown[];
      const name = typeof tag === 'number' ? names[tag] : undefined;
      return { kind: name, ...pick(name, path).fromWire(fields, path) } as T;
    },
    toJson: (value) => ({ kind: value.kind, ...(pick(value.kind, '').toJson(value) as object) }),
    fromJson: (raw, path) => {
      if (typeof raw !== 'object' || raw === null) refuse(path, 'an object with a kind');
      const kind: unknown = (raw as { kind?: unknown }).kind;
      const name = typeof kind === 'string' ? kind : undefined;
      return { kind: name, ...pick(name, path).fromJson(raw, path) } as T;
    },
  };
}
