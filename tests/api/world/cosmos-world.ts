/** A whole service over an emulated Cosmos DB, and clients that carry its session token from answer to request, as clients do. */
import type { TestContext } from 'node:test';
import { createCosmosDatabase } from '../../../shared/adapters/cosmos/containers.ts';
import { createCosmosClient } from '../../../shared/adapters/cosmos/cosmos-access.ts';
import { createCosmosMetadataStore } from '../../../shared/adapters/cosmos/cosmos-metadata-store.ts';
import { systemRandomness } from '../../../shared/adapters/node/system-randomness.ts';
import type { Api } from '../../../shared/api/api.ts';
import { sessionHeader } from '../../../shared/api/session-token.ts';
import { type CosmosEmulator, startCosmosEmulator } from '../../cosmos-emulator/emulator.ts';
import { TestClock, type TestWorld, createTestWorld } from './test-world.ts';

export interface CosmosService {
  readonly emulator: CosmosEmulator;
  /** Another instance over the same account, with blobs of its own. */
  readonly instance: () => TestWorld;
  readonly close: () => Promise<void>;
}

export async function startCosmosService(): Promise<CosmosService> {
  const emulator = await startCosmosEmulator({ lagMax: 100_000 });
  const { endpoint, key } = emulator;
  const client = createCosmosClient({ kind: 'key', endpoint, key });
  await createCosmosDatabase(client, 'service');
  const instance = () => {
    const clock = new TestClock();
    const store = createCosmosMetadataStore({ client, database: 'service', clock, randomness: systemRandomness });
    return createTestWorld({ metadata: store, adapt: (deps) => ({ ...deps, scope: store.scope }) });
  };
  return { emulator, instance, close: () => emulator.close() };
}

export async function createCosmosService(t: TestContext): Promise<CosmosService> {
  const service = await startCosmosService();
  t.after(() => service.close());
  return service;
}

/** One client's view of a service: each request carries the token of the answer before it. */
export function withSession(world: TestWorld, session: { token: string | null } = { token: null }): TestWorld {
  const api: Api = {
    async handle(request, context) {
      const headers = new Headers(request.headers);
      if (session.token !== null) headers.set(sessionHeader, session.token);
      const answer = await world.api.handle(new Request(request, { headers }), context);
      session.token = answer.headers.get(sessionHeader) ?? session.token;
      return answer;
    },
  };
  return { ...world, api };
}
