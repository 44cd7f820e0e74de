/** Metadata in Azure Cosmos DB (API for NoSQL, session consistency). What is where, and why, is in containers.ts. */
import type { CosmosClient } from '@azure/cosmos';
import type { Clock } from '../../ports/clock.ts';
import type { MetadataStore } from '../../ports/metadata-store.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { RequestScope } from '../../ports/request-scope.ts';
import { createCosmosChunkIndex } from './cosmos-chunk-index.ts';
import { createCosmosDeviceStore } from './cosmos-device-store.ts';
import { createCosmosJournalStore } from './cosmos-journal-store.ts';
import { createCosmosLeaseStore } from './cosmos-lease-store.ts';
import { createCosmosObjectStore } from './cosmos-object-store.ts';
import { createCosmosPresenceStore } from './cosmos-presence-store.ts';
import { createCosmosQuarantineStore } from './cosmos-quarantine-store.ts';
import { createCosmosRequestScope } from './cosmos-request-scope.ts';
import { createCosmosSessionStore } from './cosmos-session-store.ts';
import { createCosmosVersionStore } from './cosmos-version-store.ts';
import { createCosmosWorkspaceStore } from './cosmos-workspace-store.ts';
import { requestMsMax } from './cosmos-access.ts';
import { type ArchivePolicy, archivePolicy } from './journal-archive.ts';
import { purgeWorkspace } from './purge-workspace.ts';
import { openTables } from './tables.ts';

export interface CosmosMetadataStore extends MetadataStore {
  /** Ties the store's calls to a request: without it, each call sees its own steps only. */
  readonly scope: RequestScope;
}

/** The database and its containers exist (containers.ts). Nothing is asked of the account before the first call. */
export function createCosmosMetadataStore(options: {
  readonly client: CosmosClient;
  readonly database: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** When journal entries leave the head's partition; tests of short journals make it sooner. */
  readonly archive?: ArchivePolicy;
  /** What one request to the account may take before it counts as unavailable. */
  readonly deadlineMs?: number;
}): CosmosMetadataStore {
  const { client, database, clock, randomness, archive = archivePolicy, deadlineMs = requestMsMax } = options;
  const tables = openTables(client, database, deadlineMs);
  return {
    scope: createCosmosRequestScope(tables, clock, randomness),
    purgeWorkspace: (workspaceId, limit) => tables.attempt(() => purgeWorkspace(tables, workspaceId, limit)),
    workspaces: createCosmosWorkspaceStore(tables),
    devices: createCosmosDeviceStore(tables),
    sessions: createCosmosSessionStore(tables, clock),
    chunks: createCosmosChunkIndex(tables),
    objects: createCosmosObjectStore(tables),
    journal: createCosmosJournalStore(tables, clock, archive),
    versions: createCosmosVersionStore(tables),
    quarantine: createCosmosQuarantineStore(tables),
    leases: createCosmosLeaseStore(tables),
    presence: createCosmosPresenceStore(tables, clock),
  };
}
