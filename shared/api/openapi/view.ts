/** What the page shows of an OpenAPI document of ours, as records without references to follow. */
import { componentsPath } from '../../core/wire/json-schema.ts';
import type { OpenApiDocument } from './document.ts';

/** Pieces of text; those that begin with `componentsPath` are references to messages. */
export type TypeView = readonly string[];

export interface SchemaView {
  readonly type: TypeView;
  readonly text: string;
}

export interface ParameterView extends SchemaView {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
}

export interface ResponseView {
  readonly status: string;
  readonly text: string;
  readonly message: string | null;
}

export interface OperationView {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly scope: string | null;
  readonly parameters: readonly ParameterView[];
  readonly request: { readonly message: string; readonly example: unknown } | null;
  readonly responses: readonly ResponseView[];
}

export interface FieldView extends SchemaView {
  readonly name: string;
  readonly required: boolean;
}

export interface MessageView {
  readonly name: string;
  readonly description: string;
  readonly fields: readonly FieldView[];
  readonly examples: readonly unknown[];
}

export interface DocumentView {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly groups: readonly { readonly name: string; readonly operations: readonly OperationView[] }[];
  readonly messages: readonly MessageView[];
}

/** The shape of our documents, as far as the page looks at them. */
interface RawSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly contentEncoding?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: RawSchema;
  readonly prefixItems?: readonly RawSchema[];
  readonly anyOf?: readonly RawSchema[];
  readonly oneOf?: readonly RawSchema[];
  readonly allOf?: readonly RawSchema[];
  readonly properties?: Readonly<Record<string, RawSchema>>;
  readonly required?: readonly string[];
  readonly examples?: readonly unknown[];
}
interface RawContent {
  readonly [mediaType: string]: { readonly schema?: RawSchema; readonly example?: unknown };
}
interface RawParameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description: string;
  readonly schema: RawSchema;
}
interface RawResponse {
  readonly $ref?: string;
  readonly description: string;
  readonly content?: RawContent;
}
interface RawOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly RawParameter[];
  readonly requestBody?: { readonly content: RawContent };
  readonly responses: Readonly<Record<string, RawResponse>>;
}
interface RawDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, RawSchema>>;
    readonly parameters: Readonly<Record<string, RawParameter>>;
    readonly responses: Readonly<Record<string, RawResponse>>;
  };
}

function joined(types: readonly TypeView[], separator: string): TypeView {
  return types.flatMap((type, i) => (i === 0 ? type : [separator, ...type]));
}

function rangeOf({ minimum, maximum }: RawSchema): string {
  const top = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum === undefined && top === undefined) return '';
  return top === undefined ? ` from ${minimum}` : ` from ${minimum ?? 'any'} to ${top}`;
}

/** The type in words, with references left in. Null is left to the column that says what may be left out. */
function typeOf(schema: RawSchema): TypeView {
  const { $ref, anyOf, oneOf, allOf, items, prefixItems, type, contentEncoding } = schema;
  if ($ref !== undefined) return [$ref];
  if (anyOf !== undefined) return joined(anyOf.filter((each) => each.type !== 'null').map(typeOf), ' or ');
  if (oneOf !== undefined) return joined(oneOf.map(typeOf), ', or ');
  if (allOf !== undefined) return joined(allOf.map(typeOf), ' with ');
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum !== undefined) return [schema.enum.map((each) => JSON.stringify(each)).join(' | ')];
  if (prefixItems !== undefined) return ['[', ...joined(prefixItems.map(typeOf), ', '), ']'];
  if (items !== undefined) return ['list of ', ...typeOf(items)];
  if (schema.properties !== undefined) {
    return joined(
      Object.entries(schema.properties).map(([name, each]) => [`${name}: `, ...typeOf(each)]),
      ', ',
    );
  }
  return [contentEncoding ?? `${type ?? 'anything'}${rangeOf(schema)}`];
}

function textOf({ description, anyOf }: RawSchema): string {
  return description ?? anyOf?.find((each) => each.description !== undefined)?.description ?? '';
}

function lastName(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

function messageOf(content: RawContent | undefined): string | null {
  const ref = content?.['application/json']?.schema?.$ref;
  return ref?.startsWith(componentsPath) === true ? lastName(ref) : null;
}

function viewOperation(document: RawDocument, path: string, method: string, operation: RawOperation): OperationView {
  const { parameters: named, responses: shared } = document.components;
  const { operationId, summary, description, security, parameters, requestBody, responses } = operation;
  const [grant] = security;
  const body = messageOf(requestBody?.content);
  return {
    id: operationId,
    method: method.toUpperCase(),
    path,
    summary,
    description: description ?? '',
    scope: grant === undefined ? null : (Object.values(grant)[0]?.[0] ?? null),
    parameters: parameters
      .map((each) => (each.$ref === undefined ? each : (named[lastName(each.$ref)] ?? each)))
      .map(({ name, in: place, required, description: text, schema }) => {
        return { name, place, required: required === true, type: typeOf(schema), text };
      }),
    request: body === null ? null : { message: body, example: requestBody?.content['application/json']?.example },
    responses: Object.entries(responses).map(([status, each]) => {
      const { description: text, content } = each.$ref === undefined ? each : (shared[lastName(each.$ref)] ?? each);
      return { status, text, message: messageOf(content) };
    }),
  };
}

function viewMessage(name: string, schema: RawSchema): MessageView {
  const { properties, required, description, examples } = schema;
  const fields = Object.entries(properties ?? {}).map(([field, each]) => ({
    name: field,
    required: required?.includes(field) === true,
    type: typeOf(each),
    text: textOf(each),
  }));
  return { name, description: description ?? '', fields, examples: examples ?? [] };
}

export function viewDocument(openApi: OpenApiDocument): DocumentView {
  const document = openApi as unknown as RawDocument;
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const groups = document.tags.map(({ name }) => ({
    name,
    operations: all
      .filter(({ operation }) => operation.tags.includes(name))
      .map(({ path, method, operation }) => viewOperation(document, path, method, operation)),
  }));
  const { title, version, description } = document.info;
  const messages = Object.entries(document.components.schemas).map(([name, schema]) => viewMessage(name, schema));
  return { title, version, description, groups, messages };
}
