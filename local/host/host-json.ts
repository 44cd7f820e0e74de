/** The settings of host.json that this host heeds. Everything else in the file is for Azure and is left alone. */
import { readFile } from 'node:fs/promises';
import { TidemarkError } from '../../shared/core/errors.ts';
import { parseTimeSpan } from './time-span.ts';

/** `extensions.queues`, with Azure's names, bounds and, where they fit one machine, defaults. */
export interface QueueSettings {
  /** Messages of one function under way at once: 1 to 32. Azure's `newBatchThreshold` on top of it is not heeded. */
  readonly batchSize: number;
  /** Receipts of a message that fails before it goes to the poison queue. */
  readonly maxDequeueCount: number;
  /** Milliseconds until a message whose handling failed, or was cut off, is tried again. Azure's default is 0, here 30 s. */
  readonly visibilityTimeoutMs: number;
  /** The longest wait between two looks at an empty queue, in milliseconds. Azure's default is a minute, here 2 s. */
  readonly maxPollingIntervalMs: number;
}

export interface HostSettings {
  /** First segments of every HTTP route, without slashes at the ends; empty for none. Azure's default is `api`. */
  readonly routePrefix: string;
  readonly queues: QueueSettings;
}

/** Reads host.json. @throws TidemarkError `not-found` or `malformed`, naming the file. */
export async function readHostJson(path: string | URL): Promise<HostSettings> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new TidemarkError('not-found', `The host's settings file ${String(path)} cannot be read.`, { cause });
  }
  try {
    return parseHostJson(text);
  } catch (cause) {
    throw new TidemarkError('malformed', `The host's settings file ${String(path)} is not valid.`, { cause });
  }
}

/** @throws SyntaxError or TidemarkError when the text is not a host.json of schema version 2.0. */
export function parseHostJson(text: string): HostSettings {
  const parsed: unknown = JSON.parse(text.replace(/^\u{FEFF}/u, ''));
  if (memberOf(parsed, 'version') !== '2.0')
    throw new TidemarkError('unsupported', 'host.json needs "version": "2.0".');
  const prefix = memberOf(memberOf(memberOf(parsed, 'extensions'), 'http'), 'routePrefix') ?? 'api';
  if (typeof prefix !== 'string') throw new TidemarkError('malformed', 'extensions.http.routePrefix must be text.');
  const queues = parseQueues(memberOf(memberOf(parsed, 'extensions'), 'queues'));
  return { routePrefix: prefix.replaceAll(/^\/+|\/+$/g, ''), queues };
}

/** What is not set is as on Azure, but for what would make one machine wait for minutes. */
function parseQueues(raw: unknown): QueueSettings {
  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const value = memberOf(raw, name) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new TidemarkError('malformed', `extensions.queues.${name} must be a whole number from ${min} to ${max}.`);
  };
  const time = (name: string, fallback: string): number => {
    const value = memberOf(raw, name) ?? fallback;
    const ms = typeof value === 'string' ? parseTimeSpan(value) : undefined;
    if (ms === undefined)
      throw new TidemarkError('malformed', `extensions.queues.${name} must be hours:minutes:seconds.`);
    return ms;
  };
  return {
    batchSize: integer('batchSize', 16, 1, 32),
    maxDequeueCount: integer('maxDequeueCount', 5, 1, 1_000),
    visibilityTimeoutMs: time('visibilityTimeout', '00:00:30'),
    maxPollingIntervalMs: time('maxPollingInterval', '00:00:02'),
  };
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
