import path from 'node:path';
import type { TestContext } from 'node:test';
import { createDiskBlobStore } from '../../../shared/adapters/disk/disk-blob-store.ts';
import type { BlobStore } from '../../../shared/ports/blob-store.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { BlobCreated } from '../../../local/events/blob-created.ts';
import { createBlobServer } from '../../../local/blob/blob-server.ts';
import { type ManualClock, createManualClock } from '../../contracts/manual-clock.ts';
import { createTemporaryFolder } from '../../contracts/temporary-folder.ts';

export interface BlobWorld {
  readonly store: BlobStore;
  readonly clock: ManualClock;
  readonly endpoint: string;
  readonly folder: string;
  /** Where uploads live before they are blobs. */
  readonly staging: string;
  readonly created: BlobCreated[];
  readonly logged: string[];
}

/** A blob endpoint over a fresh folder, and the store that signs its URLs. Ends with the test. */
export async function createBlobWorld(t: TestContext): Promise<BlobWorld> {
  const clock = createManualClock();
  const folder = await createTemporaryFolder(t);
  const key = new Uint8Array(32).fill(5);
  const created: BlobCreated[] = [];
  const logged: string[] = [];
  const write = (fields: object, message: string): void => {
    logged.push(JSON.stringify({ ...fields, message }));
  };
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const server = createBlobServer({ folder, key, clock, log, onCreated: (blob) => created.push(blob) });
  const endpoint = await server.start('127.0.0.1', 0);
  t.after(() => server.close(0));
  const store = createDiskBlobStore({ folder, endpoint, key, clock });
  return { store, clock, endpoint, folder, staging: path.join(folder, '.staging'), created, logged };
}
