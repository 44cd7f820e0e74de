/**
 * The door to Azurite, which has no programming interface: its servers are reached by deep imports, without types. What we
 * use of them is declared here, and nowhere else. Tied to the pinned version of the package: a test starts it.
 */
import { createRequire, registerHooks } from 'node:module';
import type { Server } from 'node:http';

/** What a blob is in Azurite's metadata store, as far as we look. */
export interface AzuriteBlob {
  readonly accountName: string;
  readonly containerName: string;
  readonly name: string;
  readonly properties: AzuriteBlobProperties;
}

export interface AzuriteBlobProperties {
  readonly etag: string;
  readonly blobType?: string;
  readonly contentLength?: number;
  readonly contentType?: string;
}

/** The request's context: Azurite hands it to its store with every call. */
export interface AzuriteContext {
  readonly request?: { getQuery(name: string): string | undefined };
}

export interface AzuriteConditions {
  ifNoneMatch?: string;
}

export interface AzuriteBlobName {
  readonly account: string;
  readonly container: string;
  readonly blob: string;
}

/** The calls by which blobs come and go. */
export interface AzuriteMetadataStore {
  createBlob(
    context: AzuriteContext,
    blob: AzuriteBlob,
    lease?: unknown,
    conditions?: AzuriteConditions,
  ): Promise<unknown>;
  commitBlockList(context: AzuriteContext, blob: AzuriteBlob, ...rest: unknown[]): Promise<unknown>;
  copyFromURL(
    context: AzuriteContext,
    source: AzuriteBlobName,
    destination: AzuriteBlobName,
    ...rest: unknown[]
  ): Promise<AzuriteBlobProperties>;
  startCopyFromURL: AzuriteMetadataStore['copyFromURL'];
  downloadBlob(
    context: AzuriteContext,
    account: string,
    container: string,
    blob: string,
  ): Promise<{ readonly properties: AzuriteBlobProperties }>;
  deleteBlob(
    context: AzuriteContext,
    account: string,
    container: string,
    blob: string,
    options: { readonly snapshot?: string },
  ): Promise<unknown>;
}

export interface AzuriteAccount {
  readonly name: string;
  readonly key1: Buffer;
}

export interface AzuriteServer {
  /** Express: with `trust proxy` set it believes `x-forwarded-proto`. */
  readonly httpServer: Server;
  readonly accountDataStore: { getAccount(name: string): AzuriteAccount | undefined };
  start(): Promise<void>;
  close(): Promise<void>;
  getHttpServerAddress(): string;
}

export interface AzuriteBlobServer extends AzuriteServer {
  readonly metadataStore: AzuriteMetadataStore;
}

/** The constructors' arguments, in order. Undefined takes Azurite's own default. */
type ConfigurationArguments = readonly [
  host: string,
  port: number,
  keepAliveSeconds: number,
  metadataFile: string,
  extentFile: string,
  persistence: readonly AzuritePersistence[],
  accessLog: boolean,
  accessLogStream: undefined,
  debugLog: boolean,
  debugLogFile: undefined,
  loose: boolean,
  skipApiVersionCheck: boolean,
  cert: '',
  key: '',
  password: '',
  oauth: 'basic' | undefined,
  disableProductStyleUrl: boolean,
  inMemory: boolean,
];

export interface AzuritePersistence {
  readonly locationId: string;
  readonly locationPath: string;
  readonly maxConcurrency: number;
}

interface Constructor<Arguments extends readonly unknown[], Made> {
  new (...parameters: Arguments): Made;
}

export interface AzuriteModules {
  readonly BlobConfiguration: Constructor<ConfigurationArguments, object>;
  readonly BlobServer: Constructor<[object], AzuriteBlobServer>;
  readonly QueueConfiguration: Constructor<ConfigurationArguments, object>;
  readonly QueueServer: Constructor<[object], AzuriteServer>;
}

const stubUrl = new URL('./no-telemetry.ts', import.meta.url).href;
const packageFolder = '/azurite/dist/';
let loaded: AzuriteModules | undefined;

/** Loads the servers, once per process: a quarter of a second and 100 MB, so nobody loads this module for its types alone. */
export function loadAzurite(): AzuriteModules {
  if (loaded !== undefined) return loaded;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const fromAzurite = context.parentURL?.includes(packageFolder) === true;
      if (specifier !== 'applicationinsights' || !fromAzurite) return nextResolve(specifier, context);
      return { url: stubUrl, shortCircuit: true };
    },
  });
  const require = createRequire(import.meta.url);
  const load = <Made>(file: string): Made => {
    const module = require(`azurite/dist/src/${file}.js`) as { readonly default: Made };
    return module.default;
  };
  loaded = {
    BlobConfiguration: load('blob/BlobConfiguration'),
    BlobServer: load('blob/BlobServer'),
    QueueConfiguration: load('queue/QueueConfiguration'),
    QueueServer: load('queue/QueueServer'),
  };
  return loaded;
}
