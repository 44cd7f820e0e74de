/** Where timers remember when they last ran, so that an occurrence missed while the host was down is made up for once. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface TimerStatus {
  /** UTC milliseconds of the last run's due time; undefined before the first. */
  readonly last: number | undefined;
  /** UTC milliseconds of the next due time. */
  readonly next: number;
  readonly lastUpdated: number;
}

export interface TimerStatusStore {
  load(name: string): Promise<TimerStatus | undefined>;
  save(name: string, status: TimerStatus): Promise<void>;
}

/** Forgets with the process: every start is a first start. */
export function createMemoryTimerStatus(): TimerStatusStore {
  const statuses = new Map<string, TimerStatus>();
  return {
    load: async (name) => statuses.get(name),
    save: async (name, status) => void statuses.set(name, status),
  };
}

/**
 * One small JSON file per timer in `folder`, replaced by rename. Not flushed: a status lost to a power cut costs one
 * made-up run, and handlers are idempotent. A file that cannot be read counts as absent.
 */
export function createFileTimerStatus(folder: string): TimerStatusStore {
  const pathOf = (name: string): string => join(folder, `${encodeURIComponent(name)}.json`);
  return {
    async load(name) {
      try {
        return parseStatus(JSON.parse(await readFile(pathOf(name), 'utf8')));
      } catch {
        return undefined;
      }
    },
    async save(name, status) {
      await mkdir(folder, { recursive: true });
      await writeFile(`${pathOf(name)}.new`, JSON.stringify(status));
      await rename(`${pathOf(name)}.new`, pathOf(name));
    },
  };
}

function parseStatus(value: unknown): TimerStatus | undefined {
  if (typeof value !== 'object' || value === null || !('next' in value) || !('lastUpdated' in value)) return undefined;
  const { next, lastUpdated } = value;
  if (typeof next !== 'number' || typeof lastUpdated !== 'number') return undefined;
  return { last: 'last' in value && typeof value.last === 'number' ? value.last : undefined, next, lastUpdated };
}
