/** The whole service on the stores of a machine that is its own cloud, SQLite and files: what it acknowledges outlives its process. */
import { cpSync, mkdirSync, readdirSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { utf8 } from '../../../shared/core/bytes.ts';
import { blake3 } from '../../../shared/core/hash/blake3.ts';
import { parseBlobRequest } from '../../../shared/adapters/blob-protocol/blob-request.ts';
import { createDiskBlobStore } from '../../../shared/adapters/disk/disk-blob-store.ts';
import { createSqliteMetadataStore } from '../../../shared/adapters/sqlite/sqlite-metadata-store.ts';
import { createSqliteQueue } from '../../../shared/adapters/sqlite/sqlite-queue.ts';
import type { BlobStore } from '../../../shared/ports/blob-store.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { type TestWorld, createTestWorld } from '../../api/world/test-world.ts';

const endpoint = 'https://blobs.test';
const key = blake3(utf8('key of blob URLs'));

export interface DurableWorld extends TestWorld {
  readonly close: () => void;
}

/** What a client's PUT of a blob does, without the endpoint between. */
function putBy(store: BlobStore, clock: Clock) {
  return async (request: Request): Promise<Response> => {
    const asked = parseBlobRequest(
      {
        method: request.method,
        target: request.url.slice(endpoint.length),
        header: (name) => request.headers.get(name) ?? undefined,
      },
      key,
      clock.now(),
    );
    if (asked.kind !== 'create') throw new Error(`blobs are only put here: ${asked.kind}`);
    const body = new Uint8Array(await request.arrayBuffer());
    const put = await store.put(asked.container, asked.name, body);
    return new Response(null, { status: put === 'created' ? 201 : 409 });
  };
}

/** @param seed of the process's randomness: no two processes on one folder may draw the same ids. */
export function openDurableWorld(folder: string, seed: string): DurableWorld {
  mkdirSync(folder, { recursive: true });
  const metadata = createSqliteMetadataStore({ file: path.join(folder, 'metadata.sqlite') });
  let close = (): void => metadata.close();
  const world = createTestWorld({
    seed,
    metadata,
    adapt: (plain) => {
      const { clock } = plain;
      const disk = createDiskBlobStore({ folder: path.join(folder, 'blobs'), endpoint, key, clock });
      const queue = createSqliteQueue({ file: path.join(folder, 'queues.sqlite'), clock });
      close = () => {
        metadata.close();
        queue.close();
      };
      return { ...plain, blobs: Object.assign(disk, { fetch: putBy(disk, clock) }), queue };
    },
  });
  return { ...world, blobs: world.deps.blobs as DurableWorld['blobs'], close };
}

/** As `cp -a`: a blob's ETag is its file's time, to the nanosecond, of which cpSync keeps milliseconds. */
export function copyWorld(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    const { mtimeNs } = statSync(path.join(from, name), { bigint: true });
    const seconds = Number(mtimeNs / 1_000_000_000n) + Number(mtimeNs % 1_000_000_000n) / 1e9;
    utimesSync(path.join(to, name), seconds, seconds);
  }
}
