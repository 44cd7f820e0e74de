import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { matchesPath, parsePattern } from '../../../client/agent/ignore/pattern.ts';
import { FolderRules, parseRules, ruleLimits } from '../../../client/agent/ignore/rules.ts';
import { utf8 } from '../../../shared/core/bytes.ts';

function mustParse(text: string) {
  const parsed = parseRules(utf8(text));
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.fault);
  return parsed.rules;
}

/** Of files of rules by folder, whether a path is ignored, with the folders above it. */
function isIgnored(files: ReadonlyMap<string, string>, path: string, isFolder: boolean): boolean {
  let rules = FolderRules.none.with('', mustParse(files.get('') ?? ''));
  const names = path.split('/');
  for (let depth = 1; depth <= names.length; depth++) {
    const at = names.slice(0, depth).join('/');
    const isLast = depth === names.length;
    if (rules.isIgnored(at, isLast ? isFolder : true)) return true;
    rules = rules.with(at, mustParse(files.get(at) ?? ''));
  }
  return false;
}

describe('a pattern', () => {
  const cases: readonly (readonly [pattern: string, path: string, ignored: boolean])[] = [
    ['*.o', 'a.o', true],
    ['*.o', 'd/a.o', true],
    ['/a.o', 'd/a.o', false],
    ['d/*.o', 'd/a.o', true],
    ['d/*.o', 'e/d/a.o', false],
    ['**/d/a', 'e/d/a', true],
    ['d/**', 'd/a/b', true],
    ['d/**', 'd', false],
    ['d/**/b', 'd/b', true],
    ['d/**/b', 'd/x/y/b', true],
    ['build/', 'build', false],
    ['a[!b-d]c', 'axc', true],
    ['a[!b-d]c', 'acc', false],
    ['[[:digit:]]*', '1a', true],
    ['[[:nonsense:]]', ':', false],
    ['[]-]', '-', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['\\#a', '#a', true],
    ['#a', '#a', false],
    ['a ', 'a', true],
    ['a\\ ', 'a ', true],
    ['?', 'ü', true],
    ['?', '𝒳', true],
    ['a**b', 'axxb', true],
    ['A', 'a', false],
  ];
  for (const [pattern, path, ignored] of cases) {
    it(`${pattern} ${ignored ? 'matches' : 'does not match'} ${path}`, () => {
      assert.equal(isIgnored(new Map([['', pattern]]), path, false), ignored);
    });
  }

  it('takes steps in proportion to its length times that of the path, whatever it is', () => {
    const part = fc.constantFrom('*', 'a', '?', '[ab]', '**', '/', 'aa*');
    const property = fc.property(fc.array(part, { maxLength: 60 }), fc.nat(250), (parts, length) => {
      const pattern = parsePattern(parts.join(''));
      if (pattern === undefined) return;
      const name = Array.from('a'.repeat(length + 1));
      const path = [name, name, [...name, 'b']];
      const count = { steps: 0 };
      matchesPath(pattern, path, true, count);
      const characters = 3 * (length + 2);
      assert.ok(count.steps <= 3 * (parts.length + 2) * characters, `${count.steps} steps for ${pattern.text}`);
    });
    fc.assert(property, { numRuns: 500, examples: [[Array.from({ length: 30 }, () => 'a*'), 250]] });
  });
});

describe('a file of rules', () => {
  it('that is too large, has too many or too long patterns, or is not text, is not taken', () => {
    const { fileBytesMax, patternsMax, patternCharactersMax } = ruleLimits;
    const faultOf = (bytes: Uint8Array): string => {
      const parsed = parseRules(bytes);
      return parsed.ok ? 'taken' : parsed.fault;
    };
    assert.match(faultOf(new Uint8Array(fileBytesMax + 1).fill(97)), /bytes/);
    assert.match(faultOf(utf8('a\n'.repeat(patternsMax + 1))), /patterns/);
    assert.match(faultOf(utf8('a'.repeat(patternCharactersMax + 1))), /line 1/);
    assert.match(faultOf(new Uint8Array([0xff, 0xfe, 0x61, 0])), /UTF-8/);
    assert.match(faultOf(utf8('a\0b')), /UTF-8/);
    assert.equal(faultOf(utf8('a\n'.repeat(patternsMax))), 'taken');
  });

  it('is told with the line that decides', () => {
    const rules = FolderRules.none.with('', mustParse('\ufeff# objects\r\n*.o\r\n\r\n!keep.o\r\n'));
    assert.deepEqual(rules.find('d/a.o', false), { folder: '', rule: { pattern: parsePattern('*.o'), line: 2 } });
    assert.equal(rules.find('keep.o', false)?.rule.line, 4);
    assert.equal(rules.find('other', false), undefined);
  });
});

const hasGit = spawnSync('git', ['--version']).status === 0;

describe('rules are those of git', { skip: hasGit ? false : 'git is not on this machine' }, () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ignore-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const atom = fc.constantFrom(
    'a',
    'b',
    'ab',
    '*',
    '?',
    '**',
    '[ab]',
    '[!a]',
    '[a-',
    '\\a',
    '\\*',
    ' ',
    '#',
    '[[:alpha:]]',
    '\\',
  );
  const segment = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join(''));
  const line = fc
    .record({
      not: fc.constantFrom('', '', '', '!', '\\!'),
      root: fc.constantFrom('', '', '/'),
      segments: fc.array(fc.oneof(segment, fc.constant('**'), fc.constantFrom('a', 'b', 'd')), {
        minLength: 1,
        maxLength: 3,
      }),
      end: fc.constantFrom('', '', '/', ' ', '\\ ', '\r', '//'),
    })
    .map(({ not, root, segments, end }) => not + root + segments.join('/') + end);
  const lines = fc.array(line, { maxLength: 6 }).map((all) => all.join('\n'));
  const name = fc.constantFrom('a', 'b', 'ab', 'aab', 'd', '*', '[a-', ' a', 'a ', '!a', '#', 'abb');
  const path = fc.array(name, { minLength: 1, maxLength: 4 });
  const world = fc.record({
    root: lines,
    inD: lines,
    paths: fc.array(fc.record({ path, isFolder: fc.boolean() }), { minLength: 1, maxLength: 12 }),
  });

  interface Made {
    readonly files: ReadonlyMap<string, string>;
    readonly paths: ReadonlyMap<string, boolean>;
  }

  /** A repository with this tree in it. */
  function make(
    at: string,
    { root, inD, paths }: { root: string; inD: string; paths: { path: string[]; isFolder: boolean }[] },
  ): Made {
    const tree = new Map<string, boolean>();
    for (const { path: names, isFolder } of [{ path: ['d', 'a'], isFolder: false }, ...paths]) {
      const full = names.join('/');
      const folders = names.slice(0, -1).map((_, i) => names.slice(0, i + 1).join('/'));
      if (folders.some((each) => tree.get(each) === false) || tree.has(full)) continue;
      for (const each of folders) tree.set(each, true);
      tree.set(full, isFolder);
      mkdirSync(join(at, isFolder ? full : dirname(full)), { recursive: true });
      if (!isFolder) writeFileSync(join(at, full), '');
    }
    const files = new Map([
      ['', root],
      ['d', inD],
    ]);
    for (const [below, text] of files) writeFileSync(join(at, below, '.gitignore'), text);
    return { files, paths: tree };
  }

  function ignoredByGit(at: string, paths: readonly string[]): Set<string> {
    const input = paths.map((each) => `${each}\0`).join('');
    const { stdout, status, stderr } = spawnSync('git', ['check-ignore', '-z', '--stdin', '--no-index'], {
      cwd: at,
      input,
      encoding: 'utf8',
      env: { ...process.env, GIT_CONFIG_NOSYSTEM: '1', HOME: at, XDG_CONFIG_HOME: at, GIT_CEILING_DIRECTORIES: folder },
    });
    assert.ok(status === 0 || status === 1, stderr);
    return new Set(stdout.split('\0').filter((each) => each !== ''));
  }

  it('for random rules and trees', () => {
    let runs = 0;
    const property = fc.property(world, (given) => {
      const at = join(folder, String(runs++));
      mkdirSync(at);
      assert.equal(spawnSync('git', ['init', '-q', at]).status, 0);
      const { files, paths } = make(at, given);
      const asked = [...paths.keys()];
      const byGit = ignoredByGit(at, asked);
      for (const each of asked) {
        assert.equal(
          isIgnored(files, each, paths.get(each)!),
          byGit.has(each),
          `${JSON.stringify(each)} in ${JSON.stringify([...files])}`,
        );
      }
      rmSync(at, { recursive: true });
    });
    fc.assert(property, { numRuns: Number(process.env['GIT_RUNS'] ?? 40) });
  });
});
