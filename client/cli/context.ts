/**
 * What every command gets: where to write, how, and where its files are. Data goes to stdout, everything else to stderr,
 * so that `tide … --json | jq` and `tide ls > list` hold nothing but data.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import type { Bandwidth } from '../sdk/bandwidth.ts';
import type { RetryBudget } from '../sdk/retry-budget.ts';
import { textWidth } from './text-width.ts';

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** False with `--no-input`: nobody is asked anything. */
  readonly input?: boolean;
}

export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  /** Folder of credentials: `$TIDE_HOME`, else `$XDG_CONFIG_HOME/tidemark`, else `~/.config/tidemark`. */
  readonly configFolder: string;
  /** What tide notes for itself and can do without: `$TIDE_HOME/state`, else `$XDG_STATE_HOME/tidemark`, else `~/.local/state/tidemark`. */
  readonly stateFolder: string;
  /** Whether stderr is a terminal that may be drawn on. */
  readonly animated: boolean;
  /** Whether a person is there to answer: stdin and stderr are terminals. */
  readonly canAsk: boolean;
  readonly signal: AbortSignal;
  /** The data of the command: one JSON object on one line with `--json`, else these lines. */
  print(options: OutputOptions, data: unknown, lines: () => readonly string[]): void;
  /** A message for the person; nothing with `--quiet`. */
  note(options: OutputOptions, text: string): void;
  /** What happens, for `--verbose`; undefined without it. Never a secret: no token, no signed URL. */
  readonly trace: ((text: string) => void) | undefined;
  /** The limit for all that connections of this context send and receive. */
  readonly bandwidth?: Bandwidth;
  /** For a process that goes on for long. */
  readonly retryBudget?: RetryBudget;
}

export function createContext(signal: AbortSignal, verbose = false): CliContext {
  const { env } = process;
  const home = env['TIDE_HOME'];
  const configHome = env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  const stateHome = env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return {
    env,
    configFolder: home ?? join(configHome, 'tidemark'),
    stateFolder: home === undefined ? join(stateHome, 'tidemark') : join(home, 'state'),
    animated: process.stderr.isTTY && env['TERM'] !== 'dumb' && env['CI'] === undefined,
    canAsk: process.stdin.isTTY && process.stderr.isTTY && env['CI'] === undefined,
    signal,
    print: (options, data, lines) => {
      const text = options.json === true ? JSON.stringify(data) : lines().join('\n');
      if (text !== '') process.stdout.write(text + '\n');
    },
    note: (options, text) => {
      if (options.quiet !== true) process.stderr.write(text + '\n');
    },
    trace: verbose
      ? (text) => process.stderr.write(`${performance.now().toFixed(0).padStart(7)} ms  ${text}\n`)
      : undefined,
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

/** `1 folder`, `2 folders`. */
export function countToText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Rows as aligned columns. */
export function tableToLines(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, textWidth(cell))));
  const pad = (cell: string, i: number): string => cell + ' '.repeat(widths[i]! - textWidth(cell));
  return rows.map((row) => {
    const line = [...row.slice(0, -1).map(pad), ...row.slice(-1)].join('  ');
    return row.at(-1) === '' ? line.trimEnd() : line;
  });
}
