import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { systemRandomness } from '../../shared/adapters/node/system-randomness.ts';
import { createSqliteMetadataStore } from '../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { MetadataStore } from '../../shared/ports/metadata-store.ts';
import { type RequestScope, noRequestScope } from '../../shared/ports/request-scope.ts';
import type { Config, CosmosAccount } from '../config.ts';

export interface Metadata {
  readonly metadata: MetadataStore;
  readonly scope: RequestScope;
}

/** The SDK is loaded here, so that a stack on SQLite starts without it. */
async function openCosmos(account: CosmosAccount, database: string, clock: Clock): Promise<Metadata> {
  const { createCosmosClient } = await import('../../shared/adapters/cosmos/cosmos-access.ts');
  const { createCosmosMetadataStore } = await import('../../shared/adapters/cosmos/cosmos-metadata-store.ts');
  const { endpoint } = account;
  if (account.kind === 'key') {
    const { createCosmosDatabase } = await import('../../shared/adapters/cosmos/containers.ts');
    const client = createCosmosClient(account);
    // An emulator begins empty; in Azure the templates make the containers, and no identity of the service may.
    await createCosmosDatabase(client, database);
    const store = createCosmosMetadataStore({ client, database, clock, randomness: systemRandomness });
    return { metadata: store, scope: store.scope };
  }
  const { DefaultAzureCredential } = await import('@azure/identity');
  const client = createCosmosClient({ kind: 'identity', endpoint, credential: new DefaultAzureCredential() });
  const store = createCosmosMetadataStore({ client, database, clock, randomness: systemRandomness });
  return { metadata: store, scope: store.scope };
}

/**
 * The metadata store that is configured, with what ties it to requests.
 * @throws TidemarkError `forbidden` for the key of an account on another machine, unless that is allowed.
 */
export async function openMetadata(metadata: Config['metadata'], clock: Clock): Promise<Metadata> {
  if (metadata.adapter === 'cosmos') return openCosmos(metadata.account, metadata.database, clock);
  await mkdir(path.dirname(metadata.file), { recursive: true });
  return { metadata: createSqliteMetadataStore({ file: metadata.file }), scope: noRequestScope };
}
