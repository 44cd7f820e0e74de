/**
 * How a storage account is reached: by an identity, as in Azure, or by its key, which only an emulator on this machine may be
 * reached with. A key opens everything for ever; an account that can be reached from elsewhere should have none.
 */
import { StorageSharedKeyCredential, type StoragePipelineOptions } from '@azure/storage-blob';
import type { TokenCredential } from '@azure/identity';
import { TidemarkError } from '../../core/errors.ts';

/** Of the SDKs' requests, where the usual ones will not do: in tests. */
export interface PipelineOptions {
  readonly httpClient?: NonNullable<StoragePipelineOptions['httpClient']>;
  readonly retryOptions?: { readonly maxTries: number };
}

export type StorageAccess =
  | {
      readonly kind: 'identity';
      /** Of one service, without a slash at its end: `https://<account>.blob.core.windows.net`. */
      readonly url: string;
      readonly credential: TokenCredential;
      readonly pipeline?: PipelineOptions;
    }
  | {
      readonly kind: 'account-key';
      readonly url: string;
      readonly account: string;
      /** Base64. */
      readonly key: string;
      readonly pipeline?: PipelineOptions;
    };

export type StorageService = 'blob' | 'queue';

/** What `UseDevelopmentStorage=true` stands for: Azurite on its usual ports, with the account and key that Microsoft publishes. */
const development = {
  account: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
  url: { blob: 'http://127.0.0.1:10000/devstoreaccount1', queue: 'http://127.0.0.1:10001/devstoreaccount1' },
} as const;

function isLoopback(url: URL): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}

/** Whether the account at this URL can be reached from this machine only. */
export function isLocalAccount(url: string): boolean {
  return isLoopback(new URL(url));
}

/**
 * Access by an identity. @throws TidemarkError `malformed` when the URL is not https: tokens do not travel in the open.
 */
export function identityAccess(url: string, credential: TokenCredential, pipeline?: PipelineOptions): StorageAccess {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new TidemarkError('malformed', 'a storage account that is reached by an identity has an https URL');
  }
  return { kind: 'identity', url: url.replace(/\/+$/, ''), credential, ...(pipeline && { pipeline }) };
}

function parseFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) fields.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  return fields;
}

/**
 * Access to one service by a connection string, for Azurite and nothing else. The string itself is in no message.
 * @throws TidemarkError `forbidden` when it holds the key of an account that is not on this machine, `malformed` when it is no
 * connection string with a key.
 */
export function connectionStringAccess(
  text: string,
  service: StorageService,
  pipeline?: PipelineOptions,
): StorageAccess {
  const fields = parseFields(text);
  const usesDevelopment = fields.get('usedevelopmentstorage')?.toLowerCase() === 'true';
  const account = usesDevelopment ? development.account : fields.get('accountname');
  const key = usesDevelopment ? development.key : fields.get('accountkey');
  if (account === undefined || account === '' || key === undefined || key === '') {
    throw new TidemarkError('malformed', 'the connection string has no account name and key');
  }
  const suffix = fields.get('endpointsuffix') ?? 'core.windows.net';
  const named = fields.get(`${service}endpoint`) ?? `https://${account}.${service}.${suffix}`;
  const url = (usesDevelopment ? development.url[service] : named).replace(/\/+$/, '');
  if (!URL.canParse(url)) throw new TidemarkError('malformed', `the connection string's ${service} endpoint is no URL`);
  if (!isLocalAccount(url)) {
    throw new TidemarkError(
      'forbidden',
      'an account key is taken for an emulator on this machine only; give a managed identity a role on the account instead',
    );
  }
  return { kind: 'account-key', url, account, key, ...(pipeline && { pipeline }) };
}

/** What the SDK's clients take for it. */
export function credentialOf(access: StorageAccess): TokenCredential | StorageSharedKeyCredential {
  if (access.kind === 'identity') return access.credential;
  if (!isLocalAccount(access.url)) {
    throw new TidemarkError('forbidden', 'an account key is taken for an emulator on this machine only');
  }
  return new StorageSharedKeyCredential(access.account, access.key);
}

/** Few and short tries: whoever asked waits, and repeats what may be repeated. */
const retryOptions = { maxTries: 4, tryTimeoutInMs: 60_000, retryDelayInMs: 200, maxRetryDelayInMs: 5_000 };

/** Options of every request of the SDK. */
export function pipelineOf(access: StorageAccess) {
  return { retryOptions, ...access.pipeline };
}
