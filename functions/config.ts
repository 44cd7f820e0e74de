/**
 * The environment, read once into a typed config. Every setting of the service is here, with what it is when it is not set:
 *
 *     TIDEMARK_ISSUER          OIDC issuer, as in the tokens' `iss`           required
 *     TIDEMARK_AUDIENCE        audience of the tokens                          tidemark
 *     TIDEMARK_CLIENT_ID       public client id that `tide login` uses         tide
 *     TIDEMARK_DEVELOPMENT     `true`: the issuer grants any name              false
 *     TIDEMARK_REGION          name of this region                             local
 *     TIDEMARK_LOG             debug, info, warn or error                      info
 *     TIDEMARK_BLOBS           adapter for blobs                               disk
 *     TIDEMARK_METADATA        adapter for metadata                            sqlite
 *   with the adapters `disk` and `sqlite`:
 *     TIDEMARK_DATA            folder of all state                             .tidemark
 *     TIDEMARK_BLOB_ENDPOINT   base URL of the blob endpoint, without a slash at its end   required
 *     TIDEMARK_BLOB_FOLDER     packs                                           <data>/blobs
 *     TIDEMARK_BLOB_KEY_FILE   key of blob URLs, 32 bytes as hex               <data>/blob.key
 *     TIDEMARK_METADATA_FILE   SQLite file                                     <data>/metadata.sqlite
 *     TIDEMARK_SIGNING_KEY_FILE  Ed25519 key, PKCS #8 PEM                      <data>/signing-key.pem
 */
import path from 'node:path';
import { TidemarkError } from '../shared/core/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface Config {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly development: boolean;
  readonly region: string;
  readonly logLevel: LogLevel;
  readonly signingKeyFile: string;
  readonly blobs: {
    readonly adapter: 'disk';
    readonly folder: string;
    readonly endpoint: string;
    readonly keyFile: string;
  };
  readonly metadata: { readonly adapter: 'sqlite'; readonly file: string };
}

function wrong(name: string, why: string): TidemarkError {
  return new TidemarkError('malformed', `the setting ${name} ${why}`, { data: { setting: name } });
}

/** Throws `malformed`, naming the setting, when one is missing or is none of what it may be. */
export function readConfig(env: Environment): Config {
  const get = (name: string, fallback: string): string => {
    const value = env[name];
    return value === undefined || value === '' ? fallback : value;
  };
  const mustGet = (name: string): string => {
    const value = get(name, '');
    if (value === '') throw wrong(name, 'is missing');
    return value;
  };
  const mustGetUrl = (name: string): string => {
    const value = mustGet(name);
    if (!URL.canParse(value) || !/^https?:/.test(value)) throw wrong(name, 'must be an http or https URL');
    return value;
  };
  const oneOf = <const Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice => {
    const value = get(name, fallback);
    const choice = choices.find((known) => known === value);
    if (choice === undefined) throw wrong(name, `must be one of: ${choices.join(', ')}`);
    return choice;
  };
  const data = get('TIDEMARK_DATA', '.tidemark');
  return {
    issuer: mustGetUrl('TIDEMARK_ISSUER'),
    audience: get('TIDEMARK_AUDIENCE', 'tidemark'),
    clientId: get('TIDEMARK_CLIENT_ID', 'tide'),
    development: oneOf('TIDEMARK_DEVELOPMENT', ['true', 'false'], 'false') === 'true',
    region: get('TIDEMARK_REGION', 'local'),
    logLevel: oneOf('TIDEMARK_LOG', logLevels, 'info'),
    signingKeyFile: get('TIDEMARK_SIGNING_KEY_FILE', path.join(data, 'signing-key.pem')),
    blobs: {
      adapter: oneOf('TIDEMARK_BLOBS', ['disk'], 'disk'),
      folder: get('TIDEMARK_BLOB_FOLDER', path.join(data, 'blobs')),
      endpoint: mustGetUrl('TIDEMARK_BLOB_ENDPOINT').replace(/\/+$/, ''),
      keyFile: get('TIDEMARK_BLOB_KEY_FILE', path.join(data, 'blob.key')),
    },
    metadata: {
      adapter: oneOf('TIDEMARK_METADATA', ['sqlite'], 'sqlite'),
      file: get('TIDEMARK_METADATA_FILE', path.join(data, 'metadata.sqlite')),
    },
  };
}
