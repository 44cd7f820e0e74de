import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { limits } from '../../../shared/core/limits.ts';
import { checkName } from '../../../shared/core/paths/name.ts';
import {
  checkPath,
  isWithin,
  joinRelPath,
  parentPath,
  parseRelPath,
  pathDepth,
  pathSegments,
  rootPath,
} from '../../../shared/core/paths/rel-path.ts';

const malformed = (error: unknown): boolean => isTidemarkError(error, 'malformed');
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 10 })
  .map((text) => text.toWellFormed())
  .filter((text) => checkName(text) === 'ok');

test('names joined come apart again', () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 8 }), (names) => {
      const path = names.reduce(joinRelPath, rootPath);
      assert.deepEqual(pathSegments(path), names);
      assert.equal(pathDepth(path), names.length);
      assert.equal(parseRelPath(names.join('/')), path);
      assert.ok(isWithin(path, rootPath) && isWithin(path, path));
      const parent = parentPath(path);
      if (names.length === 0) assert.equal(parent, undefined);
      else {
        assert.deepEqual(pathSegments(parent!), names.slice(0, -1));
        assert.ok(isWithin(path, parent!) && !isWithin(parent!, path));
      }
    }),
  );
});

test('what leaves the root, or is no path, is refused with its reason', () => {
  const cases = [
    ['/etc/passwd', 'empty'],
    ['a//b', 'empty'],
    ['a/', 'empty'],
    ['../a', 'dots'],
    ['a/../../b', 'dots'],
    ['./a', 'dots'],
    ['a\0b', 'nul'],
    ['a/\ud800', 'ill-formed'],
    ['a/.TIDEMARK/journal', 'control-folder'],
    ['x'.repeat(256), 'too-long'],
    [`${'é'.repeat(100)}/`.repeat(21), 'path-too-long'],
    ['a/'.repeat(1_025), 'too-deep'],
  ] as const;
  for (const [path, reason] of cases) {
    assert.equal(checkPath(path), reason);
    assert.throws(
      () => parseRelPath(path),
      (error) => malformed(error) && isTidemarkError(error) && error.data['reason'] === reason,
    );
  }
});

test('joining keeps every limit', () => {
  for (const bad of ['', '.', '..', 'a/b', '/', 'a\0', '.tidemark']) {
    assert.throws(() => joinRelPath(parseRelPath('folder'), bad), malformed, bad);
  }
  const deep = parseRelPath(Array.from({ length: limits.treeDepthMax }, () => 'd').join('/'));
  assert.throws(() => joinRelPath(deep, 'd'), malformed);
  const long = parseRelPath(Array.from({ length: 16 }, () => 'x'.repeat(255)).join('/'));
  assert.throws(() => joinRelPath(long, 'y'), malformed);
});

test('within is by whole names', () => {
  const [a, ab, aSlashB] = ['a', 'ab', 'a/b'].map(parseRelPath);
  assert.ok(isWithin(aSlashB!, a!) && !isWithin(ab!, a!) && !isWithin(a!, aSlashB!) && !isWithin(rootPath, a!));
});
