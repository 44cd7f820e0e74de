/** Parameters of paths and queries: what routes declare of them, for the checks here and for the OpenAPI document. */
import { TidemarkError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { JsonSchema } from '../core/wire/json-schema.ts';

export interface Parameter {
  readonly name: string;
  readonly description: string;
  /** Of its text in the URL, once percent-decoded. Ids are hex there. */
  readonly schema: JsonSchema;
  /** Left out: it may be left out. */
  readonly required?: boolean;
}

/** An id of 16 bytes as URLs and headers have it. */
export const hexId: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{32}$', examples: ['2a'.repeat(16)] };
export const wholeNumber: JsonSchema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
export const nameText: JsonSchema = { type: 'string', maxLength: limits.nameBytesMax };
export const pathText: JsonSchema = { type: 'string', maxLength: limits.pathBytesMax };
/** A seq, or a time as RFC 3339 has it. */
export const pointText: JsonSchema = { type: 'string', maxLength: 40, examples: ['17', '2026-11-22T10:00:00Z'] };
export const flagText: JsonSchema = { type: 'string', enum: ['true', 'false'] };

/** Every parameter that stands in a path. A route with another one fails the test of the OpenAPI document. */
export const pathParameters: Readonly<Record<string, Omit<Parameter, 'name'>>> = {
  ws: { description: 'The id of the workspace.', schema: hexId },
  device: { description: 'The id of the device.', schema: hexId },
  node: { description: 'The id of the file, folder or symlink.', schema: hexId },
  session: { description: 'The id of the upload session.', schema: hexId },
  userId: {
    description: 'The user: `<issuer host>|<subject>`, percent-encoded.',
    schema: { type: 'string', minLength: 1, maxLength: 256, examples: ['login.example|ann'] },
  },
};

/** The names in a path's pattern, in order: `ws` of `/workspaces/{ws}`. */
export function parameterNames(pattern: string): readonly string[] {
  return [...pattern.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name!);
}

/**
 * The declared parameters of a query; what a route did not declare it cannot see, so its description is whole. Refuses as `malformed` a
 * declared one that is there twice (which of them counts would be a guess) or is missing though required. Others are
 * ignored, so that a cache-buster or a newer client's addition does no harm.
 */
export function declaredQuery(query: URLSearchParams, declared: readonly Parameter[]): URLSearchParams {
  const known = new URLSearchParams();
  for (const { name, required } of declared) {
    const [value, ...more] = query.getAll(name);
    if (more.length > 0)
      throw new TidemarkError('malformed', `${name} may be there only once`, { data: { field: name } });
    if (value !== undefined) known.set(name, value);
    else if (required === true) {
      throw new TidemarkError('malformed', `the query lacks ${name}`, { data: { field: name } });
    }
  }
  return known;
}

/** A path's parameters, percent-decoded once. Throws `malformed` on escapes that are none, or are not UTF-8. */
export function decodeParams(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const decoded: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    try {
      decoded[name] = decodeURIComponent(value);
    } catch (cause) {
      throw new TidemarkError('malformed', `the path has a broken percent-escape`, { data: { field: name }, cause });
    }
  }
  return decoded;
}
