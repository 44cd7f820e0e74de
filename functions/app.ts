/**
 * The composition root: names the adapters, builds the service once, and registers every trigger. Loading this module is
 * what the Functions host does; nothing is opened until the first call.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { app } from '@azure/functions';
import { createApi } from '../shared/api/api.ts';
import { protocolVersion } from '../shared/core/wire/protocol.ts';
import { createDiskBlobStore } from '../shared/adapters/disk/disk-blob-store.ts';
import { loadEd25519Signer } from '../shared/adapters/node/ed25519-signer.ts';
import { installNativeBlake3 } from '../shared/adapters/node/native-blake3.ts';
import { nodeCodecs } from '../shared/adapters/node/node-codecs.ts';
import { createOidcTokenVerifier } from '../shared/adapters/node/oidc-token-verifier.ts';
import { systemClock } from '../shared/adapters/node/system-clock.ts';
import { systemRandomness } from '../shared/adapters/node/system-randomness.ts';
import { createSqliteMetadataStore } from '../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { commit } from '../shared/services/commit.ts';
import { withCommitQueue } from '../shared/services/commit-queue.ts';
import { loadBlobUrlKey } from '../shared/adapters/disk/blob-url-key.ts';
import { type Config, readConfig } from './config.ts';
import { createConsoleLog } from './console-log.ts';
import { registerDevices } from './devices.ts';
import { registerFallback } from './fallback.ts';
import { registerManifests } from './manifests.ts';
import { registerServerInfo } from './server-info.ts';
import { type Service, once } from './service.ts';
import { registerSweep } from './sweep.ts';
import { registerTransfer } from './transfer.ts';
import { registerVerifyPack } from './verify-pack.ts';
import { registerWorkspaces } from './workspaces.ts';

/** What /health tells of the build. */
const version = '0.1.0';

/** The service of a config, with its stores open. */
export async function buildService(config: Config): Promise<Service> {
  await installNativeBlake3();
  await mkdir(path.dirname(config.metadata.file), { recursive: true });
  const clock = systemClock;
  const { issuer, audience, clientId, development, region, blobs } = config;
  const deps = {
    blobs: createDiskBlobStore({
      folder: blobs.folder,
      endpoint: blobs.endpoint,
      key: await loadBlobUrlKey(blobs.keyFile),
      clock,
    }),
    metadata: createSqliteMetadataStore({ file: config.metadata.file }),
    signer: await loadEd25519Signer({ file: config.signingKeyFile }),
    clock,
    randomness: systemRandomness,
    log: createConsoleLog(config.logLevel),
    codecs: nodeCodecs,
    region,
    tokens: createOidcTokenVerifier({ issuer, audience, clock }),
    configuration: { protocol: protocolVersion, issuer, audience, clientId, development },
    version,
    commit: withCommitQueue(commit),
  };
  return { deps, api: createApi(deps) };
}

const getService = once(async () => buildService(readConfig(process.env)));

app.setup({ enableHttpStream: true });
registerServerInfo(getService);
registerWorkspaces(getService);
registerDevices(getService);
registerTransfer(getService);
registerManifests(getService);
registerFallback(getService);
registerVerifyPack(getService);
registerSweep(getService);
