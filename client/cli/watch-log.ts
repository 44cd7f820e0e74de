/**
 * What `tide watch` tells, on standard error: lines for people, or with `--json` the JSON lines of pino. A line is written when something
 * changed: a server that is away for a day is told once, and when it is back.
 */
import { basename } from 'node:path';
import { pino } from 'pino';
import type { Problem } from '../agent/ports.ts';
import type { WatchEvent } from '../agent/watch/watch-needs.ts';
import type { WatchState } from '../agent/watch/watch-state.ts';
import { type OutputOptions, bytesToText, countToText, nameToText } from './context.ts';
import { pauseToText, timeToText } from './pause-text.ts';

type Level = 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, unknown>>;

export type WriteLine = (level: Level, fields: Fields, message: string) => void;

/** A service's log has times of its own. */
function createPlainWriter(env: NodeJS.ProcessEnv, options: OutputOptions): WriteLine {
  const hasOwnTimes = env['JOURNAL_STREAM'] !== undefined;
  return (level, fields, message) => {
    if (level === 'info' && options.quiet === true) return;
    const time = hasOwnTimes ? '' : `${timeToText(Date.now())} `;
    const folder = typeof fields['folder'] === 'string' ? `${nameToText(basename(fields['folder']))}: ` : '';
    process.stderr.write(`${time}${level === 'info' ? '' : `${level}: `}${folder}${message}\n`);
  };
}

export function createWriter(env: NodeJS.ProcessEnv, options: OutputOptions): WriteLine {
  if (options.json !== true) return createPlainWriter(env, options);
  const log = pino(
    { name: 'tide', level: options.quiet === true ? 'warn' : 'info' },
    pino.destination({ fd: 2, sync: true }),
  );
  return (level, fields, message) => log[level](fields, message);
}

const problemsShownMax = 10;
const passing: ReadonlySet<string> = new Set(['busy', 'blocked']);

export class WatchLog {
  readonly #folder: string;
  readonly #write: WriteLine;
  #problems = '[]';
  /** Paths with a problem that may pass, at the last sync. */
  #passing: ReadonlySet<string> = new Set();
  #isFirst = true;
  #lastState = '';

  constructor(folder: string, write: WriteLine) {
    this.#folder = folder;
    this.#write = write;
  }

  tell(event: WatchEvent): void {
    if (event.type === 'synced') this.#tellSync(event);
    else if (event.type === 'state') this.#tellState(event.state);
    else if (event.type === 'watcher') this.#tellWatcher(event.watcher);
    else if (event.failure.code === 'internal' || event.failure.code === 'corrupt') this.#tellFailure(event);
  }

  #line(level: Level, fields: Fields, message: string): void {
    this.#write(level, { folder: this.#folder, ...fields }, message);
  }

  #tellSync({ report, reason, seconds }: Extract<WatchEvent, { type: 'synced' }>): void {
    const { operations, applied, conflicts, bytesSent, bytesReceived, upToDate, seq } = report;
    const hasMoved = operations + applied + conflicts > 0;
    const wasAway = this.#lastState !== '';
    if (hasMoved || this.#isFirst || wasAway) {
      const moved = `sent ${countToText(operations, 'change')} (${bytesToText(bytesSent)}), received ${applied} (${bytesToText(bytesReceived)})`;
      const kept = conflicts > 0 ? `; ${conflicts} conflict copies were made` : '';
      const verdict = upToDate ? `up to date at ${seq}` : 'not all could be synced';
      const fields = {
        event: 'synced',
        reason,
        operations,
        applied,
        conflicts,
        bytesSent,
        bytesReceived,
        upToDate,
        seq,
        seconds,
      };
      this.#line('info', fields, `${hasMoved ? `${moved}${kept}; ` : ''}${verdict}`);
    }
    this.#isFirst = false;
    this.#lastState = '';
    this.#tellProblems(report.problems);
  }

  /** When they are others than before. What mostly passes (a file that is being written) is told when it has not passed by the next sync. */
  #tellProblems(all: readonly Problem[]): void {
    const problems = all.filter(({ path, code }) => !passing.has(code) || this.#passing.has(path));
    this.#passing = new Set(all.filter(({ code }) => passing.has(code)).map(({ path }) => path));
    const text = JSON.stringify(problems);
    if (text === this.#problems) return;
    this.#problems = text;
    for (const { path, code, detail } of problems.slice(0, problemsShownMax)) {
      this.#line('warn', { event: 'problem', code, path }, `${code}: ${nameToText(path || '.')}: ${detail}`);
    }
    const rest = problems.length - problemsShownMax;
    if (rest > 0) this.#line('warn', { event: 'problems', count: problems.length }, `and ${rest} more (tide status)`);
  }

  #tellState(state: WatchState): void {
    const text = stateToText(state);
    if (text === undefined) return;
    const key = 'message' in state ? `${state.name} ${state.message}` : state.name;
    if (key === this.#lastState) return;
    this.#lastState = key;
    const level =
      state.name === 'paused' || state.name === 'stopped' ? 'info' : state.name === 'waiting' ? 'warn' : 'error';
    this.#line(level, { event: 'state', ...state, state: state.name }, text);
  }

  #tellWatcher({ mode, folders, reason }: Extract<WatchEvent, { type: 'watcher' }>['watcher']): void {
    const fields = { event: 'watcher', mode, folders, reason };
    if (mode === 'events') this.#line('info', fields, `watching ${countToText(folders, 'folder')}`);
    else
      this.#line(
        'warn',
        fields,
        `the system does not tell of changes: ${reason}. Looking at the folder every half minute`,
      );
  }

  #tellFailure({ failure, error }: Extract<WatchEvent, { type: 'failed' }>): void {
    const { code, message } = failure;
    const stack = process.env['TIDE_DEBUG'] !== undefined && error instanceof Error ? (error.stack ?? null) : null;
    this.#line(
      'error',
      { event: 'failed', code, ...(stack === null ? {} : { stack }) },
      `${message}${stack === null ? '' : `\n${stack}`}`,
    );
  }
}

/** Undefined for what needs no line. */
function stateToText(state: WatchState): string | undefined {
  switch (state.name) {
    case 'waiting':
      return `${state.message}; next try at ${timeToText(state.untilMs)}, then at longer intervals`;
    case 'absent':
      return `${state.message}; looking again every minute`;
    case 'halted':
      return `${state.message} (\`tide sync --allow-mass-delete\`). Nothing is synced until then`;
    case 'revoked':
      return `${state.message}. Nothing is synced any more; the files stay`;
    case 'paused':
      return `paused ${pauseToText(state)}`;
    case 'stopped':
      return 'stopped';
    default:
      return undefined;
  }
}
