/** The OpenAPI document against the standard's own schema, the route table, and the messages that it speaks of. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { routes } from '../../../shared/api/api.ts';
import { openApiDocument } from '../../../shared/api/openapi/document.ts';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import type { JsonSchemaComponents } from '../../../shared/core/wire/json-schema.ts';
import type { Message, Schema } from '../../../shared/core/wire/schema.ts';
import { createTestWorld } from '../world/test-world.ts';
import { wireOf } from './random-message.ts';

const world = createTestWorld();

interface Content {
  readonly [mediaType: string]: { readonly example?: unknown; readonly examples?: Record<string, { value: unknown }> };
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly in?: string; readonly name?: string; readonly $ref?: string }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content; readonly $ref?: string }>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly examples: readonly unknown[] }>>;
    readonly responses: Readonly<Record<string, { readonly content: Content }>>;
  };
}

const served = await world.api.handle(new Request('https://tidemark.test/api/openapi.json'));
const document = (await served.json()) as Document;

/** Every named message that shared/core/wire exports, by name. */
async function namedMessages(): Promise<ReadonlyMap<string, Message<unknown>>> {
  const folder = new URL('../../../shared/core/wire/', import.meta.url);
  const found = new Map<string, Message<unknown>>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
    const exported = Object.values((await import(new URL(file, folder).href)) as Record<string, unknown>);
    for (const value of exported) {
      if (typeof value !== 'object' || value === null || !('form' in value) || !('name' in value)) continue;
      const message = value as Message<unknown>;
      const same = found.get(message.name);
      assert.ok(same === undefined || same.form === message.form, `two messages are called ${message.name}`);
      found.set(message.name, message);
    }
  }
  return found;
}

const messages = await namedMessages();

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, and cached', async () => {
    assert.equal(served.headers.get('content-type'), 'application/json');
    assert.equal(served.headers.get('cache-control'), 'public, max-age=300');
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document) as never);
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, '3.1');
  });

  it('has every route of the table, and no other', () => {
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(told.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort());
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((each) => each.operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
  });

  it('tells the parameters of each path and query, and what a body looks like in both forms', () => {
    for (const route of routes) {
      const operation = document.paths[route.path]![route.method.toLowerCase()]!;
      const given = (place: string) => operation.parameters.filter((each) => each.in === place).map(({ name }) => name);
      assert.deepEqual(
        given('path'),
        [...route.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name),
      );
      assert.deepEqual(
        given('query'),
        (route.query ?? []).map(({ name }) => name),
      );
      const content = operation.requestBody?.content;
      const forms = route.request === null ? [] : ['application/json', 'application/msgpack'];
      assert.deepEqual(Object.keys(content ?? {}), forms, route.path);
      assert.ok(route.summary.length > 0 && !route.summary.endsWith('.'), `${route.path}: ${route.summary}`);
      const hasKey = operation.parameters.some(({ $ref }) => $ref?.endsWith('/IdempotencyKey'));
      assert.equal(hasKey, route.takesIdempotencyKey);
    }
  });

  it('has no reference that leads nowhere', () => {
    const text = JSON.stringify(document);
    for (const [, ref] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
      const found = ref!
        .slice(2)
        .split('/')
        .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
      assert.notEqual(found, undefined, ref);
    }
  });
});

describe('examples', () => {
  it('of bodies are what the message reads and writes', () => {
    let count = 0;
    const check = (schema: Schema<unknown> | null, content: Content | undefined): void => {
      if (schema === null) return;
      const example = content?.['application/json']?.example;
      assert.deepEqual(JSON.parse(JSON.stringify(schema.toJson(schema.fromJson(example, '')))), example);
      count++;
    };
    for (const { method, path, request, response } of routes) {
      const operation = document.paths[path]![method.toLowerCase()]!;
      check(request, operation.requestBody?.content);
      check(response, operation.responses['200']?.content);
    }
    assert.ok(count >= 15);
  });

  it('of every message decode', () => {
    const names = Object.keys(document.components.schemas).filter((name) => name !== 'Problem');
    for (const name of names) {
      const { examples } = document.components.schemas[name]!;
      assert.equal(examples.length, 1);
      const message = messages.get(name);
      // A few are parts of one message and no module's export: they are decoded with it.
      if (message !== undefined) assert.ok(message.fromJson(examples[0], '') !== undefined);
    }
    assert.ok(names.filter((name) => messages.has(name)).length > 20);
  });

  it('of problems are of the status that they stand under', () => {
    for (const [name, { content }] of Object.entries(document.components.responses)) {
      const examples = Object.entries(content['application/problem+json']?.examples ?? {});
      assert.ok(examples.length > 0, name);
      for (const [code, { value }] of examples) {
        const problem = value as { code: string; status: number };
        assert.deepEqual([problem.code, problem.status], [code, Number(name.split('-')[1])]);
      }
    }
  });
});

/** A validator of one message's JSON form. */
function validatorOf(schema: Schema<unknown>): (value: unknown) => string | null {
  const components: JsonSchemaComponents = new Map();
  const root = schema.jsonSchema(components);
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  ajv.addKeyword('components');
  const validate = ajv.compile({ ...root, components: { schemas: Object.fromEntries(components) } } as never);
  return (value) => (validate(value) ? null : ajv.errorsText(validate.errors));
}

describe('the JSON Schema of a message', () => {
  for (const [name, schema] of messages) {
    it(`${name} takes whatever the message is written as`, () => {
      const check = validatorOf(schema);
      fc.assert(
        fc.property(wireOf(schema.form), (wire) => {
          const value = schema.fromWire(wire, '');
          const json: unknown = JSON.parse(JSON.stringify(schema.toJson(value)));
          assert.equal(check(json), null, JSON.stringify(json));
          assert.deepEqual(schema.fromJson(json, ''), value);
        }),
        { numRuns: 30 },
      );
    });

    it(`${name} refuses a missing field, and one of another type, where the message does`, () => {
      const check = validatorOf(schema);
      const refuses = (json: unknown): boolean => {
        try {
          schema.fromJson(json, '');
          return false;
        } catch (error) {
          assert.ok(isTidemarkError(error, 'malformed'));
          return true;
        }
      };
      fc.assert(
        fc.property(wireOf(schema.form), fc.nat(), fc.constantFrom(undefined, {}, true, -1.5), (wire, at, wrong) => {
          const json = JSON.parse(JSON.stringify(schema.toJson(schema.fromWire(wire, '')))) as Record<string, unknown>;
          const field = Object.keys(json)[at % Object.keys(json).length]!;
          const { [field]: _, ...rest } = json;
          const changed = wrong === undefined ? rest : { ...rest, [field]: wrong };
          assert.equal(check(changed) !== null, refuses(changed), JSON.stringify({ field, wrong: wrong ?? 'missing' }));
        }),
        { numRuns: 30 },
      );
    });
  }
});

/** Of a route's answers with this status. */
function codesOf(path: string, method: string, status: string): readonly string[] {
  const ref = document.paths[path]?.[method]?.responses[status]?.$ref ?? '';
  const { content } = document.components.responses[ref.slice(ref.lastIndexOf('/') + 1)] ?? { content: {} };
  return Object.keys(content['application/problem+json']?.examples ?? {});
}

describe('problems', () => {
  it('of a device that is none, and of who is no operator, are told of by routes without any input', async () => {
    const asked = async (path: string, token: string, device?: string) => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(device === undefined ? {} : { 'tidemark-device': device }),
      };
      const { status } = await world.api.handle(new Request(`https://tidemark.test/api${path}`, { headers }));
      const codes = codesOf(path, 'get', String(status));
      return [status, codes.length > 0];
    };
    assert.deepEqual(await asked('/devices', 'ann', 'f'.repeat(32)), [404, true]);
    assert.deepEqual(await asked('/devices', 'ann', 'laptop'), [400, true]);
    assert.deepEqual(await asked('/operator/feed', 'ann'), [404, true]);
  });

  it('of a restore are those of the commit that it is, and of lost content', () => {
    const path = '/workspaces/{ws}/restore';
    assert.ok(codesOf(path, 'post', '409').includes('missing-chunks'));
    assert.deepEqual(codesOf(path, 'post', '507'), ['quota-exceeded']);
    for (const route of ['/manifest/proof', '/manifest/verify']) {
      assert.ok(codesOf(route, 'post', '409').includes('missing-chunks'), route);
    }
  });
});

it('a document is made of the table that is served, with the path parameters of all routes described', () => {
  const document = openApiDocument(routes, world.deps);
  assert.equal((document['info'] as { version: string }).version, world.deps.version);
});
