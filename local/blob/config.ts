import { TidemarkError } from '../../shared/core/errors.ts';

export interface BlobProcessConfig {
  readonly folder: string;
  readonly host: string;
  /** 0 takes a free one; the ready line says which. */
  readonly port: number;
  readonly keyFile: string;
  /** Where events of created packs go; null when nobody wants them. */
  readonly webhookUrl: string | null;
}

function mustGetText(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw new TidemarkError('malformed', `${name} is missing`);
  return value;
}

/** Reads the one argument of the process. Throws `malformed`, naming the field, on anything that is not a config. */
export function parseBlobProcessConfig(json: string): BlobProcessConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new TidemarkError('malformed', 'the configuration is not JSON', { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null)
    throw new TidemarkError('malformed', 'the configuration is no object');
  const fields: Readonly<Record<string, unknown>> = { ...parsed };
  const port = fields['port'] ?? 0;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TidemarkError('malformed', 'port is not a port');
  }
  return {
    folder: mustGetText(fields, 'folder'),
    keyFile: mustGetText(fields, 'keyFile'),
    host: fields['host'] === undefined ? '127.0.0.1' : mustGetText(fields, 'host'),
    port,
    webhookUrl: fields['webhookUrl'] == null ? null : mustGetText(fields, 'webhookUrl'),
  };
}
