/** The settings of host.json that this host heeds. Everything else in the file is for Azure and is left alone. */
import { readFile } from 'node:fs/promises';
import { TidemarkError } from '../../shared/core/errors.ts';

export interface HostSettings {
  /** First segments of every HTTP route, without slashes at the ends; empty for none. Azure's default is `api`. */
  readonly routePrefix: string;
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
  return { routePrefix: prefix.replaceAll(/^\/+|\/+$/g, '') };
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
