/** What a request says of the thing it asks about: its path, its query, its ETag. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { declaredQuery, decodeParams, wholeNumber } from '../../shared/api/parameters.ts';
import { ifMatchVersion, matchesNone, strongEtag } from '../../shared/api/preconditions.ts';
import { isTidemarkError } from '../../shared/core/errors.ts';
import { readProblem } from './world/calls.ts';
import { TestDevice, createWorkspaceAs } from './world/test-device.ts';
import { createTestWorld } from './world/test-world.ts';

const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');

describe("a path's parameters", () => {
  it('are percent-decoded once', () => {
    assert.deepEqual(decodeParams({ userId: '127.0.0.1%7Cbob' }), { userId: '127.0.0.1|bob' });
    assert.deepEqual(decodeParams({ userId: '%257C', ws: 'a+b' }), { userId: '%7C', ws: 'a+b' });
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()),
        (text) => {
          assert.equal(decodeParams({ userId: encodeURIComponent(text) })['userId'], text);
        },
      ),
    );
  });

  it('with broken escapes are malformed', () => {
    for (const broken of ['%', '%z1', 'a%2', '%ff', '%c3%28'])
      assert.throws(() => decodeParams({ ws: broken }), malformed);
  });
});

describe('a query', () => {
  const declared = [
    { name: 'after', description: 'a seq', schema: wholeNumber },
    { name: 'workspace', description: 'an id', schema: wholeNumber, required: true },
  ];
  it('may have a declared parameter once, must have a required one, and others are ignored', () => {
    const check = (text: string) => () => declaredQuery(new URLSearchParams(text), declared);
    assert.equal(check('workspace=1')().toString(), 'workspace=1');
    assert.equal(check('workspace=%20&after=2&x=1&x=2&_=123')().toString(), 'after=2&workspace=+');
    assert.throws(check('after=2'), malformed);
    assert.throws(check('workspace=1&workspace=1'), malformed);
    assert.throws(check('workspace=1&after=1&after=2'), malformed);
  });

  it('is checked on the routes that are served', async () => {
    const world = createTestWorld();
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    const get = (query: string) =>
      world.api.handle(
        new Request(`https://tidemark.test/api/workspaces/${workspaceId}/changes?${query}`, {
          headers: { authorization: 'Bearer ann' },
        }),
      );
    assert.equal((await get('after=0&later=1&later=2')).status, 200);
    assert.equal((await readProblem(await get('after=0&after=1'))).code, 'malformed');
  });
});

describe('If-Match', () => {
  const version = (value: string): number | '*' | null => ifMatchVersion(new Headers({ 'if-match': value }));
  it('names the version of the ETag that was read, whatever the form of the answer', () => {
    assert.equal(ifMatchVersion(new Headers()), null);
    assert.equal(version('*'), '*');
    for (const form of ['json', 'msgpack'] as const) {
      assert.equal(version(strongEtag('7-1234', form)), 7);
      assert.equal(version(strongEtag('7', form)), 7);
    }
    assert.equal(version('"7"'), 7);
  });

  it('that is no tag is malformed; one that no answer of ours had does not match', () => {
    for (const bad of ['7', '"7', 'W/7', '"7" "8"', '"1", "2"', '"é"'])
      assert.throws(() => version(bad), malformed, bad);
    for (const strange of ['W/"7"', '"abc"', '""', '"0"', '"07"', '"-1"', '"7x"', '"99999999999999999999"']) {
      assert.throws(
        () => version(strange),
        (error) => isTidemarkError(error, 'precondition-failed'),
        strange,
      );
    }
  });
});

describe('If-None-Match', () => {
  it('matches by the weak comparison, in a list, and by a star', () => {
    const matches = (value: string) => matchesNone(new Headers({ 'if-none-match': value }), '"3-json"');
    for (const good of ['"3-json"', 'W/"3-json"', '"1", W/"3-json" , "9"', '*', ' * ']) assert.ok(matches(good), good);
    for (const other of ['"3"', '"3-msgpack"', '3-json', '"3-json', '', '"x"3-json""'])
      assert.ok(!matches(other), other);
    assert.ok(!matchesNone(new Headers(), '"3-json"'));
  });

  it('saves the body of what is still the same, and only that', async () => {
    const world = createTestWorld();
    const { workspaceId } = await createWorkspaceAs(world, 'ann');
    const get = (headers: Record<string, string>) =>
      world.api.handle(
        new Request(`https://tidemark.test/api/workspaces/${workspaceId}`, {
          headers: { authorization: 'Bearer ann', ...headers },
        }),
      );
    const first = await get({});
    const etag = first.headers.get('etag')!;
    assert.match(etag, /^"1-.*json"$/);
    const again = await get({ 'if-none-match': etag });
    assert.deepEqual([again.status, await again.text(), again.headers.get('etag')], [304, '', etag]);
    assert.equal(again.headers.get('cache-control'), 'no-store');
    // Other bytes have another tag.
    const packed = await get({ 'if-none-match': etag, accept: 'application/msgpack' });
    assert.equal(packed.status, 200);
    assert.notEqual(packed.headers.get('etag'), etag);
    // The head is shown too, and moves without the record.
    const ann = await TestDevice.register(world, 'ann', workspaceId, 'laptop');
    await ann.commitPut({ node: 'a', name: 'a', text: '' });
    assert.equal((await get({ 'if-none-match': etag })).status, 200);
  });
});
