/**
 * What is where in Azure Cosmos DB. Every container has the partition key `/pk`, and every query but two stays in one
 * partition and asks by `id`, which the service indexes always; besides it `pk` is indexed, and nothing else unless the table
 * says so. The newest of `presence` are asked for by `seenMs`.
 *
 *     container   pk                  id                       what, and why there
 *     workspaces  <ws>                workspace                the record; one batch makes it together with its head
 *                                     head                     the newest position, replaced under its ETag
 *                                     entry-<seq>              the newest journal entries; older ones move to `journal`
 *                                     request-<id>             answers to commits; TTL; `expiresMs` indexed
 *                                     answer-<id>-<hash>-<n>   parts of answers over 256 KiB; TTL
 *     journal     <ws>-<bucket>       entry-<seq>              16,384 entries a partition, for ever
 *     directory   user|<userId>       workspace-<ws>           who may be a member of what (the record decides)
 *                                     device-<id>              whose devices
 *                 device-<id>         device                   one device
 *                 workspaces          <ws>                     all workspaces, for operators
 *     sessions    <ws>                <sessionId>              upload sessions; TTL; `expiresMs` indexed
 *     chunks      <ws>-<x>            <prefix of hashes>       buckets of chunk places (chunk-bucket.ts); x: first digit
 *                 <ws>                <packId>                 packs
 *     objects     <ws>-<x>            <kind>-<hash>[-<n>]      nodes, manifests, segments; parts of those over 1 MiB
 *     versions    <ws>-<x>            <nodeId>-<seq>           versions; x: last digit of the node id
 *                 <ws>                projected                the position of the projection
 *     quarantine  <ws>                <hex of the blob name>   `packId` indexed
 *     leases      leases              <hex of the name>        some dozens
 *                 secrets             session-token-key        what request tokens are sealed with
 *     presence    <ws>                <deviceId>               when it was last heard of; TTL; `seenMs` indexed
 *
 * No partition comes near its 20 GB: one of `journal` holds 16,384 entries of at most 350 KB (6 GB); the sixteen of a
 * workspace in `chunks`, `objects` and `versions` hold 320 GB together (3 * 10^9 chunks; 3 * 10^8 versions); `workspaces` holds
 * some hundred entries and the requests of one week: at 1.5 KB each, 20 commits a second of one workspace without a pause are
 * 18 GB. `chunks/<ws>` takes ten million packs (160 TB). Throughput: 10,000 RU a second and partition; a commit takes about 25
 * of its workspace's.
 */
import type { ContainerDefinition, CosmosClient } from '@azure/cosmos';

interface Layout {
  /** Whether documents may have a time to live of their own. */
  readonly ttl: boolean;
  /** Properties that are indexed besides `id` and `pk`. */
  readonly indexed: readonly string[];
}

/** Never reordered: session tokens name containers by their place here (session-token.ts). */
export const containerNames = [
  'workspaces',
  'journal',
  'directory',
  'sessions',
  'chunks',
  'objects',
  'versions',
  'quarantine',
  'leases',
  'presence',
] as const;
export type ContainerName = (typeof containerNames)[number];

const layouts: Readonly<Record<ContainerName, Layout>> = {
  workspaces: { ttl: true, indexed: ['expiresMs'] },
  journal: { ttl: false, indexed: [] },
  directory: { ttl: false, indexed: [] },
  sessions: { ttl: true, indexed: ['expiresMs'] },
  chunks: { ttl: false, indexed: [] },
  objects: { ttl: false, indexed: [] },
  versions: { ttl: false, indexed: [] },
  quarantine: { ttl: false, indexed: ['packId'] },
  leases: { ttl: false, indexed: [] },
  presence: { ttl: true, indexed: ['seenMs'] },
};

/** The definition of a container, as a template that deploys must have it too. */
export function containerDefinition(name: ContainerName): ContainerDefinition {
  const { ttl, indexed } = layouts[name];
  return {
    id: name,
    partitionKey: { paths: ['/pk'] },
    ...(ttl ? { defaultTtl: -1 } : {}),
    indexingPolicy: {
      indexingMode: 'consistent',
      automatic: true,
      includedPaths: ['pk', ...indexed].map((property) => ({ path: `/${property}/?` })),
      excludedPaths: [{ path: '/*' }],
    },
  };
}

/** Makes the database and its containers where they are missing: for development and tests. In Azure the templates do it. */
export async function createCosmosDatabase(client: CosmosClient, database: string): Promise<void> {
  await client.databases.createIfNotExists({ id: database });
  for (const name of containerNames) {
    await client.database(database).containers.createIfNotExists(containerDefinition(name));
  }
}
