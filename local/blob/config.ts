import { getPort, mustGetText, parseConfigFields } from '../process-config.ts';

export interface BlobProcessConfig {
  readonly folder: string;
  readonly host: string;
  /** 0 takes a free one; the ready line says which. */
  readonly port: number;
  readonly keyFile: string;
  /** Where events of created packs go; null when nobody wants them. */
  readonly webhookUrl: string | null;
}

/** Reads the one argument of the process. Throws `malformed`, naming the field, on anything that is not a config. */
export function parseBlobProcessConfig(json: string): BlobProcessConfig {
  const fields = parseConfigFields(json);
  return {
    folder: mustGetText(fields, 'folder'),
    keyFile: mustGetText(fields, 'keyFile'),
    host: fields['host'] === undefined ? '127.0.0.1' : mustGetText(fields, 'host'),
    port: getPort(fields),
    webhookUrl: fields['webhookUrl'] == null ? null : mustGetText(fields, 'webhookUrl'),
  };
}
