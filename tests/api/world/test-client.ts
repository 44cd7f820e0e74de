/** The SDK over the API in memory, as one person, without waiting and trying again. */
import { type ApiClient, createApiClient } from '../../../client/sdk/api-client.ts';
import type { DeviceId } from '../../../shared/core/ids.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import type { Person, TestWorld } from './test-world.ts';

export function clientOf(world: TestWorld, person: Person, device?: DeviceId): ApiClient {
  return createApiClient({
    baseUrl: 'https://tidemark.test/api',
    transport: (request) => world.api.handle(request),
    tokens: { token: () => Promise.resolve(person), renew: () => Promise.resolve(person) },
    ...(device === undefined ? {} : { device }),
    lz4: nodeCodecs.lz4,
    waiter: { sleep: () => Promise.resolve(), random: () => 0 },
    now: () => world.clock.now(),
    retry: { attempts: 1, baseMs: 1, capMs: 1, retryAfterMaxMs: 1 },
  });
}
