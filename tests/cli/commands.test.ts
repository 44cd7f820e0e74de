/** Every command keeps the habits of all: whoever adds one is told what it misses. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Command } from 'commander';
import { commandGroups, commandTable } from '../../client/cli/command-table.ts';
import { createContext } from '../../client/cli/context.ts';
import { exitCodes } from '../../client/cli/exit-codes.ts';
import { newProgram } from '../../client/cli/program.ts';
import { type DescribedCommand, commandTables, describeCommands, globalOptions, splitDocs } from './command-docs.ts';

let commands: readonly DescribedCommand[];

before(async () => {
  commands = await describeCommands();
});

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
}

test('there are no commands but those of the table, each in a group and with the summary that the table has', async () => {
  const { signal } = new AbortController();
  for (const { name, summary, group, load } of commandTable) {
    assert.ok(commandGroups.includes(group), name);
    const command = (await load())(createContext(signal));
    assert.equal(command.name(), name);
    assert.equal(command.description(), summary, `the summary of ${name} in command-table.ts`);
  }
  assert.equal(new Set(commandTable.map(({ name }) => name)).size, commandTable.length);
  assert.ok(commands.length >= commandTable.length);
});

test('each has a summary in lower case, and an example of itself', () => {
  for (const { name, command } of commands) {
    assert.match(command.description(), /^[^A-Z.].*[^.]$/, `the summary of ${name}`);
    assert.match(
      helpOf(command),
      new RegExp(`Examples:\\n(?:.*\\n)*? +\\$ .*tide ${name.split(' ')[0]!}\\b`),
      `examples of ${name}`,
    );
    for (const option of command.options) assert.notEqual(option.description, '', `${name} ${option.flags}`);
    for (const argument of command.registeredArguments) assert.notEqual(argument.description, '', name);
  }
});

test('each has the options that all have, and no letter stands for two of its options', () => {
  for (const { name, command } of commands) {
    const flags = command.options.map(({ long }) => long);
    for (const flag of globalOptions) assert.ok(flags.includes(flag), `${name} ${flag}`);
    const letters = command.options.flatMap(({ short }) => short ?? []);
    assert.equal(new Set(letters).size, letters.length, `letters of ${name}: ${letters.join()}`);
    for (const [short, long] of [
      ['-q', '--quiet'],
      ['-w', '--workspace'],
      ['-y', '--yes'],
    ] as const) {
      const option = command.options.find((each) => each.short === short);
      if (option !== undefined) assert.equal(option.long, long, `${name} ${short}`);
    }
  }
});

test('docs/cli.md has them as they are: `node tests/cli/command-docs.ts` writes them', async () => {
  const written = splitDocs().tables.split('\n');
  const made = (await commandTables()).split('\n');
  assert.deepEqual(
    { missing: made.filter((line) => !written.includes(line)), old: written.filter((line) => !made.includes(line)) },
    { missing: [], old: [] },
    'run `node tests/cli/command-docs.ts`',
  );
  assert.equal(written.join('\n'), made.join('\n'));
});

test('every exit code is documented', () => {
  const documented = [...splitDocs().after.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
  assert.deepEqual(
    documented,
    Object.values(exitCodes).sort((a, b) => a - b),
  );
});

test('only the module of the command that is asked for is loaded; the others are known by name', async () => {
  const program = await newProgram(createContext(new AbortController().signal), ['version', '--json']);
  const whole = program.commands.filter((command) => command.options.length > 0).map((command) => command.name());
  assert.deepEqual(whole, ['version']);
  assert.deepEqual(
    program.commands.map((command) => command.name()),
    commandTable.map(({ name }) => name),
  );
});
