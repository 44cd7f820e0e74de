import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type BlobPermission, isGranted, signBlobUrl } from '../../shared/adapters/blob-protocol/signed-url.ts';
import { type Container, containers } from '../../shared/ports/blob-store.ts';

const key = new Uint8Array(32).fill(1);
const base = 'http://127.0.0.1:7072';
const grant = fc.record({
  permission: fc.constantFrom<BlobPermission>('c', 'r'),
  container: fc.constantFrom<Container>(...containers),
  name: fc.stringMatching(/^[a-z0-9._-]{1,4}x(\/[a-z0-9._-]{1,4}x){0,2}$/),
  expiresMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
});

function queryOf(url: string): URLSearchParams {
  return new URL(url).searchParams;
}

test('a URL says its blob plainly and grants what it says, until its time', () => {
  fc.assert(
    fc.property(grant, (given) => {
      const url = signBlobUrl(key, base, given);
      assert.ok(url.startsWith(`${base}/${given.container}/${given.name}?sp=${given.permission}&se=`));
      assert.equal(isGranted(key, queryOf(url), given, given.expiresMs - 1), true);
      assert.equal(isGranted(key, queryOf(url), given, given.expiresMs), false);
    }),
  );
});

test('it grants nothing but what was signed, and nothing under another key', () => {
  fc.assert(
    fc.property(grant, grant, (given, other) => {
      const asked = { permission: other.permission, container: other.container, name: other.name };
      const same =
        asked.permission === given.permission && asked.container === given.container && asked.name === given.name;
      const query = queryOf(signBlobUrl(key, base, given));
      assert.equal(isGranted(key, query, asked, given.expiresMs - 1), same);
      assert.equal(isGranted(new Uint8Array(32), query, given, given.expiresMs - 1), false);
    }),
  );
});

test('no parameter can be changed, left out or made up', () => {
  fc.assert(
    fc.property(
      grant,
      fc.constantFrom('sp', 'se', 'sv', 'sig'),
      fc.string({ maxLength: 50 }),
      (given, parameter, value) => {
        const query = queryOf(signBlobUrl(key, base, given));
        fc.pre(query.get(parameter) !== value);
        query.set(parameter, value);
        assert.equal(isGranted(key, query, given, given.expiresMs - 1), false);
        query.delete(parameter);
        assert.equal(isGranted(key, query, given, given.expiresMs - 1), false);
      },
    ),
  );
});
