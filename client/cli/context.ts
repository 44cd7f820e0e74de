/**
 * What every command gets: where to write, how, and where its files are. Data goes to stdout, everything else to stderr,
 * so that `tide … --json | jq` and `tide ls > list` hold nothing but data.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  /** Folder of credentials: `$TIDE_HOME`, else `$XDG_CONFIG_HOME/tidemark`, else `~/.config/tidemark`. */
  readonly configFolder: string;
  /** Whether stderr is a terminal that may be drawn on. */
  readonly animated: boolean;
  readonly signal: AbortSignal;
  /** The data of the command: one JSON object on one line with `--json`, else these lines. */
  print(options: OutputOptions, data: unknown, lines: () => readonly string[]): void;
  /** A message for the person; nothing with `--quiet`. */
  note(options: OutputOptions, text: string): void;
}

export function createContext(signal: AbortSignal): CliContext {
  const { env } = process;
  const configHome = env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  return {
    env,
    configFolder: env['TIDE_HOME'] ?? join(configHome, 'tidemark'),
    animated: process.stderr.isTTY && env['TERM'] !== 'dumb' && env['CI'] === undefined,
    signal,
    print: (options, data, lines) => {
      const text = options.json === true ? JSON.stringify(data) : lines().join('\n');
      if (text !== '') process.stdout.write(text + '\n');
    },
    note: (options, text) => {
      if (options.quiet !== true) process.stderr.write(text + '\n');
    },
  };
}

/** Styled for stderr or stdout when it is a terminal; `styleText` itself honours NO_COLOR and FORCE_COLOR. */
export function emphasise(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

/** A name that somebody chose, for a terminal: what would move its cursor, colour it or turn its text around is shown as `\\u001b`. */
export function nameToText(name: string): string {
  const escape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return name.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, escape);
}

/** 1536 -> '1.5 KiB'. */
export function bytesToText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** Rows as aligned columns. */
export function tableToLines(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  '));
}
