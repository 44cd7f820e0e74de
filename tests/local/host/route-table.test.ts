import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { parseRouteTemplate } from '../../../local/host/route-template.ts';
import { createRouteTable } from '../../../local/host/route-table.ts';
import { parseHostJson, readHostJson } from '../../../local/host/host-json.ts';

const match = (template: string, path: string): unknown => parseRouteTemplate(template).match(path);

describe('route templates', () => {
  const guid = '0f8fad5b-d9cb-469f-a165-70867728950e';
  const cases: readonly (readonly [template: string, path: string, params: Record<string, string> | undefined])[] = [
    ['api/a', '/api/a', {}],
    ['api/a', '/API/A/', {}],
    ['api/a', '/api/a/b', undefined],
    ['w/{id:guid}', `/w/${guid}`, { id: guid }],
    ['w/{id:guid}', '/w/17', undefined],
    ['w/{id}/x/{n:int:min(3)}', '/w/a/x/3', { id: 'a', n: '3' }],
    ['w/{id}/x/{n:int:min(3)}', '/w/a/x/2', undefined],
    ['w/{n:range(1,9)}', '/w/9', { n: '9' }],
    ['w/{s:length(2,3)}', '/w/abcd', undefined],
    ['w/{s:regex(^[a-c]+$)}', '/w/abc', { s: 'abc' }],
    ['w/{a?}', '/w', {}],
    ['w/{a=main}', '/w', { a: 'main' }],
    ['w/{a:alpha=main}', '/w/other', { a: 'other' }],
    ['w/{*rest}', '/w/a/b//c', { rest: 'a/b//c' }],
    ['w/{**rest}', '/w', {}],
    ['f/{name}.{ext}', '/f/a.b.txt', { name: 'a', ext: 'b.txt' }],
    ['f/v{n:int}', '/f/v12', { n: '12' }],
    ['u/{x}', '/u/%E2%82%AC%2Fy', { x: '€%2Fy' }],
    ['u/{x}', '/u/%E2%28', { x: '%E2%28' }],
    ['.well-known/{x}', '/Awell-known/a', undefined],
    ['p/{__proto__}', '/p/a', { ['__proto__']: 'a' }],
  ];
  for (const [template, path, params] of cases) {
    it(`${template} and ${path}`, () => assert.deepEqual(match(template, path), params));
  }

  it('refuses templates that it does not understand', () => {
    assert.throws(
      () => parseRouteTemplate('a/{b:shape}'),
      (error) => isTidemarkError(error, 'unsupported'),
    );
    assert.throws(
      () => parseRouteTemplate('a/{}'),
      (error) => isTidemarkError(error, 'malformed'),
    );
    assert.throws(
      () => parseRouteTemplate('a/{b:constructor}'),
      (error) => isTidemarkError(error, 'unsupported'),
    );
  });

  it('gives back any segment that a client encodes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed() && !text.includes('/')),
        (text) => {
          assert.deepEqual(match('a/{x}/b', `/a/${encodeURIComponent(text)}/b`), { x: text });
        },
      ),
    );
  });
});

describe('the route table', () => {
  it('takes the most special template, in whatever order they were given', () => {
    const templates = ['x/{*rest}', 'x/{a}', 'x/{a:int}', 'x/lit', 'x/pre{a}'];
    fc.assert(
      fc.property(fc.shuffledSubarray(templates, { minLength: templates.length }), (order) => {
        const table = createRouteTable(order.map((template) => ({ methods: ['GET'], template, target: template })));
        const found = ['/x/lit', '/x/prefix', '/x/5', '/x/other', '/x/a/b', '/x'].map(
          (path) => table.find('GET', path)?.route.target,
        );
        assert.deepEqual(found, ['x/lit', 'x/pre{a}', 'x/{a:int}', 'x/{a}', 'x/{*rest}', 'x/{*rest}']);
      }),
    );
  });

  it('keeps methods apart and refuses two functions for one', () => {
    const table = createRouteTable([
      { methods: ['GET'], template: 'a', target: 1 },
      { methods: ['POST', 'PUT'], template: 'a', target: 2 },
    ]);
    assert.deepEqual([table.find('PUT', '/a')?.route.target, table.find('HEAD', '/a')], [2, undefined]);
    const twice = [1, 2].map((target) => ({ methods: ['GET'], template: 'a', target }));
    assert.throws(
      () => createRouteTable(twice),
      (error) => isTidemarkError(error, 'conflict'),
    );
  });
});

describe('host.json', () => {
  it('gives the route prefix, api by default, none when empty', () => {
    const prefix = (http: unknown): string =>
      parseHostJson(JSON.stringify({ version: '2.0', extensions: { http } })).routePrefix;
    assert.deepEqual(
      [prefix(undefined), prefix({ routePrefix: '' }), prefix({ routePrefix: '/v1/' })],
      ['api', '', 'v1'],
    );
  });

  it('is refused by name when it is missing or wrong', async () => {
    assert.throws(
      () => parseHostJson('{}'),
      (error) => isTidemarkError(error, 'unsupported'),
    );
    await assert.rejects(
      readHostJson('/nowhere/host.json'),
      (error) => isTidemarkError(error, 'not-found') && error.message.includes('/nowhere/host.json'),
    );
  });
});
