import { TidemarkError } from '../../shared/core/errors.ts';
import { type ConfigFields, getPort, mustGetText, parseConfigFields } from '../process-config.ts';

/** What the process of the realtime endpoint is started with, and what it says when it serves. */
export interface WebPubSubProcessConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /**
   * File of the access key, base64 text: of the connection string, of client tokens and of event signatures. A file, because a process's arguments
   * can be read by everybody on the machine.
   */
  readonly keyFile: string;
  /** As clients reach it: `http://127.0.0.1:7075`. Null: as it listens. It is the audience of tokens. */
  readonly endpoint: string | null;
  /** Where events of the hub go, as CloudEvents: the webhook of the Functions host. Null: nowhere. */
  readonly webhookUrl: string | null;
}

export interface WebPubSubReady {
  /** `http://host:port`, without a slash at its end. */
  readonly endpoint: string;
  /** `Endpoint=…;AccessKey=…;Version=1.0;` */
  readonly connectionString: string;
}

/** As long as the hash: a shorter one is what an attacker would guess. */
const accessKeyBytesMin = 32;

function parseUrl(fields: ConfigFields, name: string): URL | null {
  if (fields[name] === undefined || fields[name] === null) return null;
  const url = URL.parse(mustGetText(fields, name));
  // Its text is not told: a webhook's URL may carry a code.
  if (url === null || !/^https?:$/.test(url.protocol)) throw new TidemarkError('malformed', `${name} is no HTTP URL`);
  return url;
}

function parseEndpoint(fields: ConfigFields): string | null {
  const url = parseUrl(fields, 'endpoint');
  if (url === null) return null;
  if (url.href !== `${url.origin}/`) throw new TidemarkError('malformed', 'endpoint has more than a host and a port');
  return url.origin;
}

/** The access key that a key file holds. Throws `malformed` on anything else, without the text. */
export function parseAccessKey(text: string): string {
  const key = text.trim();
  const bytes = Buffer.from(key, 'base64');
  if (bytes.toString('base64') !== key || bytes.length < accessKeyBytesMin) {
    throw new TidemarkError('malformed', `the key file is not base64 of at least ${accessKeyBytesMin} bytes`);
  }
  return key;
}

/** Reads the one argument of the process. Throws `malformed`, naming the field and not its value, on anything that is not a config. */
export function parseWebPubSubProcessConfig(json: string): WebPubSubProcessConfig {
  const fields = parseConfigFields(json);
  return {
    host: fields['host'] === undefined ? '127.0.0.1' : mustGetText(fields, 'host'),
    port: getPort(fields),
    keyFile: mustGetText(fields, 'keyFile'),
    endpoint: parseEndpoint(fields),
    webhookUrl: parseUrl(fields, 'webhookUrl')?.href ?? null,
  };
}
