/** What Tab gives, in a real bash; the other shells' scripts by their form, since they are not everywhere. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { commandTable } from '../../client/cli/command-table.ts';
import { completionScript } from '../../client/cli/completion/completion-script.ts';
import { type CommandWords, programToWords } from '../../client/cli/completion/program-words.ts';
import { createContext } from '../../client/cli/context.ts';
import { newProgram } from '../../client/cli/program.ts';

let words: readonly CommandWords[];
let folder: string;

before(async () => {
  words = programToWords(await newProgram(createContext(new AbortController().signal), 'all'));
  folder = mkdtempSync(join(tmpdir(), 'tidemark-completion-'));
  writeFileSync(join(folder, 'my file.txt'), '');
  writeFileSync(join(folder, 'tide.bash'), completionScript('bash', words));
});
after(() => rmSync(folder, { recursive: true }));

/** What bash would offer with the cursor at the end of these words. */
function complete(...typed: readonly string[]): string[] {
  const quoted = ['tide', ...typed].map((word) => `'${word}'`).join(' ');
  const script = `source ./tide.bash; COMP_WORDS=(${quoted}); COMP_CWORD=${typed.length}; _tide; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

test('commands, their parts and their options', () => {
  const { commands } = words[0]!;
  assert.deepEqual(complete('').sort(), commands.map(({ name }) => name).sort());
  assert.deepEqual(complete('sy'), ['sync']);
  assert.deepEqual(complete('inspect', 'ch'), ['chunks']);
  assert.deepEqual(complete('sync', '--dry'), ['--dry-run']);
  assert.ok(complete('devices', 'revoke', '--').includes('--yes'));
  assert.ok(!complete('devices', 'list', '--').includes('--yes'));
});

test('each command is offered its own options and no others', () => {
  for (const { path, options } of words) {
    const own = options.flatMap(({ flags }) => flags);
    assert.deepEqual(complete(...path.split(' ').filter(Boolean), '-').sort(), own.sort(), path);
  }
  // What follows a command is no command, whatever it is called.
  assert.deepEqual(complete('sync', 'login', '--dry'), ['--dry-run']);
  assert.deepEqual(complete('sync', 'login', '--server'), []);
});

test('choices of arguments, and paths where any value will do', () => {
  assert.deepEqual(complete('completion', ''), ['bash', 'zsh', 'fish']);
  assert.deepEqual(complete('sync', 'my'), ['my file.txt']);
  assert.deepEqual(complete('link', '--device', 'my'), ['my file.txt']);
});

test("an option's value is no command", () => {
  assert.deepEqual(complete('link', '--device', 'sync', '--work'), ['--workspace']);
});

test('every command and option is in the scripts of zsh and fish too', () => {
  const zsh = completionScript('zsh', words);
  const fish = completionScript('fish', words);
  assert.match(zsh, /^#compdef tide\n/);
  for (const { name } of commandTable) {
    assert.match(zsh, new RegExp(`\\b${name}\\b`));
    assert.match(fish, new RegExp(`^complete -c tide .*-a ${name} -d `, 'm'));
  }
  for (const line of fish.split('\nend\n')[1]!.split('\n')) assert.match(line, /^complete -c tide(?: |$)/);
  assert.match(fish, /^complete -c tide -n '__tide_is sync' .*-l dry-run -d /m);
  // `tide list` has options too: by the last word alone they would be those of each list.
  assert.match(fish, /^complete -c tide -n '__tide_is devices list' .*-l all -d /m);
});
