/**
 * The tables of commands in docs/cli.md, made from the program itself. `node tests/cli/command-docs.ts` writes them anew; a test holds the
 * document against them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command, Option } from 'commander';
import { commandGroups } from '../../client/cli/command-table.ts';
import { createContext } from '../../client/cli/context.ts';
import { newProgram } from '../../client/cli/program.ts';

const docsFile = fileURLToPath(new URL('../../docs/cli.md', import.meta.url));
const begin = '<!-- commands: written by `node tests/cli/command-docs.ts` -->';
const end = '<!-- end of commands -->';

/** Options that every command has: told once, above the tables. */
export const globalOptions: ReadonlySet<string> = new Set(['--json', '--quiet', '--verbose', '--no-input']);

export interface DescribedCommand {
  /** With those above it: `devices revoke`. */
  readonly name: string;
  readonly group: string;
  readonly command: Command;
}

function* leavesOf(command: Command, name: string, group: string): Generator<DescribedCommand> {
  if (command.commands.length === 0) yield { name, group, command };
  for (const child of command.commands) yield* leavesOf(child, `${name} ${child.name()}`, group);
}

/** Every command that does something, whole. */
export async function describeCommands(): Promise<readonly DescribedCommand[]> {
  const program = await newProgram(createContext(new AbortController().signal), 'all');
  return program.commands.flatMap((command) => [...leavesOf(command, command.name(), command.helpGroup())]);
}

function usageOf({ name, command }: DescribedCommand): string {
  const words = command.registeredArguments.map((argument) => {
    const text = `${argument.name()}${argument.variadic ? '...' : ''}`.toUpperCase();
    return argument.required ? text : `[${text}]`;
  });
  return ['tide', name, ...words].join(' ');
}

const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function optionsOf({ command }: DescribedCommand): string {
  const own = command.options.filter((option: Option) => !globalOptions.has(option.long ?? '') && !option.hidden);
  return own.map((option) => `\`${option.flags}\`: ${inCell(option.description)}`).join('<br>');
}

function tableOf(group: string, commands: readonly DescribedCommand[]): string {
  const rows = commands.map(
    (each) => `| \`${usageOf(each)}\` | ${inCell(each.command.description())} | ${optionsOf(each)} |`,
  );
  return [`### ${group.replace(':', '')}`, '', '| command | does | options |', '|---|---|---|', ...rows].join('\n');
}

export async function commandTables(): Promise<string> {
  const all = await describeCommands();
  const tables = commandGroups.map((group) =>
    tableOf(
      group,
      all.filter((each) => each.group === group),
    ),
  );
  return `${begin}\n\n${tables.join('\n\n')}\n\n${end}`;
}

/** Where the tables are in the document, which must have the two marks. */
export function splitDocs(): { readonly before: string; readonly tables: string; readonly after: string } {
  const text = readFileSync(docsFile, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < 0) throw new Error(`docs/cli.md misses "${begin}" or "${end}"`);
  return { before: text.slice(0, from), tables: text.slice(from, to + end.length), after: text.slice(to + end.length) };
}

if (import.meta.main) {
  const { before, after } = splitDocs();
  writeFileSync(docsFile, before + (await commandTables()) + after);
}
