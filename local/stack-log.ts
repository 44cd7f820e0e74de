/** What the local stack prints: one line for a person, or one JSON object with `--json`. Never a query string, token or body. */
import { pino } from 'pino';
import type { HostLogger } from './host/host-logger.ts';

type Fields = Readonly<Record<string, unknown>>;

function textOf(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => (name === 'error' ? `\n${String(value)}` : `${name}=${String(value)}`))
    .join(' ');
}

/** A request as people read it: `12:00:01 GET /api/workspaces 200 3 ms`. */
function requestToText({ method, route, status, ms }: Fields): string {
  return `${String(method).padEnd(4)} ${String(route)} ${String(status)} ${Number(ms).toFixed(0)} ms`;
}

function lineOf(level: string, fields: Fields, message: string): string {
  const time = new Date().toISOString().slice(11, 19);
  const body = message === 'request' ? requestToText(fields) : `${message} ${textOf(fields)}`;
  return `${time} ${level === 'info' ? '' : `${level}: `}${body.trimEnd()}\n`;
}

/** Writes to standard output; with `json` through pino. */
export function createStackLog(json: boolean): HostLogger {
  if (json) return pino({ name: 'stack' });
  const at = (level: string) => (fields: Fields, message: string) => {
    process.stdout.write(lineOf(level, fields, message));
  };
  return { info: at('info'), warn: at('warning'), error: at('error') };
}
