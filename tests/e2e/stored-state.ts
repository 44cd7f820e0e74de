/** What a stack holds, as far as its stores can be counted from beside it: for tests in which nothing may change. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CosmosClient } from '@azure/cosmos';
import { BlobServiceClient } from '@azure/storage-blob';
import { containerNames } from '../../shared/adapters/cosmos/containers.ts';
import { containers } from '../../shared/ports/blob-store.ts';
import type { CosmosProcess } from './cosmos-process.ts';
import type { World } from './world.ts';

export interface StoredState {
  /** Records of each table or container, but for those that timers write whenever they like. */
  readonly counts: Readonly<Record<string, number>>;
  /** Names of all blobs in order, uncommitted ones and, on files, the files of the store's own among them. */
  readonly blobs: readonly string[];
}

/** Leases come and go with the minute, versions are projected every five, whoever sends what. */
const ofTimers: ReadonlySet<string> = new Set(['leases', 'versions', 'projections']);

function countRows(data: string): Record<string, number> {
  const database = new DatabaseSync(join(data, 'metadata.sqlite'), { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  const names = tables.map(({ name }) => String(name)).filter((name) => !ofTimers.has(name));
  const counts = names.map((name) => [
    name,
    Number(database.prepare(`SELECT count(*) AS n FROM "${name}"`).get()?.['n']),
  ]);
  database.close();
  return Object.fromEntries(counts) as Record<string, number>;
}

async function countDocuments({ endpoint, key }: CosmosProcess): Promise<Record<string, number>> {
  const client = new CosmosClient({ endpoint, key });
  const counts: Record<string, number> = {};
  for (const name of containerNames.filter((each) => !ofTimers.has(each))) {
    const { items } = client.database('tidemark').container(name);
    counts[name] = (await items.query('SELECT * FROM c').fetchAll()).resources.length;
  }
  client.dispose();
  return counts;
}

async function listAzureBlobs(connectionString: string): Promise<string[]> {
  const service = BlobServiceClient.fromConnectionString(connectionString);
  const names: string[] = [];
  for (const container of containers) {
    for await (const { name } of service.getContainerClient(container).listBlobsFlat({ includeUncommitedBlobs: true }))
      names.push(`${container}/${name}`);
  }
  return names;
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

export async function readStoredState({ data, stack, cosmos }: World): Promise<StoredState> {
  if (cosmos === undefined) {
    return { counts: countRows(data), blobs: listFiles(join(data, 'blobs')).sort() };
  }
  const blobs = await listAzureBlobs(stack.endpoints.connectionString!);
  return { counts: await countDocuments(cosmos), blobs: blobs.sort() };
}
