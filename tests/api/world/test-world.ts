/** A whole service in memory behind its API, with a clock and randomness of its own: what tests of services and API stand on. */
import { concatBytes, utf8 } from '../../../shared/core/bytes.ts';
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { parseUserId } from '../../../shared/core/ids.ts';
import { createMemoryBlobStore, type MemoryBlobStore } from '../../../shared/adapters/memory/memory-blob-store.ts';
import { createMemoryChangeFeed } from '../../../shared/adapters/memory/memory-change-feed.ts';
import { createMemoryMetadataStore } from '../../../shared/adapters/memory/memory-metadata-store.ts';
import { createMemoryQueue } from '../../../shared/adapters/memory/memory-queue.ts';
import { createStaticTokenVerifier } from '../../../shared/adapters/memory/static-token-verifier.ts';
import { createTokenBucketLimiter } from '../../../shared/adapters/memory/token-bucket-limiter.ts';
import { createEd25519Signer } from '../../../shared/adapters/node/ed25519-signer.ts';
import { nodeCodecs } from '../../../shared/adapters/node/node-codecs.ts';
import { type Api, type ApiDependencies, createApi } from '../../../shared/api/api.ts';
import { type Log, type LogFields, silentLog } from '../../../shared/ports/log.ts';
import type { MetadataStore } from '../../../shared/ports/metadata-store.ts';
import { noMetrics } from '../../../shared/ports/metrics.ts';
import { noRequestScope } from '../../../shared/ports/request-scope.ts';
import type { Scope } from '../../../shared/ports/token-verifier.ts';
import { commit } from '../../../shared/services/commit.ts';
import { silentAnnouncer } from '../../../shared/services/realtime/announcer.ts';
import { reportsPolicy } from '../../../shared/services/realtime/reports-policy.ts';
import { restore } from '../../../shared/services/restore.ts';
import { assertNoSecret, findSecret } from '../../secrets/find-secret.ts';
import { createTestNotifier } from './test-notifier.ts';

export class TestClock {
  ms = Date.UTC(2026, 10, 22, 12);
  now(): number {
    return this.ms;
  }
}

/** Bytes that follow from a seed and the number of calls. */
export function countedRandomness(seed: string): { bytes(length: number): Uint8Array } {
  let calls = 0;
  return {
    bytes(length) {
      const block = blake3(concatBytes(utf8(seed), utf8(String(calls++))));
      return length <= block.length ? block.slice(0, length) : concatBytes(block, this.bytes(length - block.length));
    },
  };
}

const all: readonly Scope[] = ['sync.read', 'sync.write', 'sync.admin'];

/** `olga` is the operator of the service, and in no workspace. */
export const people = { ann: all, bob: all, eve: all, olga: all, reader: ['sync.read'] } as const;
export type Person = keyof typeof people;

export function userOf(person: Person) {
  return parseUserId(`test|${person}`);
}

export interface TestWorld {
  readonly api: Api;
  readonly deps: ApiDependencies;
  readonly blobs: MemoryBlobStore;
  readonly clock: TestClock;
  /** Everything logged, as one text for each line. */
  readonly logged: string[];
}

export interface TestWorldOptions {
  readonly seed?: string;
  readonly metadata?: MetadataStore;
  /** Changes what the API runs on, say by decorating a store. */
  readonly adapt?: (deps: ApiDependencies) => ApiDependencies;
}

/** No line may hold a secret: it fails the test, whatever the service does with what its log throws. */
function keepingLog(lines: string[]): Log {
  const keep = (fields: LogFields, message: string): void => {
    const line = `${message} ${JSON.stringify(fields)}`;
    lines.push(line);
    if (findSecret(line) !== undefined) queueMicrotask(() => assertNoSecret(line, 'the log'));
  };
  return { ...silentLog, info: keep, warn: keep, error: keep, debug: keep };
}

/** The tokens are the people's names. */
export function createTestWorld(options: TestWorldOptions = {}): TestWorld {
  const clock = new TestClock();
  const changes = createMemoryChangeFeed();
  const blobs = createMemoryBlobStore({ clock, changes });
  const logged: string[] = [];
  const callers = Object.entries(people).map(
    ([name, scopes]) => [name, { userId: userOf(name as Person), scopes: new Set<Scope>(scopes) }] as const,
  );
  const plain: ApiDependencies = {
    blobs,
    metadata: options.metadata ?? createMemoryMetadataStore(),
    signer: createEd25519Signer(blake3(utf8('test signer'))),
    clock,
    randomness: countedRandomness(options.seed ?? 'world'),
    log: keepingLog(logged),
    codecs: nodeCodecs,
    region: 'test-region',
    tokens: createStaticTokenVerifier(new Map(callers)),
    configuration: {
      protocol: 1,
      issuer: 'https://issuer.test',
      audience: 'tidemark',
      clientId: 'tide',
      development: true,
    },
    version: '0.0.0-test',
    commit,
    restore,
    queue: createMemoryQueue({ clock }),
    changeFeed: changes,
    metrics: noMetrics,
    scope: noRequestScope,
    rateLimiter: null,
    operators: new Set([userOf('olga')]),
    defaultQuota: { filesMax: null, bytesMax: null },
    notifier: createTestNotifier(clock),
    announcer: silentAnnouncer,
    reportLimiter: createTokenBucketLimiter(reportsPolicy),
  };
  const deps = options.adapt?.(plain) ?? plain;
  return { api: createApi(deps), deps, blobs, clock, logged };
}
