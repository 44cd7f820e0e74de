/** Stores over one emulated account, whose lag, faults and clock a test can set. */
import type { TestContext } from 'node:test';
import type { CosmosClient } from '@azure/cosmos';
import { createCosmosDatabase } from '../../../shared/adapters/cosmos/containers.ts';
import { createCosmosClient } from '../../../shared/adapters/cosmos/cosmos-access.ts';
import {
  type CosmosMetadataStore,
  createCosmosMetadataStore,
} from '../../../shared/adapters/cosmos/cosmos-metadata-store.ts';
import type { ArchivePolicy } from '../../../shared/adapters/cosmos/journal-archive.ts';
import { systemRandomness } from '../../../shared/adapters/node/system-randomness.ts';
import { type ManualClock, createManualClock } from '../../contracts/manual-clock.ts';
import { type CosmosEmulator, type Fault, startCosmosEmulator } from '../../cosmos-emulator/emulator.ts';
import type { EmulatedRequest } from '../../cosmos-emulator/requests.ts';

export interface CosmosWorld {
  readonly emulator: CosmosEmulator;
  readonly clock: ManualClock;
  /** The SDK's own client, to look at what is stored. */
  readonly client: CosmosClient;
  readonly store: CosmosMetadataStore;
  /** Another instance, as another process has it. */
  readonly open: () => CosmosMetadataStore;
}

export const database = 'tidemark';

export async function createCosmosWorld(
  t: TestContext,
  options: { readonly archive?: ArchivePolicy; readonly deadlineMs?: number } = {},
): Promise<CosmosWorld> {
  const clock = createManualClock();
  const emulator = await startCosmosEmulator({ now: () => clock.now(), lagMax: 1_000 });
  const { endpoint, key } = emulator;
  const connect = () => createCosmosClient({ kind: 'key', endpoint, key });
  const client = connect();
  await createCosmosDatabase(client, database);
  const open = () =>
    createCosmosMetadataStore({ client: connect(), database, clock, randomness: systemRandomness, ...options });
  t.after(() => emulator.close());
  return { emulator, clock, client, store: open(), open };
}

/** Whether a request is about documents: the SDK asks for containers and query plans besides. */
export function isDocumentRequest({ target, headers }: EmulatedRequest): boolean {
  return target.resourceType === 'docs' && headers['x-ms-cosmos-is-query-plan-request'] === undefined;
}

function isWrite(request: EmulatedRequest): boolean {
  return (
    isDocumentRequest(request) && request.method !== 'GET' && request.headers['x-ms-documentdb-isquery'] === undefined
  );
}

/** One fault at the nth write of documents, counted from 0; says whether it came to that. */
export function faultAt(emulator: CosmosEmulator, n: number, fault: Fault): { readonly hit: boolean } {
  const seen = { hit: false };
  let count = 0;
  emulator.fault = (request) => {
    if (!isWrite(request) || count++ !== n) return undefined;
    seen.hit = true;
    return fault;
  };
  return seen;
}

/** Lets the nth write of documents, counted from 0, wait until `meanwhile` is done; says whether it came to that. */
export function holdAt(emulator: CosmosEmulator, n: number, meanwhile: () => Promise<void>): { readonly hit: boolean } {
  const seen = { hit: false };
  let count = 0;
  emulator.fault = async (request) => {
    if (!isWrite(request) || count++ !== n) return undefined;
    seen.hit = true;
    await meanwhile();
    return undefined;
  };
  return seen;
}
