/**
 * The environment, read once into a typed config. Every setting of the service is here, with what it is when it is not set:
 *
 *     TIDEMARK_ISSUER          OIDC issuer, as in the tokens' `iss`           required
 *     TIDEMARK_AUDIENCE        audience of the tokens                          tidemark
 *     TIDEMARK_CLIENT_ID       public client id that `tide login` uses         tide
 *     TIDEMARK_DEVELOPMENT     `true`: the issuer grants any name              false
 *     TIDEMARK_REGION          name of this region                             local
 *     TIDEMARK_LOG             debug, info, warn or error                      info
 *     TIDEMARK_RATE_LIMIT      `<burst>/<seconds>`: requests that a user may make at once, and the seconds in which as many more
 *                              become free; `off`: no limit, nor one for failed tokens. Each instance of the service counts for
 *                              itself, so n of them together allow n times as much         1000/60
 *     TIDEMARK_QUOTA_FILES     files that a new workspace may hold; 0: no bound      0
 *     TIDEMARK_QUOTA_BYTES     bytes of files that a new workspace may hold; 0: no bound   0
 *     TIDEMARK_OPERATORS       user ids of the operators, `<issuer host>|<subject>`, separated by commas   none
 *     TIDEMARK_BLOBS           adapter for blobs: disk or azure                disk
 *     TIDEMARK_QUEUES          adapter for queues: sqlite or azure             sqlite
 *     TIDEMARK_CHANGE_FEED     adapter for the change feed: disk, azure or none   disk; none with blobs in Azure
 *     TIDEMARK_METADATA        adapter for metadata: sqlite or cosmos          sqlite
 *     TIDEMARK_SIGNING_KEYS    where the keys are that sign heads: file or key-vault   file
 *     TIDEMARK_REALTIME        who tells clients at once what happened: web-pubsub, or none: they poll   none
 *   with the adapters `disk`, `sqlite` and `file`:
 *     TIDEMARK_DATA            folder of all state                             .tidemark
 *     TIDEMARK_BLOB_ENDPOINT   base URL of the blob endpoint, without a slash at its end   required
 *     TIDEMARK_BLOB_FOLDER     packs                                           <data>/blobs
 *     TIDEMARK_BLOB_KEY_FILE   key of blob URLs, 32 bytes as hex               <data>/blob.key
 *     TIDEMARK_METADATA_FILE   SQLite file                                     <data>/metadata.sqlite
 *     TIDEMARK_QUEUE_FILE      SQLite file of the queues                       <data>/queues.sqlite
 *     TIDEMARK_SIGNING_KEY_FILE  ring of Ed25519 keys; one PKCS #8 PEM is a ring   <data>/signing-key.pem
 *   with an adapter `azure`, by a managed identity (DefaultAzureCredential; AZURE_CLIENT_ID names one of several):
 *     TIDEMARK_BLOB_ACCOUNT_URL   https://<account>.blob.core.windows.net, of blobs and the change feed   required
 *     TIDEMARK_QUEUE_ACCOUNT_URL  https://<account>.queue.core.windows.net     required
 *   or instead of both, for Azurite on this machine only, whose containers and queues are made when they are missing:
 *     TIDEMARK_STORAGE_CONNECTION connection string with the account's key; `UseDevelopmentStorage=true`
 *   with the adapter `cosmos`, by a managed identity as above unless a key is set:
 *     TIDEMARK_COSMOS_ENDPOINT    https://<account>.documents.azure.com/       required
 *     TIDEMARK_COSMOS_DATABASE    name of the database                         tidemark
 *     TIDEMARK_COSMOS_KEY         the account's key, base64, for an emulator on this machine; the database is made when it is missing
 *     TIDEMARK_COSMOS_REMOTE_KEY  `true`: the key may be of an account on another machine   false
 *   with the adapter `key-vault`, by a managed identity as above:
 *     TIDEMARK_KEY_VAULT_URL      https://<vault>.vault.azure.net              required
 *     TIDEMARK_SIGNING_SECRET     name of the secret whose versions are the keys   tidemark-signing-key
 *   with the adapter `web-pubsub`, whose events come by triggers that read WebPubSubConnectionString:
 *     TIDEMARK_WEB_PUBSUB_URL     https://<name>.webpubsub.azure.com, by a managed identity as above   required
 *   or instead of it, for an endpoint on this machine only:
 *     TIDEMARK_WEB_PUBSUB_CONNECTION  connection string with the access key
 *     TIDEMARK_WEB_PUBSUB_REMOTE_KEY  `true`: the key may be of an endpoint on another machine   false
 */
import path from 'node:path';
import type { UserId } from '../shared/core/ids.ts';
import type { Quota } from '../shared/ports/metadata-store.ts';
import type { RatePolicy } from '../shared/ports/rate-limiter.ts';
import { type Environment, type Settings, readSettings, wrong } from './settings.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** One service of a storage account, and what opens it. */
export type StorageAccount =
  | { readonly kind: 'identity'; readonly url: string }
  | { readonly kind: 'connection'; readonly connection: string };

/** An account of Cosmos DB, and what opens it. */
export type CosmosAccount =
  | { readonly kind: 'identity'; readonly endpoint: string }
  | { readonly kind: 'key'; readonly endpoint: string; readonly key: string; readonly allowRemote: boolean };

/** A Web PubSub service, and what opens it. */
export type WebPubSubAccount =
  | { readonly kind: 'identity'; readonly url: string }
  | { readonly kind: 'connection'; readonly connection: string; readonly allowRemote: boolean };

export interface Config {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly development: boolean;
  readonly region: string;
  readonly logLevel: LogLevel;
  /** Of each user; null: no limit. */
  readonly rateLimit: RatePolicy | null;
  readonly defaultQuota: Quota;
  /** Who may use the routes of operators, if their token has the scope `sync.admin`. */
  readonly operators: ReadonlySet<UserId>;
  readonly signingKeys:
    | { readonly adapter: 'file'; readonly file: string }
    | { readonly adapter: 'key-vault'; readonly url: string; readonly secret: string };
  readonly blobs:
    | { readonly adapter: 'disk'; readonly folder: string; readonly endpoint: string; readonly keyFile: string }
    | { readonly adapter: 'azure'; readonly account: StorageAccount };
  readonly metadata:
    | { readonly adapter: 'sqlite'; readonly file: string }
    | { readonly adapter: 'cosmos'; readonly account: CosmosAccount; readonly database: string };
  readonly queues:
    | { readonly adapter: 'sqlite'; readonly file: string }
    | { readonly adapter: 'azure'; readonly account: StorageAccount };
  readonly changeFeed:
    | { readonly adapter: 'none' }
    | { readonly adapter: 'disk'; readonly folder: string }
    | { readonly adapter: 'azure'; readonly account: StorageAccount };
  readonly realtime:
    | { readonly adapter: 'none' }
    | { readonly adapter: 'web-pubsub'; readonly account: WebPubSubAccount };
}

/** Throws `malformed`, naming the setting, when one is missing or is none of what it may be. */
export function readConfig(env: Environment): Config {
  const settings = readSettings(env);
  const { get, mustGetUrl, oneOf, flag, bound } = settings;
  const data = get('TIDEMARK_DATA', '.tidemark');
  const blobFolder = get('TIDEMARK_BLOB_FOLDER', path.join(data, 'blobs'));
  return {
    issuer: mustGetUrl('TIDEMARK_ISSUER'),
    audience: get('TIDEMARK_AUDIENCE', 'tidemark'),
    clientId: get('TIDEMARK_CLIENT_ID', 'tide'),
    development: flag('TIDEMARK_DEVELOPMENT'),
    region: get('TIDEMARK_REGION', 'local'),
    logLevel: oneOf('TIDEMARK_LOG', logLevels, 'info'),
    rateLimit: rateLimitOf(settings),
    operators: new Set(settings.users('TIDEMARK_OPERATORS')),
    defaultQuota: { filesMax: bound('TIDEMARK_QUOTA_FILES'), bytesMax: bound('TIDEMARK_QUOTA_BYTES') },
    signingKeys: signingKeysOf(settings, data),
    blobs: blobsOf(settings, data, blobFolder),
    metadata: metadataOf(settings, data),
    queues: queuesOf(settings, data),
    changeFeed: changeFeedOf(settings, blobFolder),
    realtime: realtimeOf(settings),
  };
}

function rateLimitOf({ get }: Settings): Config['rateLimit'] {
  const name = 'TIDEMARK_RATE_LIMIT';
  const value = get(name, '1000/60');
  if (value === 'off') return null;
  const [, burst, seconds] = (/^([1-9]\d{0,8})\/([1-9]\d{0,5})$/.exec(value) ?? []).map(Number);
  if (burst === undefined || seconds === undefined) throw wrong(name, 'must be <burst>/<seconds>, or off');
  return { name: 'user', burst, perSecond: burst / seconds };
}

function storageAccountOf({ get, mustGetUrl }: Settings, urlSetting: string): StorageAccount {
  const connection = get('TIDEMARK_STORAGE_CONNECTION', '');
  if (connection === '') return { kind: 'identity', url: mustGetUrl(urlSetting) };
  if (get(urlSetting, '') !== '') throw wrong(urlSetting, 'and TIDEMARK_STORAGE_CONNECTION cannot both be set');
  return { kind: 'connection', connection };
}

function cosmosAccountOf({ get, mustGetUrl, flag }: Settings): CosmosAccount {
  const endpoint = mustGetUrl('TIDEMARK_COSMOS_ENDPOINT');
  const key = get('TIDEMARK_COSMOS_KEY', '');
  const allowRemote = flag('TIDEMARK_COSMOS_REMOTE_KEY');
  return key === '' ? { kind: 'identity', endpoint } : { kind: 'key', endpoint, key, allowRemote };
}

function signingKeysOf({ get, mustGetUrl, oneOf }: Settings, data: string): Config['signingKeys'] {
  const adapter = oneOf('TIDEMARK_SIGNING_KEYS', ['file', 'key-vault'], 'file');
  if (adapter === 'file') {
    return { adapter, file: get('TIDEMARK_SIGNING_KEY_FILE', path.join(data, 'signing-key.pem')) };
  }
  const url = mustGetUrl('TIDEMARK_KEY_VAULT_URL');
  const secret = get('TIDEMARK_SIGNING_SECRET', 'tidemark-signing-key');
  if (!/^[0-9A-Za-z-]{1,127}$/.test(secret)) throw wrong('TIDEMARK_SIGNING_SECRET', 'must be the name of a secret');
  return { adapter, url, secret };
}

function blobsOf(settings: Settings, data: string, folder: string): Config['blobs'] {
  const { get, mustGetUrl, oneOf } = settings;
  const adapter = oneOf('TIDEMARK_BLOBS', ['disk', 'azure'], 'disk');
  if (adapter === 'azure') return { adapter, account: storageAccountOf(settings, 'TIDEMARK_BLOB_ACCOUNT_URL') };
  const endpoint = mustGetUrl('TIDEMARK_BLOB_ENDPOINT').replace(/\/+$/, '');
  return { adapter, folder, endpoint, keyFile: get('TIDEMARK_BLOB_KEY_FILE', path.join(data, 'blob.key')) };
}

function metadataOf(settings: Settings, data: string): Config['metadata'] {
  const { get, oneOf } = settings;
  const adapter = oneOf('TIDEMARK_METADATA', ['sqlite', 'cosmos'], 'sqlite');
  if (adapter === 'sqlite') return { adapter, file: get('TIDEMARK_METADATA_FILE', path.join(data, 'metadata.sqlite')) };
  return { adapter, account: cosmosAccountOf(settings), database: get('TIDEMARK_COSMOS_DATABASE', 'tidemark') };
}

function queuesOf(settings: Settings, data: string): Config['queues'] {
  const { get, oneOf } = settings;
  const adapter = oneOf('TIDEMARK_QUEUES', ['sqlite', 'azure'], 'sqlite');
  if (adapter === 'azure') return { adapter, account: storageAccountOf(settings, 'TIDEMARK_QUEUE_ACCOUNT_URL') };
  return { adapter, file: get('TIDEMARK_QUEUE_FILE', path.join(data, 'queues.sqlite')) };
}

function changeFeedOf(settings: Settings, folder: string): Config['changeFeed'] {
  const { get, oneOf } = settings;
  const usual = get('TIDEMARK_BLOBS', 'disk') === 'disk' ? 'disk' : 'none';
  const adapter = oneOf('TIDEMARK_CHANGE_FEED', ['none', 'disk', 'azure'], usual);
  if (adapter === 'azure') return { adapter, account: storageAccountOf(settings, 'TIDEMARK_BLOB_ACCOUNT_URL') };
  return adapter === 'disk' ? { adapter, folder } : { adapter };
}

function realtimeOf({ get, mustGetUrl, oneOf, flag }: Settings): Config['realtime'] {
  const adapter = oneOf('TIDEMARK_REALTIME', ['none', 'web-pubsub'], 'none');
  if (adapter === 'none') return { adapter };
  const urlSetting = 'TIDEMARK_WEB_PUBSUB_URL';
  const connection = get('TIDEMARK_WEB_PUBSUB_CONNECTION', '');
  if (connection === '') return { adapter, account: { kind: 'identity', url: mustGetUrl(urlSetting) } };
  if (get(urlSetting, '') !== '') throw wrong(urlSetting, 'and TIDEMARK_WEB_PUBSUB_CONNECTION cannot both be set');
  const allowRemote = flag('TIDEMARK_WEB_PUBSUB_REMOTE_KEY');
  return { adapter, account: { kind: 'connection', connection, allowRemote } };
}
