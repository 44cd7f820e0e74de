/**
 * Who has a folder: `.tidemark/holder.json`, written by the process that holds the folder's lock, so that others can say by whom they
 * were refused and find its socket. Only a hint: the lock alone decides, and what a killed process left here is not looked at.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { controlFolder } from '../../../shared/core/paths/control-folder.ts';

export interface Holder {
  readonly pid: number;
  /** Of the machine: a folder on a network disk may be held elsewhere. */
  readonly host: string;
  /** The command that holds it: `watch`, `sync`. */
  readonly command: string;
  readonly sinceMs: number;
  /** Where it listens; null when it does not. */
  readonly socket: string | null;
}

const holderBytesMax = 4_096;

function holderFile(folder: string): string {
  return join(folder, controlFolder, 'holder.json');
}

export function thisProcess(command: string, nowMs: number): Holder {
  return { pid: process.pid, host: hostname(), command, sinceMs: nowMs, socket: null };
}

/** Only for who holds the lock. A folder that cannot be written to keeps its agent nameless. */
export function writeHolder(folder: string, holder: Holder): void {
  const file = holderFile(folder);
  try {
    writeFileSync(`${file}.new`, JSON.stringify(holder) + '\n', { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    rmSync(`${file}.new`, { force: true });
  }
}

export function removeHolder(folder: string): void {
  rmSync(holderFile(folder), { force: true });
}

/** Undefined when nothing readable is there. */
export function readHolder(folder: string): Holder | undefined {
  try {
    const text = readFileSync(holderFile(folder), 'utf8');
    if (text.length > holderBytesMax) return undefined;
    const { pid, host, command, sinceMs, socket } = Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof command !== 'string') return undefined;
    if (typeof sinceMs !== 'number') return undefined;
    return { pid, host, command, sinceMs, socket: typeof socket === 'string' ? socket : null };
  } catch {
    return undefined;
  }
}

/** `tide watch (process 4711 on this machine, since 2026-11-22 10:00)`. */
export function holderToText({ pid, host, command, sinceMs }: Holder): string {
  const where = host === hostname() ? '' : ` on ${host}`;
  const since = new Date(sinceMs).toISOString().slice(0, 16).replace('T', ' ');
  return `tide ${command} (process ${pid}${where}, since ${since} UTC)`;
}
