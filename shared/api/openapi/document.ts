/** The OpenAPI 3.1 document of a route table: nothing in it is written by hand that the table knows. */
import { TidemarkError } from '../../core/errors.ts';
import {
  componentsPath,
  type JsonSchema,
  type JsonSchemaComponents,
  type JsonValue,
} from '../../core/wire/json-schema.ts';
import { mediaTypes } from '../../core/wire/envelope.ts';
import type { Schema } from '../../core/wire/schema.ts';
import { type Parameter, parameterNames, pathParameters } from '../parameters.ts';
import type { ApiDependencies, Route } from '../route.ts';
import { codesOf, problemResponse, problemSchema, statusOfCode } from './errors.ts';
import { exampleJson, messageExample } from './example.ts';
import { answerHeaders, headerRefs, requestHeaderRefs, requestHeaders } from './headers.ts';

export type OpenApiDocument = { readonly [member: string]: JsonValue };

interface Components {
  readonly schemas: JsonSchemaComponents;
  readonly responses: Map<string, JsonSchema>;
}

const description = `Bodies are MessagePack or JSON: every message is an array of its fields in the order of \`x-wire-order\`, or an object with their names.
Ids and hashes are lowercase hex; other bytes are base64url in JSON bodies. Errors are problems of RFC 9457 with a stable \`code\`.`;

/** \`GET /workspaces/{ws}/changes\` is getWorkspacesWsChanges. */
export function operationId({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return method.toLowerCase() + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
}

function tagOf({ path, scope }: Route): string {
  return scope === null ? 'server' : path.split('/')[1]!;
}

/** The name of the message that a schema is, and its fields in wire order. */
function namedMessage(json: JsonSchema, schemas: JsonSchemaComponents): { name: string; fields: string } {
  const { $ref: ref } = json;
  if (typeof ref !== 'string') throw new TidemarkError('internal', 'a body must be a named message');
  const name = ref.slice(componentsPath.length);
  const fields = Object.keys((schemas.get(name)?.['properties'] ?? {}) as object);
  return { name, fields: fields.join(', ') };
}

function contentOf(schema: Schema<unknown>, { schemas }: Components): JsonSchema {
  const json = schema.jsonSchema(schemas);
  const { name, fields } = namedMessage(json, schemas);
  return {
    [mediaTypes.json]: { schema: json, example: messageExample(schema, schemas) },
    [mediaTypes.msgpack]: {
      schema: {
        contentMediaType: mediaTypes.msgpack,
        description: `${name} as an array of its fields: [${fields}]. May be wrapped in LZ4 blocks.`,
      },
    },
  };
}

function parametersOf(route: Route): readonly JsonSchema[] {
  const inPath = parameterNames(route.path).map((name) => {
    const known = pathParameters[name];
    if (known === undefined) throw new TidemarkError('internal', `shared/api/parameters.ts does not know {${name}}`);
    return { name, in: 'path', required: true, description: known.description, schema: known.schema };
  });
  const inQuery = (route.query ?? []).map(({ name, description: text, required, schema }: Parameter) => ({
    name,
    in: 'query',
    required: required === true,
    description: text,
    schema,
  }));
  return [...inPath, ...inQuery, ...requestHeaderRefs(route)];
}

function answersOf(route: Route, components: Components): JsonSchema {
  const { response, mediaType, hasEtag, method, scope } = route;
  const headers = headerRefs(route);
  const answers: Record<string, JsonValue> = {};
  if (response !== null) answers['200'] = { description: 'Done.', headers, content: contentOf(response, components) };
  else if (mediaType !== undefined) answers['200'] = { description: 'Done.', headers, content: { [mediaType]: {} } };
  else answers['204'] = { description: 'Done; there is nothing to tell.', headers };
  if (hasEtag && method === 'GET') answers['304'] = { description: 'Still as If-None-Match has it.', headers };
  const codes = codesOf(route);
  for (const status of new Set(codes.map(statusOfCode))) {
    const own = codes.filter((code) => statusOfCode(code) === status);
    const name = `${scope === null ? 'public' : 'private'}-${status}-${own.join('-')}`;
    if (!components.responses.has(name)) components.responses.set(name, problemResponse(own, route));
    answers[String(status)] = { $ref: `#/components/responses/${name}` };
  }
  return answers;
}

function operationOf(route: Route, components: Components): JsonSchema {
  const { summary, description: text, request, scope } = route;
  return {
    operationId: operationId(route),
    tags: [tagOf(route)],
    summary,
    ...(text === undefined ? {} : { description: text }),
    security: scope === null ? [] : [{ oidc: [scope] }],
    parameters: parametersOf(route),
    ...(request === null ? {} : { requestBody: { required: true, content: contentOf(request, components) } }),
    responses: answersOf(route, components),
  };
}

function pathsOf(table: readonly Route[], components: Components): JsonSchema {
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const route of table) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, components);
  }
  return paths;
}

/** Each named message with the order of its fields on the wire, and an example. */
function describedSchemas(schemas: JsonSchemaComponents): JsonSchema {
  const described = [...schemas].map(([name, schema]) => {
    const order = Object.keys(schema['properties'] ?? {});
    return [name, { ...schema, 'x-wire-order': order, examples: [exampleJson(schema, schemas)] }] as const;
  });
  return { ...Object.fromEntries(described), Problem: problemSchema };
}

export function openApiDocument(
  table: readonly Route[],
  { version, configuration }: Pick<ApiDependencies, 'version' | 'configuration'>,
): OpenApiDocument {
  const components: Components = { schemas: new Map(), responses: new Map() };
  const paths = pathsOf(table, components);
  const parameters = Object.entries(requestHeaders).map(
    ([name, header]) => [name, { in: 'header', ...header }] as const,
  );
  const openIdConnectUrl = `${configuration.issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tidemark',
      version,
      summary: 'Keeps a folder the same on every device that shares it',
      description,
    },
    servers: [{ url: '/api' }],
    tags: [...new Set(table.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      schemas: describedSchemas(components.schemas),
      responses: Object.fromEntries(components.responses),
      parameters: Object.fromEntries(parameters) as JsonValue,
      headers: answerHeaders as unknown as JsonValue,
      securitySchemes: { oidc: { type: 'openIdConnect', openIdConnectUrl } },
    },
  };
}
